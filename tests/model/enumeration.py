"""A machine small enough to visit all of its 3^m 2^n states, in float64."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.couplings import Couplings
from model.rbm import RBM

Array = NDArray[np.float64]

N_MOVIES, N_HIDDEN = 3, 2
ACTIVITY = 0.3  # any value: t is given


def exact_rbm(W: Any, a: Any, b: Any, movie_ids: Any, mean_ratings: float) -> RBM:
    """A machine in float64, which the equations take as well as float32."""
    return RBM(W, a, b, movie_ids, mean_ratings)


def tiny_rbm(
    seed: int = 0, *, scale: float = 0.8, n_movies: int = N_MOVIES, coupled: bool = False
) -> RBM:
    rng = np.random.default_rng(seed)
    rbm = exact_rbm(
        W=rng.normal(0, scale, (n_movies, 2, N_HIDDEN)),
        a=rng.normal(-0.5, 0.5, (n_movies, 2)),
        b=rng.normal(0, 0.5, N_HIDDEN),
        movie_ids=np.arange(10, 10 + n_movies),
        mean_ratings=2.0,
    )
    return replace(rbm, couplings=all_coupled(n_movies, rng)) if coupled else rbm


def all_coupled(n_movies: int, rng: np.random.Generator) -> Couplings:
    """Every pair of movies coupled, in float64."""
    S: Any = rng.normal(0, 1, (n_movies, n_movies))
    S = S + S.T
    rows, columns = np.nonzero(~np.eye(n_movies, dtype=bool))
    indptr = np.arange(n_movies + 1) * (n_movies - 1)
    return Couplings(indptr, columns.astype(np.int32), S[rows, columns], 1.0, 1.0)


def all_visible(n_movies: int = N_MOVIES) -> Array:
    """Every v, shape (3^m, 2 m)."""
    states = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]  # unseen, like, dislike
    return np.array([sum(v, ()) for v in product(states, repeat=n_movies)])


def all_hidden(n_hidden: int = N_HIDDEN) -> Array:
    """Every h, shape (2^n, n)."""
    return np.array(list(product([0.0, 1.0], repeat=n_hidden)))


def joint(rbm: RBM, t: float = ACTIVITY) -> Array:
    """P(v, h) = exp(-E(v, h)) / Z from the definition, term by term; shape (3^m, 2^n)."""
    V, H = all_visible(rbm.n_movies), all_hidden(rbm.n_hidden)
    energy = np.zeros((len(V), len(H)))
    S = np.zeros((rbm.n_movies, rbm.n_movies))
    if rbm.couplings is not None:
        S = rbm.couplings.matrix().toarray()
    for n, v in enumerate(V.reshape(len(V), rbm.n_movies, 2)):
        for k, h in enumerate(H):
            for i in range(rbm.n_movies):
                for s in range(2):
                    energy[n, k] -= (rbm.a[i, s] + t) * v[i, s]
                    for j in range(rbm.n_hidden):
                        energy[n, k] -= v[i, s] * rbm.W[i, s, j] * h[j]
            for j in range(rbm.n_hidden):
                energy[n, k] -= rbm.b[j] * h[j]
            for i in range(rbm.n_movies):
                for other in range(i + 1, rbm.n_movies):
                    energy[n, k] -= S[i, other] * v[i, 0] * v[other, 0]
    weight = np.exp(-energy)
    return weight / weight.sum()


def gibbs_kernel(rbm: RBM, t: float = ACTIVITY) -> Array:
    """T[v, v'] = sum_h P(h | v) P(v' | h), from the joint distribution; shape (3^m, 3^m)."""
    p = joint(rbm, t)
    hidden_given_visible = p / p.sum(axis=1, keepdims=True)
    visible_given_hidden = p / p.sum(axis=0, keepdims=True)
    return hidden_given_visible @ visible_given_hidden.T


def statistics(rbm: RBM, distribution: Array) -> tuple[Array, Array, Array]:
    """<v h>, <v> and <h> when v has the given distribution over all states and h follows it."""
    V = all_visible(rbm.n_movies)
    p = joint(rbm)
    H = (p / p.sum(axis=1, keepdims=True)) @ all_hidden(rbm.n_hidden)
    weighted = distribution[:, np.newaxis] * V
    return weighted.T @ H, weighted.sum(axis=0), distribution @ H
