"""Queries about ratings. Like and dislike are made from stars here, when they are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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
    update,
)

from app.db.sql import liked, upsert
from app.db.tables import ratings, users


@dataclass(frozen=True, slots=True, eq=False)
class UserRatings:
    """What recommendations need to know of somebody: their ratings, by rising movie id."""

    revision: int
    movie_ids: NDArray[np.int64]
    liked: NDArray[np.bool_]


def _opinions(condition: ColumnElement[bool]) -> Select[str, int, str]:
    """Ask for all ratings of a user as one text of numbers: a row each takes three times as long.

    A number is twice the movie's id, and one more for a like.
    """
    doubled = 2 * cast(ratings.c.movie_id, BigInteger)
    number = case((liked(bindparam("like_threshold")), doubled + 1), else_=doubled)
    opinions = func.aggregate_strings(cast(number, String), " ").label("opinions")
    query = (
        select(users.c.key, users.c.ratings_revision, opinions)
        .outerjoin(ratings, ratings.c.user_id == users.c.id)
        .where(condition)
    )
    return query.group_by(users.c.id)


# Made once: making one takes longer than running it for most people.
_OPINIONS_OF_ONE = _opinions(users.c.key == bindparam("key"))
_OPINIONS_OF_SEVERAL = _opinions(users.c.key.in_(bindparam("keys", expanding=True)))


def find_user_ratings(
    connection: Connection, key: str, like_threshold: float
) -> UserRatings | None:
    """Return the ratings of a user, None for somebody who never rated."""
    values = {"key": key, "like_threshold": like_threshold}
    row = connection.execute(_OPINIONS_OF_ONE, values).first()
    return _user_ratings(row) if row else None


def find_ratings_of_users(
    connection: Connection, keys: Collection[str], like_threshold: float
) -> dict[str, UserRatings]:
    """Return the ratings of several users in one query, without those who never rated."""
    values = {"keys": list(keys), "like_threshold": like_threshold}
    return {row.key: _user_ratings(row) for row in connection.execute(_OPINIONS_OF_SEVERAL, values)}


def _user_ratings(row: Row[str, int, str]) -> UserRatings:
    numbers = np.sort(np.fromstring(row.opinions or "", dtype=np.int64, sep=" "))
    return UserRatings(row.ratings_revision, movie_ids=numbers >> 1, liked=(numbers & 1) == 1)


def page(
    connection: Connection, key: str, like_threshold: float, *, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return ratings of a user by rising movie id, those behind movie `after`."""
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
    connection: Connection,
    user_id: int,
    movie_id: int,
    *,
    stars: float | None,
    liked: bool | None,
    rated_at: datetime,
) -> bool:
    """Record a rating in place of the one before; True when there was none."""
    given = {"stars": stars, "liked": liked, "rated_at": rated_at, "from_release": False}
    new = (
        upsert(connection, ratings)
        .values(user_id=user_id, movie_id=movie_id, **given)
        .on_conflict_do_nothing()
        .returning(ratings.c.movie_id)
    )
    change = update(ratings).where(_is(user_id, movie_id)).values(given)
    while True:  # another transaction can delete the row between the two statements
        if connection.execute(new).first():
            return True
        if connection.execute(change).rowcount:
            return False


def put_all(
    connection: Connection, user_id: int, stated: Sequence[dict[str, Any]], rated_at: datetime
) -> set[int]:
    """Record ratings of different movies in place of those before; return which had none."""
    same = {"user_id": user_id, "rated_at": rated_at, "from_release": False}
    rows = [{**same, **rating} for rating in stated]
    if not rows:
        return set()
    insert = upsert(connection, ratings)
    new = insert.on_conflict_do_nothing().returning(ratings.c.movie_id)
    created = set(connection.execute(new, rows).scalars())
    others = [row for row in rows if row["movie_id"] not in created]
    if others:
        changed = ("stars", "liked", "rated_at", "from_release")
        given = {name: insert.excluded[name] for name in changed}
        connection.execute(
            insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=given), others
        )
    return created


def all_of(connection: Connection, key: str, like_threshold: float) -> Sequence[Row[Any]]:
    """Return every rating of a user by rising movie id."""
    return connection.execute(_ratings_of(key, like_threshold).order_by(ratings.c.movie_id)).all()


def remove(connection: Connection, user_id: int, movie_id: int) -> bool:
    """Delete a rating; False when there was none."""
    return connection.execute(delete(ratings).where(_is(user_id, movie_id))).rowcount > 0


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


def _is(user_id: int, movie_id: int) -> ColumnElement[bool]:
    return (ratings.c.user_id == user_id) & (ratings.c.movie_id == movie_id)
