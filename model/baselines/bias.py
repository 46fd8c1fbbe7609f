"""A damped mean for each movie and each user: the baseline of P(like | seen)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions

__all__ = ["Bias"]

# The log-loss of a wrong probability of 0 or 1 is infinite.
MARGIN = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Bias:
    """P(like | seen) = μ + c[i] + d[u], clipped to [.01, .99].

        c[i] = Σ (y - μ) / (n[i] + movie_damping)         over the ratings of movie i
        d[u] = Σ (y - μ - c[i]) / (n[u] + user_damping)   over the ratings given by user u

    with y = 1 for a like and 0 for a dislike, μ their mean. It ranks by P(like | seen).

    Parameters
    ----------
    expected : float64 array, shape (n_movies,)
        μ + c.
    user_damping : float
    movie_ids : int64 array, shape (n_movies,)
    """

    expected: NDArray[np.float64]
    user_damping: float
    movie_ids: NDArray[np.int64]

    @classmethod
    def fit(cls, interactions: Interactions, *, movie_damping: float, user_damping: float) -> Bias:
        """Take the means."""
        likes, dislikes = interactions.movie_counts()
        mean = likes.sum() / max(interactions.n_ratings, 1)
        c = (likes - mean * (likes + dislikes)) / (likes + dislikes + movie_damping)
        return cls(mean + c, user_damping, interactions.movie_ids)

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return P(like | seen) of every movie, twice."""
        residuals = liked - self.expected[movie_rows]
        d = residuals.sum() / (len(movie_rows) + self.user_damping)
        p = np.clip(self.expected + d, MARGIN, 1 - MARGIN).astype(np.float32)
        return p, p
