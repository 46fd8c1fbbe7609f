"""Popularity: the same list for every user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.totals import Totals

__all__ = ["Popularity", "damped_like_share"]

# Pseudo-ratings of an average movie added to each movie.
DAMPING = 10


@dataclass(frozen=True, slots=True, eq=False)
class Popularity:
    """Movies by their number of likes, the same list for every user.

    Parameters
    ----------
    like : float32 array, shape (n_movies,)
        Likes of each movie / number of users.
    like_given_seen : float32 array, shape (n_movies,)
        See `damped_like_share`.
    movie_ids : int64 array, shape (n_movies,)
    """

    like: NDArray[np.float32]
    like_given_seen: NDArray[np.float32]
    movie_ids: NDArray[np.int64]

    @classmethod
    def fit(cls, interactions: Interactions | Totals) -> Popularity:
        """Count the likes and dislikes of every movie."""
        likes, dislikes = interactions.movie_counts()
        return cls(
            (likes / max(interactions.n_users, 1)).astype(np.float32),
            damped_like_share(likes, dislikes),
            interactions.movie_ids,
        )

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the same scores whatever the user has rated."""
        del movie_rows, liked
        return self.like, self.like_given_seen


def damped_like_share(
    likes: NDArray[np.integer], dislikes: NDArray[np.integer]
) -> NDArray[np.float32]:
    """(likes + 10 share) / (likes + dislikes + 10), share being that of all ratings together.

    Parameters
    ----------
    likes, dislikes : int array, shape (n_movies,)

    Returns
    -------
    float32 array, shape (n_movies,)
        Share of likes, shrunk towards the mean for a movie with few ratings.
    """
    total = likes.sum() + dislikes.sum()
    share = likes.sum() / total if total else 0.5
    damped = (likes + DAMPING * share) / (likes + dislikes + DAMPING)
    return np.asarray(damped, dtype=np.float32)
