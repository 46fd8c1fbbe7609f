"""Queries about ratings. Stars become like or dislike here, when they are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
)

from app.db.sql import liked, unix_seconds, upsert
from app.db.tables import ratings, users

# Hours from year 1 to 9999, of which 1970 is number 2^25, fit into these bits.
HOUR_BITS, HOUR_OF_1970 = 27, 2**25


@dataclass(frozen=True, slots=True, eq=False)
class UserRatings:
    """The ratings of a user as recommendations need them, by rising movie id."""

    revision: int
    movie_ids: NDArray[np.int64]
    liked: NDArray[np.bool_]
    hours: NDArray[np.int64] | None = None  # when each was given; None where all weigh the same
    half_life_days: float = 0.0

    def select(self, chosen: NDArray[np.bool_]) -> UserRatings:
        """Return some of the ratings."""
        hours = None if self.hours is None else self.hours[chosen]
        return replace(
            self, movie_ids=self.movie_ids[chosen], liked=self.liked[chosen], hours=hours
        )

    def weights(self) -> NDArray[np.float32] | None:
        """Return the weight of each rating by its age, None where all weigh the same.

        The age is that at the user's latest rating, not of today: the response to the same ratings
        does not change with the time.
        """
        if self.hours is None or not len(self.hours):
            return None
        ages = self.hours.max() - self.hours
        if not ages.any():
            return None
        return np.asarray(0.5 ** (ages / (24 * self.half_life_days)), dtype=np.float32)


def _encoded_ratings(
    condition: ColumnElement[bool], *, timed: bool = False
) -> Select[str, int, str]:
    """Select all ratings of a user as one text of numbers: a row each takes three times as long.

    A number is twice the movie id, plus one for a like; `timed`, the bits of the hour follow.
    """
    doubled = 2 * cast(ratings.c.movie_id, BigInteger)
    number = case((liked(bindparam("like_threshold")), doubled + 1), else_=doubled)
    if timed:
        hour = unix_seconds(ratings.c.rated_at) // 3600 + HOUR_OF_1970
        number = number * 2**HOUR_BITS + hour
    encoded = func.aggregate_strings(cast(number, String), " ").label("encoded")
    query = (
        select(users.c.key, users.c.ratings_revision, encoded)
        .outerjoin(ratings, ratings.c.user_id == users.c.id)
        .where(condition)
    )
    return query.group_by(users.c.id)


# Built once: building takes longer than running for most users.
_IS_USER = users.c.key == bindparam("key")
_IS_ONE_OF_USERS = users.c.key.in_(bindparam("keys", expanding=True))
_RATINGS_OF_ONE = [_encoded_ratings(_IS_USER, timed=timed) for timed in (False, True)]
_RATINGS_OF_SEVERAL = [_encoded_ratings(_IS_ONE_OF_USERS, timed=timed) for timed in (False, True)]


def find_user_ratings(
    connection: Connection, key: str, like_threshold: float, half_life_days: float = 0.0
) -> UserRatings | None:
    """Return the ratings of a user, with their times if there is a half-life; None if unknown."""
    values = {"key": key, "like_threshold": like_threshold}
    row = connection.execute(_RATINGS_OF_ONE[half_life_days > 0], values).first()
    return _user_ratings(row, half_life_days) if row else None


def find_ratings_of_users(
    connection: Connection,
    keys: Collection[str],
    like_threshold: float,
    half_life_days: float = 0.0,
) -> dict[str, UserRatings]:
    """Return the ratings of several users in one query, without unknown users."""
    values = {"keys": list(keys), "like_threshold": like_threshold}
    rows = connection.execute(_RATINGS_OF_SEVERAL[half_life_days > 0], values)
    return {row.key: _user_ratings(row, half_life_days) for row in rows}


def _user_ratings(row: Row[str, int, str], half_life_days: float) -> UserRatings:
    numbers = np.sort(np.fromstring(row.encoded or "", dtype=np.int64, sep=" "))
    hours = None
    if half_life_days:
        hours, numbers = numbers & (2**HOUR_BITS - 1), numbers >> HOUR_BITS
    is_like = (numbers & 1) == 1
    return UserRatings(row.ratings_revision, numbers >> 1, is_like, hours, half_life_days)


def page(
    connection: Connection,
    key: str,
    like_threshold: float,
    *,
    after: int = 0,
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """Return ratings of a user by rising movie id, from behind movie `after`; all by default."""
    return connection.execute(
        _ratings_of(key, like_threshold)
        .where(ratings.c.movie_id > after)
        .order_by(ratings.c.movie_id)
        .limit(limit)
    ).all()


def find(connection: Connection, key: str, movie_id: int, like_threshold: float) -> Row[Any] | None:
    """Return one rating."""
    query = _ratings_of(key, like_threshold).where(ratings.c.movie_id == movie_id)
    return connection.execute(query).first()


def put(
    connection: Connection, user_id: int, rated: Sequence[dict[str, Any]], rated_at: datetime
) -> set[int]:
    """Create or replace ratings of different movies; return the movies whose were created."""
    same = {"user_id": user_id, "rated_at": rated_at, "from_release": False}
    rows = [{**same, **rating} for rating in rated]
    if not rows:
        return set()
    insert = upsert(connection, ratings)
    new = insert.on_conflict_do_nothing().returning(ratings.c.movie_id)
    created = set(connection.execute(new, rows).scalars())
    others = [row for row in rows if row["movie_id"] not in created]
    if others:
        changed = ("stars", "liked", "rated_at", "from_release")
        values = {name: insert.excluded[name] for name in changed}
        replace = insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=values)
        connection.execute(replace, others)
    return created


def remove(connection: Connection, user_id: int, movie_id: int) -> bool:
    """Delete a rating; False when there was none."""
    is_it = (ratings.c.user_id == user_id) & (ratings.c.movie_id == movie_id)
    return connection.execute(delete(ratings).where(is_it)).rowcount > 0


def _ratings_of(key: str, like_threshold: float) -> Any:
    return (
        select(
            ratings.c.movie_id,
            ratings.c.stars,
            liked(like_threshold).label("liked"),
            ratings.c.rated_at,
        )
        .join(users, users.c.id == ratings.c.user_id)
        .where(users.c.key == key)
    )
