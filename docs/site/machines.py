"""The small machines of *How it works*: two by two units, and six movies."""

import json
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from model.learning import Gradient, cd_gradient, contrastive_divergence
from model.rbm import LIKE, RBM, activity, sigmoid

Array = NDArray[Any]

RATE = 0.1  # κ, γ and η of the worked example
TITLES = ("Fight Club", "The Departed", "Memento", "Toy Story", "Toy Story 2", "Shrek")
DARK = 3  # so many of them are thrillers, the others animated
N_USERS, N_HIDDEN, N_STEPS, STEP = 400, 2, 500, 1.0


class Pass(NamedTuple):
    """One step of contrastive divergence by hand, with the draws that a reader can follow."""

    rbm: RBM
    v0: Array
    p0: Array
    h0: Array
    x: Array
    v1: Array
    p1: Array
    gradient: Gradient


def two_by_two() -> RBM:
    """Return the machine of the worked example; its units have two states: no dislikes."""
    W, a = np.zeros((2, 2, 2)), np.zeros((2, 2))
    W[:, LIKE] = [[0.5, -0.3], [0.2, 0.4]]
    a[:, LIKE] = [0.1, -0.1]
    return _machine(W, a, np.array([0.2, -0.2]), 1.0)


def worked_example() -> Pass:
    """Return a step of CD-1 from v0 = (1, 0), where h0 = (1, 0) and v1 = (0, 1) are drawn."""
    rbm = two_by_two()
    v0, v1, h0 = likes([1, 0]), likes([0, 1]), np.array([[1.0, 0.0]])
    p0, p1 = rbm.hidden_probability(v0), rbm.hidden_probability(v1)
    x = rbm.visible_input(h0, np.zeros(1))[0, :, LIKE]
    gradient = cd_gradient(sparse.csr_array(v0), p0, sparse.csr_array(v1), p1)
    return Pass(rbm, v0[0, ::2], p0[0], h0[0], x, v1[0, ::2], p1[0], gradient)


def updated(step: Pass) -> RBM:
    """Return the machine after the step, with all three learning rates .1."""
    rbm, gradient = step.rbm, step.gradient
    a = rbm.a + RATE * gradient.a.reshape(rbm.a.shape)
    W = rbm.W + RATE * gradient.W.reshape(rbm.W.shape)
    return _machine(W, a, rbm.b + RATE * gradient.b, rbm.mean_ratings)


def likes(states: Any) -> Array:
    """Return visible states of units that are on or off, as likes; one row."""
    v = np.zeros((1, 2 * len(states)))
    v[0, ::2] = states
    return v


def states_by_energy(rbm: RBM) -> list[tuple[Array, Array, float, float]]:
    """List v, h, E(v, h) and P(v, h) of all states of two by two units, the likeliest first."""
    pairs = [(v, h) for v in product((0, 1), repeat=2) for h in product((0, 1), repeat=2)]
    energies = np.array(
        [rbm.energy(likes(v), np.array([h], dtype=float), np.zeros(1))[0] for v, h in pairs]
    )
    weights = np.exp(-energies)
    rows = zip(pairs, energies, weights / weights.sum(), strict=True)
    return sorted(
        ((np.array(v), np.array(h), float(e), float(p)) for (v, h), e, p in rows),
        key=lambda row: row[2],
    )


@cache
def invented_users() -> sparse.csr_array[Any]:
    """Return what users who love thrillers, animated films, both or none think of six movies.

    Who likes *Toy Story* has mostly seen its sequel too, whatever else they like.
    """
    rng = np.random.default_rng(7)
    tastes = rng.random((N_USERS, 2)) < 0.5
    loves = tastes[:, [0] * DARK + [1] * (len(TITLES) - DARK)]
    seen = rng.random(loves.shape) < np.where(loves, 0.75, 0.4)
    liked = rng.random(loves.shape) < np.where(loves, 0.88, 0.15)
    first, sequel = TITLES.index("Toy Story"), TITLES.index("Toy Story 2")
    follows = rng.random(N_USERS) < 0.85
    liked[:, sequel] = np.where(follows, liked[:, first], liked[:, sequel])
    seen[:, sequel] = np.where(follows, seen[:, first], seen[:, sequel])
    V = np.stack([seen & liked, seen & ~liked], axis=2).reshape(N_USERS, -1)
    return sparse.csr_array(V[V.any(axis=1)].astype(np.float64))


def untrained(seed: int = 3) -> RBM:
    """Return a machine of six movies with small random weights."""
    rng = np.random.default_rng(seed)
    n = len(TITLES)
    mean = float(invented_users().sum(axis=1).mean())
    W = rng.normal(0, 0.3, (n, 2, N_HIDDEN))
    return _machine(W, np.zeros((n, 2)), np.zeros(N_HIDDEN), mean)


@cache
def six_movies(n_steps: int = N_STEPS) -> RBM:
    """Train on the invented users by contrastive divergence, in float64; the rates fall to 0."""
    rbm, V, rng = untrained(), invented_users(), np.random.default_rng(11)
    t = activity(np.asarray(V.sum(axis=1)).reshape(-1), rbm.mean_ratings)
    for step in range(n_steps):
        users = rng.choice(V.shape[0], 100, replace=False)
        gradient, _ = contrastive_divergence(rbm, V[users], t[users], 1, rng)
        rate = STEP * (1 - step / n_steps)
        W = rbm.W + rate * (gradient.W.reshape(rbm.W.shape) - 0.001 * rbm.W)
        a = rbm.a + rate * gradient.a.reshape(rbm.a.shape)
        rbm = _machine(W, a, rbm.b + rate * gradient.b, rbm.mean_ratings)
    return rbm


def as_script() -> str:
    """Return the machine of six movies for the page that runs it in the browser."""
    rbm = six_movies()
    values = {"titles": TITLES, "mean": rbm.mean_ratings}
    arrays = {name: np.round(getattr(rbm, name), 4).tolist() for name in ("W", "a", "b")}
    return f"const MACHINE = {json.dumps(values | arrays)};\n"


def user(liked: tuple[str, ...], disliked: tuple[str, ...] = ()) -> Array:
    """Return the visible states of somebody who rated some of the six movies; one row."""
    v = np.zeros((len(TITLES), 2))
    for state, titles in enumerate((liked, disliked)):
        v[[TITLES.index(title) for title in titles], state] = 1
    return v.reshape(1, -1)


def pass_up_and_down(v: Array) -> tuple[Array, Array]:
    """Return P(h|v) and, of these probabilities, P(like), P(dislike): (hidden,), (movies, 2)."""
    rbm = six_movies()
    hidden = rbm.hidden_probability(v)
    t = activity(v.sum(axis=1), rbm.mean_ratings)
    return hidden[0], rbm.visible_probability(hidden, t)[0]


def all_visible(n_movies: int) -> Array:
    """Return every state of so many movies, shape (3^n_movies, 2 n_movies).

    A Gray code of base 3: from one row to the next a single movie changes its state.
    """
    codes: list[tuple[int, ...]] = [()]
    for _ in range(n_movies):
        codes = [
            (*code, digit)
            for row, code in enumerate(codes)
            for digit in ((0, 1, 2) if row % 2 == 0 else (2, 1, 0))
        ]
    shape = ((0, 0), (1, 0), (0, 1))
    return np.array([[x for digit in code for x in shape[digit]] for code in codes], dtype=float)


def negative_log_probability(rbm: RBM, V: Array, t: float) -> Array:
    """Return −log P(v) of all states, by enumeration."""
    F: Array = rbm.free_energy(V, np.full(len(V), t))
    return np.asarray(F + np.logaddexp.reduce(-F))


def gibbs_step(rbm: RBM, v: Array, rng: np.random.Generator) -> Array:
    """Draw h, then units of two states again: a step of a chain of the two by two machine."""
    h = (rng.random((1, rbm.n_hidden)) < rbm.hidden_probability(v)).astype(float)
    p = sigmoid(rbm.visible_input(h, np.zeros(1))[0, :, LIKE])
    return likes((rng.random(len(p)) < p).astype(float))


def _machine(W: Any, a: Any, b: Any, mean_ratings: float) -> RBM:
    """Return a machine in float64, which the equations take as well as float32."""
    return RBM(W, a, b, np.arange(1, len(W) + 1), mean_ratings)
