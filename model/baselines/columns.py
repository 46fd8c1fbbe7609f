"""The binary matrix X that the baselines work on: likes, and dislikes as columns of their own.

Column i stands for a like of movie i; where dislikes take part, column ``n_movies + i`` stands for
a dislike of it. Only the first n_movies columns are ever recommended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions

__all__ = ["binary_matrix", "input_columns"]


def binary_matrix(interactions: Interactions, *, dislikes: bool) -> sparse.csr_array[Any]:
    """X, float64, shape (n_users, n_movies) or with dislikes (n_users, 2 * n_movies)."""
    n_movies, liked = interactions.n_movies, interactions.liked
    used = np.ones_like(liked) if dislikes else liked
    movies = interactions.movie_rows[used].astype(np.int64)
    columns = movies + np.where(liked[used], 0, n_movies)
    shape = (interactions.n_users, 2 * n_movies if dislikes else n_movies)
    return sparse.csr_array(
        (np.ones(len(columns)), (interactions.user_rows[used], columns)), shape=shape
    )


def input_columns(
    movie_rows: NDArray[np.integer], liked: NDArray[np.bool_], n_movies: int, *, dislikes: bool
) -> NDArray[np.int64]:
    """Columns of X that one user's ratings set."""
    rows = np.asarray(movie_rows, dtype=np.int64)
    likes = rows[liked]
    return np.concatenate((likes, n_movies + rows[~liked])) if dislikes else likes
