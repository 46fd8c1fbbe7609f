"""Draws from the conditionals of the machine, each by the inverse of its distribution function.

Every unit gets a random number of its own from the generator that the caller passes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from model.rbm import DISLIKE, LIKE, RBM, Visible, sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["gibbs_chain", "sample_hidden", "sample_rated", "sample_visible"]

# exp() of a larger input is infinite in float32; a probability is 1 long before it.
MAX_INPUT = np.float32(80)


def sample_hidden(
    probability: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw h_j = 1 with the given probability, shape (n_users, n_hidden)."""
    draws = rng.random(probability.shape, dtype=np.float32)
    return (draws < probability).astype(np.float32)


def sample_visible(
    rbm: RBM, H: NDArray[np.floating], t: NDArray[np.floating], rng: np.random.Generator
) -> sparse.csr_array[Any]:
    """Draw the three states of every movie from P(v_i = s | h).

    With one number u, uniform in [0, 1), and the normaliser n = 1 + exp(x[L]) + exp(x[D]):
    like where u n < exp(x[L]), dislike where exp(x[L]) <= u n < exp(x[L]) + exp(x[D]), else unseen.

    Parameters
    ----------
    rbm : RBM
    H : array, shape (n_users, n_hidden)
    t : array, shape (n_users,)
    rng : numpy.random.Generator

    Returns
    -------
    float32 csr_array, shape (n_users, 2 * n_movies)
    """
    weight = rbm.visible_input(H, t)
    np.minimum(weight, MAX_INPUT, out=weight)
    np.exp(weight, out=weight)
    like = weight[..., LIKE]
    seen = like + weight[..., DISLIKE]
    u = rng.random(seen.shape, dtype=np.float32) * (1 + seen)
    drawn = np.flatnonzero(u < seen)
    users, movies = np.divmod(drawn, rbm.n_movies)
    disliked = u.reshape(-1)[drawn] >= like[users, movies]
    return _visible(users, 2 * movies + disliked, len(H), rbm.n_movies)


def sample_rated(
    rbm: RBM, H: NDArray[np.floating], V: sparse.csr_array[Any], rng: np.random.Generator
) -> sparse.csr_array[Any]:
    """Draw like or dislike of the rated movies alone, from σ(x[i,L] - x[i,D]): the classic machine.

    Parameters
    ----------
    rbm : RBM
    H : array, shape (n_users, n_hidden)
    V : csr_array, shape (n_users, 2 * n_movies)
        Which movies are rated; what the ratings say is not used.
    rng : numpy.random.Generator
    """
    users = np.repeat(np.arange(V.shape[0]), np.diff(V.indptr))
    movies = V.indices // 2
    probability = sigmoid(rated_gap(rbm, H, users, movies))
    disliked = rng.random(len(movies), dtype=np.float32) >= probability
    return _visible(users, 2 * movies + disliked, V.shape[0], rbm.n_movies)


def rated_gap(
    rbm: RBM,
    H: NDArray[np.floating],
    users: NDArray[np.integer],
    movies: NDArray[np.integer],
) -> NDArray[np.floating]:
    """x[i,L] - x[i,D] for the given pairs of user and movie rows, shape (n_pairs,)."""
    difference = rbm.W[:, LIKE] - rbm.W[:, DISLIKE]
    bias = (rbm.a[:, LIKE] - rbm.a[:, DISLIKE])[movies]
    return bias + (H @ difference.T)[users, movies]


def gibbs_chain(
    rbm: RBM,
    V: Visible,
    t: NDArray[np.floating],
    rng: np.random.Generator,
    *,
    clamped: sparse.csr_array[Any] | None = None,
) -> Iterator[tuple[NDArray[np.float32], sparse.csr_array[Any]]]:
    """Yield (h, v) for ever: h ~ P(h | v), then v ~ P(v | h), starting from the given v.

    Free, the chain draws from P(v, h); with ratings clamped, from P(v, h | these ratings), since
    the movies are independent given h: those that are rated keep their state, the others are drawn.
    `model.scoring.sample_user` is the same for one user, for serving.

    Parameters
    ----------
    rbm : RBM
    V : array or csr_array, shape (n_users, 2 * n_movies)
        Where the chains start; the clamped movies begin in their clamped states whatever it says.
    t : array, shape (n_users,)
    rng : numpy.random.Generator
    clamped : csr_array, shape (n_users, 2 * n_movies), optional
        Ratings that stay as they are.
    """
    if clamped is not None:
        V = _clamp(sparse.csr_array(V), clamped)
    while True:
        H = sample_hidden(rbm.hidden_probability(V), rng)
        V = sample_visible(rbm, H, t, rng)
        if clamped is not None:
            V = _clamp(V, clamped)
        yield H, V


def _clamp(V: sparse.csr_array[Any], clamped: sparse.csr_array[Any]) -> sparse.csr_array[Any]:
    """Put the clamped ratings in place of whatever V says of their movies."""
    n_users, n_movies = V.shape[0], V.shape[1] // 2
    rows = [np.repeat(np.arange(n_users), np.diff(X.indptr)) for X in (V, clamped)]
    cells = [row * n_movies + X.indices // 2 for row, X in zip(rows, (V, clamped), strict=True)]
    free = ~np.isin(cells[0], cells[1])
    users = np.concatenate((rows[0][free], rows[1]))
    columns = np.concatenate((V.indices[free], clamped.indices))
    order = np.lexsort((columns, users))
    return _visible(users[order], columns[order], n_users, n_movies)


def _visible(
    users: NDArray[np.integer], columns: NDArray[np.integer], n_users: int, n_movies: int
) -> sparse.csr_array[Any]:
    """Sparse V from its entries, which come user by user."""
    indptr = np.searchsorted(users, np.arange(n_users + 1))
    ones = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_array((ones, columns, indptr), shape=(n_users, 2 * n_movies))
