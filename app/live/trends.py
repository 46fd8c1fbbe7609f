"""Likes of the last days by time: which movies are liked lately, and how much."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, literal_column, select

from app.db.sql import liked, moment, now, unix_seconds
from app.db.tables import ratings

DAY_S = 86_400
# Likes are counted by six hours: a finer clock would change lists all the time.
BUCKET_S = 6 * 3600
MAX_DAYS = 30
MAX_AGE = MAX_DAYS * DAY_S // BUCKET_S  # in buckets


def _nothing() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class LikesByTime:
    """Likes of a movie within six hours; a bucket is the number of these hours since 1970."""

    movie_ids: NDArray[np.int64] = field(default_factory=_nothing)
    buckets: NDArray[np.int64] = field(default_factory=_nothing)
    likes: NDArray[np.int64] = field(default_factory=_nothing)

    def packed(self) -> bytes:
        """Return them as bytes for the database."""
        columns = np.stack([self.movie_ids, self.buckets, self.likes])
        return zlib.compress(columns.astype("<i8").tobytes(), 1)

    @classmethod
    def unpacked(cls, stored: bytes) -> LikesByTime:
        """Read what `packed` has written."""
        return cls(*np.frombuffer(zlib.decompress(stored), dtype="<i8").reshape(3, -1))


def count(connection: Connection, like_threshold: float) -> LikesByTime:
    """Count the likes of the last `MAX_DAYS` days, implied ones too, by movie and time."""
    first = bucket_of(int(now(connection).timestamp())) - MAX_AGE
    # No parameter: in PostgreSQL the expression would differ from that of the grouping.
    bucket = unix_seconds(ratings.c.rated_at) // literal_column(str(BUCKET_S))
    query = (
        select(ratings.c.movie_id, bucket, func.count())
        .where(ratings.c.rated_at >= moment(first * BUCKET_S), liked(like_threshold))
        .group_by(ratings.c.movie_id, bucket)
        .order_by(ratings.c.movie_id, bucket)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    return LikesByTime(*np.array(rows, dtype=np.int64).reshape(-1, 3).T.copy())


def bucket_of(at: int) -> int:
    """Return the bucket of a Unix second."""
    return at // BUCKET_S


def next_bucket_at(at: int) -> int:
    """Return the Unix second at which the next bucket begins."""
    return (bucket_of(at) + 1) * BUCKET_S


@dataclass(frozen=True, slots=True, eq=False)
class Trends:
    """Likes of the last days by position in the catalogue."""

    positions: NDArray[np.int64]
    buckets: NDArray[np.int64]
    likes: NDArray[np.int64]
    n_movies: int

    @classmethod
    def of(cls, movie_ids: NDArray[np.int64], counted: LikesByTime) -> Trends:
        """Join them with the ascending ids of a catalogue; others are ignored."""
        places = np.searchsorted(movie_ids, counted.movie_ids)
        here = places < len(movie_ids)
        here[here] = movie_ids[places[here]] == counted.movie_ids[here]
        return cls(places[here], counted.buckets[here], counted.likes[here], len(movie_ids))

    def scores(self, at: int, window_days: float, half_life_days: float) -> NDArray[np.float64]:
        """Return the sum over the likes of each movie of 2^(-age / half-life), shape (n_movies,).

        Age is in whole buckets, 0 in the one of `at` and later. All likes of the window count, and
        those of the bucket in which it begins.
        """
        age = np.maximum(bucket_of(at) - self.buckets, 0)
        inside = age <= math.ceil(window_days * DAY_S / BUCKET_S)
        weight = np.exp2(-age[inside] * (BUCKET_S / DAY_S / half_life_days))
        likes = self.likes[inside] * weight
        # Of no likes at all bincount makes whole numbers.
        return np.bincount(self.positions[inside], likes, self.n_movies).astype(np.float64)
