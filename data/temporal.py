"""Train before a date, test after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.interactions import Interactions
from data.splitting import HeldOut, Split

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["TimeSlices", "slice_by_time", "temporal"]


@dataclass(frozen=True, slots=True)
class TimeSlices:
    """The ratings of three periods that follow one another; users and movies may recur."""

    training: Interactions
    validation: Interactions
    test: Interactions


def slice_by_time(
    users: ArrayLike,
    movies: ArrayLike,
    liked: ArrayLike,
    rated_at: ArrayLike,
    *,
    shares: tuple[float, float] = (0.8, 0.9),
) -> TimeSlices:
    """Cut the ratings at two dates: by default the last tenth tests, the tenth before validates.

    Parameters
    ----------
    users, movies, liked : array_like, shape (n_ratings,)
        See `Interactions.from_arrays`.
    rated_at : array_like, shape (n_ratings,)
        Time of each rating; those of one second stay in one slice.
    shares : tuple of float
        Share of the ratings before the first date and before the second.

    Raises
    ------
    ValueError
        A slice is empty, for instance since all times are the same.
    """
    columns = tuple(np.asarray(column) for column in (users, movies, liked))
    times = np.asarray(rated_at)
    first, second = np.quantile(times, shares, method="inverted_cdf")
    periods = (times < first, (times >= first) & (times < second), times >= second)
    if not all(period.any() for period in periods):
        raise ValueError(f"no ratings in one of three periods cut at {first} and {second}")
    return TimeSlices(
        *(Interactions.from_arrays(*(c[period] for c in columns)) for period in periods)
    )


def temporal(slices: TimeSlices) -> Split:
    """Train before a date, test after it: find what people like next.

    A held-out user is given all that they rated before their slice and has to find the likes
    within it. Users without a rating before it, or without such a like, are not judged; a model
    may have been trained on what held-out users rated earlier.

    Parameters
    ----------
    slices : TimeSlices
    """
    movie_ids = slices.training.movie_ids
    training, second, third = (
        part.with_movies(movie_ids) for part in (slices.training, slices.validation, slices.test)
    )
    refit = _together(training, second)
    return Split(training, _next(training, second), refit, _next(refit, third))


def _together(first: Interactions, second: Interactions) -> Interactions:
    """Ratings of both, over the movies of the first."""
    parts = (first, second)
    return Interactions.from_arrays(
        np.concatenate([part.user_keys[part.user_rows] for part in parts]),
        np.concatenate([part.movie_ids[part.movie_rows] for part in parts]),
        np.concatenate([part.liked for part in parts]),
        movie_ids=first.movie_ids,
    )


def _next(before: Interactions, after: Interactions) -> HeldOut:
    """Give what the users of both rated before, hide what they rated after."""
    _, given, hidden = np.intersect1d(
        before.user_keys, after.user_keys, assume_unique=True, return_indices=True
    )
    judged = (before.ratings_per_user[given] > 0) & (after.likes_per_user[hidden] > 0)
    return HeldOut(before.select_users(given[judged]), after.select_users(hidden[judged]))
