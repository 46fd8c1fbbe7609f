"""What is known of a matrix of like / dislike / unseen without its rows: sums over all users.

Sums of parts are those of the whole, so that a data set on many machines has them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions

__all__ = ["Totals"]


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Sums over the users that have a rating.

    Parameters
    ----------
    likes, dislikes : int64 array, shape (n_movies,)
        Of each movie.
    n_users : int
        With at least one rating.
    movie_ids : int64 array, shape (n_movies,)
    """

    likes: NDArray[np.int64]
    dislikes: NDArray[np.int64]
    n_users: int
    movie_ids: NDArray[np.int64]

    @classmethod
    def of(cls, ratings: Interactions | Totals) -> Totals:
        """Sum over the users of a matrix; totals are returned as they are."""
        if isinstance(ratings, Totals):
            return ratings
        n_users = int(np.count_nonzero(ratings.ratings_per_user))
        return cls(*ratings.movie_counts(), n_users, ratings.movie_ids)

    def of_movies(self, kept: NDArray[np.bool_]) -> Totals:
        """Return the totals of some movies alone, with the same number of users."""
        return Totals(self.likes[kept], self.dislikes[kept], self.n_users, self.movie_ids[kept])

    @property
    def n_movies(self) -> int:
        """Number of movies, rated or not."""
        return len(self.movie_ids)

    @property
    def n_ratings(self) -> int:
        """Number of likes and dislikes together."""
        return int(self.likes.sum() + self.dislikes.sum())

    @property
    def mean_ratings(self) -> float:
        """Ratings per user."""
        return self.n_ratings / max(self.n_users, 1)

    def movie_counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Likes and dislikes of each movie, two arrays of shape (n_movies,)."""
        return self.likes, self.dislikes
