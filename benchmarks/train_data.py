"""Ratings to train on: real ones, those of the shapes of larger releases, and planted tastes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data import Interactions

if TYPE_CHECKING:
    from numpy.typing import NDArray

ML_LATEST_SMALL = Path(os.environ.get("RECOMMENDER_DATASETS_DIR", "var/datasets")) / (
    "ml-latest-small/ratings.csv"
)
LIKED_SHARE = 0.58
# Users, spaced evenly by activity, that the rates are scaled with.
SAMPLE = 500
N_TASTES = 10
TASTE_STRENGTH = 1.2


def ml_latest_small() -> tuple[str, Interactions]:
    """Return the real ratings where they are at hand, else synthetic ones of that shape."""
    if not ML_LATEST_SMALL.exists():
        return "ml-latest-small shape, synthetic", power_law(610, 9_724, 100_836)
    columns = np.loadtxt(ML_LATEST_SMALL, delimiter=",", skiprows=1, usecols=(0, 1, 2))
    users, movies = columns[:, 0].astype(int), columns[:, 1].astype(int)
    return "ml-latest-small", Interactions.from_arrays(users, movies, columns[:, 2] >= 4)


def power_law(n_users: int, n_movies: int, n_ratings: int, seed: int = 0) -> Interactions:
    """Ratings whose users and movies follow power laws with the head of MovieLens'.

    A user has rated a movie if a Poisson process of rate activity x popularity has an event: only
    the events are drawn, never the matrix of users and movies.
    """
    rng = np.random.default_rng(seed)
    activity, popularity = _activity(n_users, n_movies, rng), _popularity(n_movies)
    sample = np.sort(activity)[_evenly(n_users), np.newaxis]
    scale = _scale(sample * popularity, n_ratings / n_users)
    n_events = rng.poisson(scale * activity * popularity.sum())
    ends = np.cumsum(popularity) / popularity.sum()
    movies = np.searchsorted(ends, rng.random(n_events.sum()), side="right")
    pairs = np.repeat(np.arange(n_users), n_events) * n_movies + np.minimum(movies, n_movies - 1)
    return _matrix(np.unique(pairs), n_users, n_movies, rng)


def planted(n_users: int, n_movies: int, n_ratings: int, seed: int = 0) -> Interactions:
    """Return the same with tastes: ratings and likes follow the taste of the user.

    The rate of a movie is multiplied by exp(taste of the user x kind of the movie), and the logit
    of a like rises with the same product.
    """
    rng = np.random.default_rng(seed)
    tastes = rng.standard_normal((n_users, N_TASTES), dtype=np.float32)
    kinds = rng.standard_normal((n_movies, N_TASTES), dtype=np.float32) / np.sqrt(N_TASTES)
    affinity = TASTE_STRENGTH * (tastes @ kinds.T)
    activity = np.sort(_activity(n_users, n_movies, rng))[:, np.newaxis]
    rates = activity * _popularity(n_movies) * np.exp(affinity)
    scale = _scale(rates[_evenly(n_users)], n_ratings / n_users)
    pairs = np.flatnonzero(rng.random(rates.shape) < -np.expm1(-scale * rates))
    like = 1 / (1 + np.exp(-(0.3 + affinity.reshape(-1)[pairs])))
    return _matrix(pairs, n_users, n_movies, rng, like)


def _activity(n_users: int, n_movies: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.clip(rng.lognormal(4.3, 1.0, n_users), 20, n_movies / 2)


def _popularity(n_movies: int) -> NDArray[np.float64]:
    ranks = np.arange(n_movies, dtype=np.float64)
    return (ranks + 0.02 * n_movies) ** -1.1


def _evenly(n_users: int) -> NDArray[np.int64]:
    places: NDArray[np.int64] = ((np.arange(SAMPLE) + 0.5) * n_users / SAMPLE).astype(np.int64)
    return places


def _scale(rates: NDArray[np.float64], mean_ratings: float) -> float:
    """Return what to multiply rates by so that this many movies per user have an event."""
    scale = 1.0
    for _ in range(50):
        scale *= mean_ratings / float(-np.expm1(-scale * rates).sum(axis=1).mean())
    return scale


def _matrix(
    pairs: NDArray[np.int64],
    n_users: int,
    n_movies: int,
    rng: np.random.Generator,
    like: NDArray[np.float32] | float = LIKED_SHARE,
) -> Interactions:
    """Return the matrix of ascending pairs, user x n_movies + movie."""
    users, movies = np.divmod(pairs, n_movies)
    return Interactions(
        indptr=np.searchsorted(users, np.arange(n_users + 1)).astype(np.int64),
        movie_rows=movies.astype(np.int32),
        liked=rng.random(len(pairs)) < like,
        user_keys=np.arange(n_users),
        movie_ids=np.arange(n_movies),
    )
