"""Queries about ratings. Stars become like or dislike here, when they are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
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
from app.db.tables import movies, ratings, seen_movies, users
from data.movie_keys import MovieKey, public_key


class StoredRating(NamedTuple):
    """A rating; `movie_id` is the key of the movie, `id` that of the database."""

    id: int
    movie_id: MovieKey
    stars: float | None
    liked: bool
    rated_at: datetime
    implied_by: str | None


NO_MOVIES = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class UserRatings:
    """The ratings of a user as recommendations need them, by rising movie id."""

    revision: int
    movie_ids: NDArray[np.int64]
    liked: NDArray[np.bool_]
    hours: NDArray[np.int64] | None = None  # when each was given; None where all weigh the same
    half_life_days: float = 0.0
    seen: NDArray[np.int64] = field(default_factory=lambda: NO_MOVIES)  # not shown either

    @property
    def not_shown(self) -> NDArray[np.int64]:
        """The movies that no list of this user has."""
        return np.concatenate((self.movie_ids, self.seen)) if len(self.seen) else self.movie_ids

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
) -> Select[str, int, str, str]:
    """Select all ratings of a user as one text of numbers: a row each takes three times as long.

    A number is twice the movie id, plus one for a like; `timed`, the hour follows each.
    """
    doubled = 2 * ratings.c.movie_id
    number = case((liked(bindparam("like_threshold")), doubled + 1), else_=doubled)
    written: ColumnElement[str] = cast(number, String)
    if timed:
        written += " " + cast(unix_seconds(ratings.c.rated_at) // 3600, String)
    encoded = func.aggregate_strings(written, " ").label("encoded")
    seen = select(func.aggregate_strings(cast(seen_movies.c.movie_id, String), " "))
    seen = seen.where(seen_movies.c.user_id == users.c.id).correlate(users)
    query = (
        select(users.c.key, users.c.ratings_revision, encoded, seen.scalar_subquery().label("seen"))
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


def last_liked(connection: Connection, key: str, like_threshold: float) -> int | None:
    """Return the movie that a user has liked last, None for one who has liked none."""
    query = _ratings_of(key, like_threshold).where(liked(like_threshold)).limit(1)
    latest = query.order_by(ratings.c.rated_at.desc(), ratings.c.movie_id.desc())
    row = connection.execute(latest).first()
    return row.movie_id if row else None


def _user_ratings(row: Row[str, int, str, str], half_life_days: float) -> UserRatings:
    numbers = np.fromstring(row.encoded or "", dtype=np.int64, sep=" ")
    hours = None
    if half_life_days:
        numbers, hours = numbers.reshape(-1, 2).T
        order = np.argsort(numbers)
        numbers, hours = numbers[order], hours[order]
    else:
        numbers = np.sort(numbers)
    is_like = (numbers & 1) == 1
    seen = np.fromstring(row.seen, dtype=np.int64, sep=" ") if row.seen else NO_MOVIES
    return UserRatings(row.ratings_revision, numbers >> 1, is_like, hours, half_life_days, seen)


def page(
    connection: Connection,
    key: str,
    like_threshold: float,
    *,
    after: int | None = None,
    limit: int | None = None,
) -> list[StoredRating]:
    """Return ratings of a user by rising movie id, from behind movie `after`; all by default."""
    query = _ratings_of(key, like_threshold).order_by(ratings.c.movie_id).limit(limit)
    if after is not None:
        query = query.where(ratings.c.movie_id > after)
    return [_stored(row) for row in connection.execute(query)]


def find(
    connection: Connection, key: str, movie_id: int, like_threshold: float
) -> StoredRating | None:
    """Return one rating."""
    query = _ratings_of(key, like_threshold).where(ratings.c.movie_id == movie_id)
    row = connection.execute(query).first()
    return _stored(row) if row else None


def put(
    connection: Connection, user_id: int, rated: Sequence[dict[str, Any]], rated_at: datetime
) -> set[int]:
    """Create or replace ratings of different movies; return the movies whose were created."""
    same = {"user_id": user_id, "rated_at": rated_at, "from_release": False, "implied_by": None}
    rows = [{**same, **rating} for rating in rated]
    if not rows:
        return set()
    insert = upsert(connection, ratings)
    new = insert.on_conflict_do_nothing().returning(ratings.c.movie_id)
    created = set(connection.execute(new, rows).scalars())
    others = [row for row in rows if row["movie_id"] not in created]
    if others:
        changed = ("stars", "liked", "rated_at", "from_release", "implied_by")
        values = {name: insert.excluded[name] for name in changed}
        replace = insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=values)
        connection.execute(replace, others)
    return created


def remove(connection: Connection, user_id: int, movie_id: int) -> bool:
    """Delete a rating, and that the movie was seen; False when there was neither."""
    n_removed = 0
    for table in (ratings, seen_movies):
        is_it = (table.c.user_id == user_id) & (table.c.movie_id == movie_id)
        n_removed += connection.execute(delete(table).where(is_it)).rowcount
    return n_removed > 0


def _ratings_of(key: str, like_threshold: float) -> Any:
    return (
        select(
            ratings.c.movie_id,
            movies.c.key,
            ratings.c.stars,
            liked(like_threshold).label("liked"),
            ratings.c.rated_at,
            ratings.c.implied_by,
        )
        .join(users, users.c.id == ratings.c.user_id)
        .join(movies, movies.c.id == ratings.c.movie_id)
        .where(users.c.key == key)
    )


def _stored(row: Row[Any]) -> StoredRating:
    key = public_key(row.movie_id, row.key)
    return StoredRating(row.movie_id, key, row.stars, row.liked, row.rated_at, row.implied_by)
