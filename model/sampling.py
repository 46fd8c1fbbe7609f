"""Sparse batches of visible states drawn from the conditionals of the machine, and Gibbs chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from model.draws import sample_hidden, sample_states
from model.rbm import DISLIKE, LIKE, RBM, Visible, sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["gibbs_chain", "rated_gap", "sample_rated", "sample_visible"]


def sample_visible(
    rbm: RBM, H: NDArray[np.floating], t: NDArray[np.floating], rng: np.random.Generator
) -> sparse.csr_array[Any]:
    """Draw the three states of every movie from P(v_i = s | h); see `model.draws.sample_states`.

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
    drawn = sample_states(rbm.visible_input(H, t), rng)
    return _visible(*np.divmod(drawn, 2 * rbm.n_movies), len(H), rbm.n_movies)


def sample_rated(
    rbm: RBM, H: NDArray[np.floating], V: sparse.csr_array[Any], rng: np.random.Generator
) -> sparse.csr_array[Any]:
    """Draw like or dislike of the rated movies alone, from σ(x[i,L] - x[i,D]): the classic machine.

    Parameters
    ----------
    rbm : RBM
    H : array, shape (n_users, n_hidden)
    V : csr_array, shape (n_users, 2 * n_movies)
        Which movies are rated; their states are not used.
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
    """Yield (h, v) without end: h ~ P(h | v), then v ~ P(v | h), starting from the given v.

    A free chain converges to P(v, h); with clamped ratings, to P(v, h | these ratings): given h the
    movies are independent, so rated movies keep their state and the others are drawn.
    `model.scoring.sample_user` is the same for one user, for serving.

    Parameters
    ----------
    rbm : RBM
    V : array or csr_array, shape (n_users, 2 * n_movies)
        Where the chains start; clamped movies start in their clamped states instead.
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
    """Replace the states of the clamped movies in V by their clamped ratings."""
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
    """Sparse V from its entries, sorted by user."""
    indptr = np.searchsorted(users, np.arange(n_users + 1))
    ones = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_array((ones, columns, indptr), shape=(n_users, 2 * n_movies))
