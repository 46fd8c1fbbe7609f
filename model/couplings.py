r"""Couplings between movies: the semi-restricted part of the machine [1]_.

    E(v, h) -= Σ_i<k S[i,k] v[i,L] v[k,L],    so that    x[i,L] += Σ_k S[i,k] v[k,L]

S is symmetric with a diagonal of zeros. Hidden units stay independent of each other given v, so the
upward pass does not change. Likes alone are coupled: blocks for dislikes gained nothing.

For continuous v with precision matrix P the coupling of two movies, in units of their own
precisions, is the partial correlation [2]_:

    S[i,k] = - strength P[i,k] / √(P[i,i] P[k,k])      P = (XᵀX + λ I)⁻¹    λ = l2 √n_users

with X the binary likes. Only the strongest couplings of each movie are kept. `Couplings` needs
NumPy alone, for serving.

References
----------
.. [1] S. Osindero, G. Hinton. Modeling image patches with a directed hierarchy of Markov random
       fields. NIPS 2007.
.. [2] H. Steck. Markov Random Fields for Collaborative Filtering. NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

    from data.interactions import Interactions
    from data.totals import Totals

__all__ = ["Couplings", "coupled_movies", "couplings_of", "fit_couplings", "gram_of_likes"]

# Beyond this number, the most liked movies alone are coupled: the inverse takes .4 GB and 20 s.
MAX_MOVIES = 10_000
# Likes below which a movie is not coupled.
MIN_LIKES = 3
# Rows of S that are computed at a time: 20 MB with the largest number of movies.
BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Couplings:
    """S in compressed sparse rows, the strength multiplied in.

    Parameters
    ----------
    indptr : int64 array, shape (n_movies + 1,)
    indices : int32 array, shape (n_couplings,)
        The coupled movies of movie i are ``indices[indptr[i]:indptr[i + 1]]``, rising.
    values : float32 array, shape (n_couplings,)
    strength, l2 : float
        As they were fitted, see the module.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    strength: float
    l2: float

    def received(
        self, likes: NDArray[np.integer], weights: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """Σ_k S[i,k] v[k,L] of every movie i for the liked movies k, shape (n_movies,).

        Parameters
        ----------
        likes : int array, shape (n_likes,)
            Movie rows.
        weights : float array, shape (n_likes,), optional
            Each like's weight, 1 by default.
        """
        entries, lengths = self._entries(likes)
        values = self.values[entries]
        if weights is not None:
            values = values * np.repeat(weights, lengths)
        n_movies = len(self.indptr) - 1
        return np.bincount(self.indices[entries], values, n_movies).astype(np.float64, copy=False)

    def between(
        self, targets: NDArray[np.integer], rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """S[targets[i], rows[k]], shape (n_targets, n_rows); `rows` are unique."""
        place = np.full(len(self.indptr) - 1, -1)
        place[rows] = np.arange(len(rows))
        entries, lengths = self._entries(targets)
        at = place[self.indices[entries]]
        dense = np.zeros((len(targets), len(rows)), dtype=np.float32)
        dense[np.repeat(np.arange(len(targets)), lengths)[at >= 0], at[at >= 0]] = self.values[
            entries[at >= 0]
        ]
        return dense

    def matrix(self) -> sparse.csr_array[Any]:
        """S as a matrix of SciPy, shape (n_movies, n_movies)."""
        from scipy import sparse  # noqa: PLC0415 (serving does without)

        n_movies = len(self.indptr) - 1
        return sparse.csr_array((self.values, self.indices, self.indptr), shape=(n_movies,) * 2)

    def of_strength(self, strength: float) -> Couplings:
        """Return the same couplings with another strength."""
        values = self.values * np.float32(strength / self.strength)
        return replace(self, values=values, strength=strength)

    def _entries(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the couplings of these rows, one row after the other, and their numbers."""
        starts = self.indptr[rows]
        lengths = self.indptr[np.asarray(rows) + 1] - starts
        ends = np.cumsum(lengths)
        n_entries = int(ends[-1]) if len(ends) else 0
        return np.arange(n_entries) + np.repeat(starts - (ends - lengths), lengths), lengths


def fit_couplings(
    interactions: Interactions, strength: float = 1.0, l2: float = 2.5, neighbours: int = 50
) -> Couplings:
    """Fit S to the likes in closed form, through the smaller of the two Gram matrices.

    With fewer users than movies, P = (I - Xᵀ K X) / λ with K = (X Xᵀ + λ I)⁻¹ (Woodbury), so that

        S[i,k] = strength Q[i,k] / √((1 - Q[i,i]) (1 - Q[k,k])),    Q = Xᵀ K X

    Parameters
    ----------
    interactions : Interactions
    strength : float
        What S is multiplied by, more than 0.
    l2 : float
        λ / √n_users: the same value suits different numbers of users.
    neighbours : int
        Couplings kept of each movie, those of largest magnitude; a pair stays if it is among those
        of either movie. Movies with fewer than 3 likes have none, and beyond the 10,000 most
        liked movies the others have none: the memory stays below 1 GB.

    Returns
    -------
    Couplings
    """
    movies = coupled_movies(interactions)
    penalty = _penalty(l2, interactions.n_users)
    X = _likes(interactions, movies)
    rows = _rows_by_users(X, penalty) if X.shape[0] < X.shape[1] else _rows(_gram(X.T), penalty)
    pairs = _strongest_pairs(rows, len(movies), neighbours)
    return _couplings(pairs, movies, interactions.n_movies, strength, l2)


def coupled_movies(ratings: Interactions | Totals) -> NDArray[np.int64]:
    """Rows of the movies that have couplings, rising."""
    likes, _ = ratings.movie_counts()
    most_liked = np.argsort(-likes, kind="stable")[:MAX_MOVIES]
    return np.sort(most_liked[likes[most_liked] >= MIN_LIKES])


def gram_of_likes(interactions: Interactions, movies: NDArray[np.int64]) -> NDArray[np.float32]:
    """XᵀX of these movies, float32, in the order of Fortran; of parts of the users, they add up."""
    return _gram(_likes(interactions, movies).T)


def couplings_of(
    gram: NDArray[np.float32], totals: Totals, l2: float, neighbours: int
) -> Couplings:
    """Fit S of strength 1 to XᵀX of the `coupled_movies`; the others are as of `fit_couplings`.

    The memory of `gram` becomes that of the result.
    """
    movies = coupled_movies(totals)
    rows = _rows(gram, _penalty(l2, totals.n_users))
    pairs = _strongest_pairs(rows, len(movies), neighbours)
    return _couplings(pairs, movies, totals.n_movies, 1.0, l2)


def _penalty(l2: float, n_users: int) -> float:
    """λ = l2 √n_users."""
    return float(l2 * np.sqrt(max(n_users, 1)))


def _couplings(
    pairs: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]],
    movies: NDArray[np.int64],
    n_movies: int,
    strength: float,
    l2: float,
) -> Couplings:
    rows, columns, values = _both_ways(*pairs, n=len(movies))
    indptr = np.zeros(n_movies + 1, dtype=np.int64)
    np.cumsum(np.bincount(movies[rows], minlength=n_movies), out=indptr[1:])
    return Couplings(
        indptr,
        movies[columns].astype(np.int32),
        (strength * values).astype(np.float32),
        float(strength),
        float(l2),
    )


def _likes(interactions: Interactions, movies: NDArray[np.int64]) -> sparse.csr_array[Any]:
    """X of these movies and of the users who like one of them, float32."""
    from scipy import sparse  # noqa: PLC0415 (serving does without)

    place = np.full(interactions.n_movies, -1)
    place[movies] = np.arange(len(movies))
    at = place[interactions.movie_rows]
    used = interactions.liked & (at >= 0)
    _, users = np.unique(interactions.user_rows[used], return_inverse=True)
    shape = (int(users.max(initial=-1)) + 1, len(movies))
    ones = np.ones(len(users), dtype=np.float32)
    return sparse.csr_array((ones, (users, at[used])), shape=shape)


def _strongest_pairs(
    blocks: Iterator[tuple[int, NDArray[np.float32]]], n_movies: int, neighbours: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Row, column and S of the strongest couplings of each row, some of them in both orders."""
    kept = min(neighbours, n_movies - 1)
    if kept < 1:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0, dtype=np.float32)
    rows = np.arange(n_movies)
    found = []
    for begin, S in blocks:
        own = np.arange(len(S))
        S[own, rows[begin : begin + len(S)]] = 0
        strongest = np.argpartition(-np.abs(S), kept - 1, axis=1)[:, :kept]
        found.append((np.repeat(own + begin, kept), strongest.ravel(), S[own[:, None], strongest]))
    left, right, values = zip(*found, strict=True)
    return np.concatenate(left), np.concatenate(right), np.concatenate(values, axis=0).ravel()


def _rows(gram: NDArray[np.float32], penalty: float) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield blocks of rows of S, the diagonal included: first row, float32 (m, n_movies)."""
    P = _inverse(gram, penalty)
    scale = (1 / np.sqrt(np.diag(P))).astype(np.float32)
    for begin in range(0, len(P), BLOCK):
        yield begin, -P[begin : begin + BLOCK] * scale[begin : begin + BLOCK, None] * scale


def _rows_by_users(
    X: sparse.csr_array[Any], penalty: float
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the same through X Xᵀ."""
    blocks = range(0, X.shape[1], BLOCK)
    K = _inverse(_gram(X), penalty)
    by_movie, columns = X.T.tocsr(), X.tocsc()
    parts = [by_movie[begin : begin + BLOCK] for begin in blocks]
    own = np.concatenate([(part.multiply(part @ K)).sum(axis=1) for part in parts])
    scale = (1 / np.sqrt(1 - own)).astype(np.float32)
    for begin, part in zip(blocks, parts, strict=True):
        Q = (part @ K) @ columns
        yield begin, Q * scale[begin : begin + BLOCK, None] * scale


def _gram(X: Any) -> NDArray[np.float32]:
    """X Xᵀ, in the memory of the result and some blocks of rows; counts of likes are exact."""
    n = X.shape[0]
    gram = np.empty((n, n), dtype=np.float32, order="F")
    by_row, transposed = X.tocsr(), X.T.tocsr()
    for begin in range(0, n, BLOCK):  # symmetric: rows are columns
        gram[:, begin : begin + BLOCK] = (by_row[begin : begin + BLOCK] @ transposed).toarray().T
    return gram


def _inverse(gram: NDArray[np.float32], penalty: float) -> NDArray[np.float32]:
    """(gram + penalty I)⁻¹ by Cholesky, in the memory of the result.

    float32: the penalty keeps the condition near 1,000.
    """
    from scipy.linalg import lapack  # noqa: PLC0415 (serving does without)

    n = len(gram)
    gram[np.diag_indices(n)] += penalty
    factor, singular = lapack.spotrf(gram, lower=True, overwrite_a=True)
    inverse, failed = lapack.spotri(factor, lower=True, overwrite_c=True)
    if singular or failed:
        raise np.linalg.LinAlgError(f"the matrix is singular: the penalty {penalty} is too small")
    for begin in range(0, n, BLOCK):  # LAPACK fills the lower triangle alone
        end = min(begin + BLOCK, n)
        own = np.tril(inverse[begin:end, begin:end])
        inverse[begin:end, begin:end] = own + np.tril(own, -1).T
        inverse[begin:end, end:] = inverse[end:, begin:end].T
    return inverse


def _both_ways(
    left: NDArray[np.int64], right: NDArray[np.int64], values: NDArray[np.float32], *, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Each pair once in both orders with one value, by rising row and column; no zeros."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    _, first = np.unique(low * n + high, return_index=True)
    first = first[values[first] != 0]
    rows = np.concatenate((low[first], high[first]))
    columns = np.concatenate((high[first], low[first]))
    order = np.lexsort((columns, rows))
    return rows[order], columns[order], np.concatenate((values[first],) * 2)[order]
