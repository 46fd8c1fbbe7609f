"""Train before a date, test after it: one split, or windows that follow one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data.interactions import Interactions
from data.splitting import HeldOut, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "TimeSlices",
    "Timed",
    "Window",
    "age_weights",
    "rolling_windows",
    "slice_by_time",
    "temporal",
]

SECONDS_PER_YEAR = 365.25 * 86_400


@dataclass(frozen=True, slots=True)
class TimeSlices:
    """The ratings of three periods that follow one another; users and movies may recur."""

    training: Interactions
    validation: Interactions
    test: Interactions


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """Ratings and when each was given.

    Parameters
    ----------
    interactions : Interactions
    rated_at : int64 array, shape (n_ratings,)
        Unix seconds of each rating, in the order of the interactions' entries.
    """

    interactions: Interactions
    rated_at: NDArray[np.int64]

    @classmethod
    def from_arrays(
        cls, users: ArrayLike, movies: ArrayLike, liked: ArrayLike, rated_at: ArrayLike
    ) -> Timed:
        """Build it from one entry per rating; see `Interactions.from_arrays`."""
        interactions = Interactions.from_arrays(users, movies, liked)
        user_rows = _rows(np.asarray(users), interactions.user_keys)
        movie_rows = _rows(np.asarray(movies), interactions.movie_ids)
        times = np.asarray(rated_at, dtype=np.int64)[np.lexsort((movie_rows, user_rows))]
        return cls(interactions, times)

    def of_users(self, user_keys: NDArray[Any]) -> NDArray[np.int64]:
        """Return the times of these users' ratings, ordered as by `Interactions.select_users`."""
        begins, ends = self.interactions.indptr[:-1], self.interactions.indptr[1:]
        rows = _rows(user_keys, self.interactions.user_keys)
        parts = [self.rated_at[begins[row] : ends[row]] for row in rows]
        return np.concatenate([self.rated_at[:0], *parts])

    def latest(self, share: float) -> Interactions:
        """Return the latest share of the ratings; those of the first second of it stay in."""
        if not len(self.rated_at):
            return self.interactions
        n = max(round(share * len(self.rated_at)), 1)
        first = np.partition(self.rated_at, -n)[-n]
        return self.interactions.select_ratings(self.rated_at >= first)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Train on all ratings before a second, find the likes of the window that begins with it.

    Parameters
    ----------
    begin, end : int
        Unix seconds: the ratings with begin <= rated_at < end are in the window.
    training : Timed
        All ratings before it.
    returning : HeldOut
        Users with ratings before the window and a like within: all of the former are given.
    given_at : int64 array, shape (n_given of returning,)
        When each given rating was given.
    new : HeldOut
        Users with a like in the window and no rating before: nothing is given.
    """

    begin: int
    end: int
    training: Timed
    returning: HeldOut
    given_at: NDArray[np.int64]
    new: HeldOut


def rolling_windows(
    users: ArrayLike,
    movies: ArrayLike,
    liked: ArrayLike,
    rated_at: ArrayLike,
    *,
    starts: Sequence[float],
    size: float = 0.05,
) -> list[Window]:
    """Cut the ratings, in order of time, into windows; each is trained for on all before it.

    Movies are those rated before the window. A user's ratings before the window may have been
    trained on; what the user has to find is later than all of it.

    Parameters
    ----------
    users, movies, liked, rated_at : array_like, shape (n_ratings,)
        As in `slice_by_time`; ratings of one second are never on two sides of a cut.
    starts : sequence of float
        Share of the ratings before each window.
    size : float
        Share of the ratings in each window.

    Raises
    ------
    ValueError
        A window, or the time before it, has no ratings.
    """
    times = np.asarray(rated_at, dtype=np.int64)
    order = np.argsort(times, kind="stable")
    columns = [np.asarray(column)[order] for column in (users, movies, liked)]
    times = times[order]
    return [_window(columns, times, start, start + size) for start in starts]


def age_weights(rated_at: NDArray[np.int64], now: int, half_life: float) -> NDArray[np.float32]:
    """Weight of each rating, .5^(age / half_life), age = now - rated_at in years.

    Parameters
    ----------
    rated_at : int64 array, shape (n_ratings,)
        Unix seconds; a rating later than `now` has age 0.
    now : int
    half_life : float
        Years.
    """
    age = np.maximum(now - rated_at, 0) / SECONDS_PER_YEAR
    return np.asarray(0.5 ** (age / half_life), dtype=np.float32)


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
    """Train before a date, test after it: predict what users like next.

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


def _window(
    columns: Sequence[NDArray[Any]], times: NDArray[np.int64], start: float, stop: float
) -> Window:
    """Window between two shares of the ratings, which come in order of time."""
    first, last = (_first_of_second(times, round(share * len(times))) for share in (start, stop))
    if first in (0, last):
        raise ValueError(
            f"no ratings before the window from {start:.0%} to {stop:.0%}, or within it: "
            "rolling windows need the times of the ratings"
        )
    training = Timed.from_arrays(*(column[:first] for column in (*columns, times)))
    before = training.interactions
    after = Interactions.from_arrays(*(column[first:last] for column in columns)).with_movies(
        before.movie_ids
    )
    after = after.select_users(after.likes_per_user > 0)
    returning = _next(before, after)
    new = after.select_users(~np.isin(after.user_keys, before.user_keys))
    return Window(
        int(times[first]),
        int(times[last]) if last < len(times) else int(times[-1]) + 1,
        training,
        returning,
        training.of_users(returning.given.user_keys),
        HeldOut(new.select_ratings(np.zeros(new.n_ratings, dtype=np.bool_)), new),
    )


def _first_of_second(times: NDArray[np.int64], at: int) -> int:
    return len(times) if at >= len(times) else int(np.searchsorted(times, times[at]))


def _rows(values: NDArray[Any], vocabulary: NDArray[Any]) -> NDArray[np.int64]:
    """Position of each value in the vocabulary, which holds it."""
    order = np.argsort(vocabulary, kind="stable")
    return order[np.searchsorted(vocabulary, values, sorter=order)]
