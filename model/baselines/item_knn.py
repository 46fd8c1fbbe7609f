"""Item-based nearest neighbours: movies that are liked by the same users.

References
----------
.. [1] B. Sarwar, G. Karypis, J. Konstan, J. Riedl. Item-Based Collaborative Filtering
       Recommendation Algorithms. WWW 2001.
.. [2] M. Deshpande, G. Karypis. Item-Based Top-N Recommendation Algorithms. TOIS 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from model.baselines.columns import binary_matrix, input_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions

__all__ = ["ItemKNN"]

# Movies whose counts are in memory at the same time: with 50,000 columns at most 300 MB.
BLOCK = 512

Neighbours = tuple["NDArray[np.integer]", "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True, eq=False)
class ItemKNN:
    """score(i) = sum of s(i, j) over the given j among the k nearest neighbours of i.

    Parameters
    ----------
    similarity : csr_array, shape (n_columns, n_movies)
        s(i, j) = n[i, j] / (sqrt(n[i] n[j]) + shrinkage), n[i, j] counting the users that have
        both; only the k largest j of each i.
    movie_ids : int64 array, shape (n_movies,)
    dislikes : bool
        Whether dislikes take part, as columns of their own.
    """

    similarity: sparse.csr_array[Any]
    movie_ids: NDArray[np.int64]
    dislikes: bool

    @classmethod
    def fit(
        cls, interactions: Interactions, *, neighbours: int, shrinkage: float, dislikes: bool
    ) -> ItemKNN:
        """Find the nearest neighbours of every movie."""
        X = binary_matrix(interactions, dislikes=dislikes).tocsc()
        norm = np.sqrt(X.sum(axis=0))
        nearest = []
        for begin in range(0, interactions.n_movies, BLOCK):
            movies = np.arange(begin, min(begin + BLOCK, interactions.n_movies))
            together = (X[:, movies].T @ X).tocsr()
            for row, movie in enumerate(movies):
                columns, counts = _row(together, row)
                similarity = counts / (norm[movie] * norm[columns] + shrinkage)
                similarity[columns == movie] = 0
                nearest.append(_largest(columns, similarity, neighbours))
        return cls(_by_neighbour(nearest, X.shape[1]), interactions.movie_ids, dislikes)

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], None]:
        """Return the sum of similarities for every movie; there is no P(like | seen)."""
        n_movies = len(self.movie_ids)
        given = input_columns(movie_rows, liked, n_movies, dislikes=self.dislikes)
        return np.asarray(self.similarity[given].sum(axis=0), dtype=np.float32), None


def _row(matrix: sparse.csr_array[Any], row: int) -> Neighbours:
    entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[entries], matrix.data[entries]


def _largest(columns: NDArray[np.integer], values: NDArray[np.float64], k: int) -> Neighbours:
    """Keep the k largest values and their columns."""
    if len(values) <= k:
        return columns, values
    kept = np.argpartition(values, -k)[-k:]
    return columns[kept], values[kept]


def _by_neighbour(nearest: list[Neighbours], n_columns: int) -> sparse.csr_array[Any]:
    """One row per neighbour, one column per movie."""
    columns, values = (np.concatenate(parts) for parts in zip(*nearest, strict=True))
    movies = np.repeat(np.arange(len(nearest)), [len(own) for own, _ in nearest])
    return sparse.csr_array(
        (values.astype(np.float32), (columns, movies)), shape=(n_columns, len(nearest))
    )
