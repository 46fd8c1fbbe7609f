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
    BindParameter,
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

from app.database import upsert
from app.tables import ratings, users


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """What recommendations need to know of somebody: their opinions, by rising movie id."""

    revision: int
    movie_ids: NDArray[np.int64]
    liked: NDArray[np.bool_]


def liked(like_threshold: float | BindParameter[float]) -> ColumnElement[bool]:
    """Give the expression for like (true) or dislike (false): by the stars where there are any."""
    return func.coalesce(ratings.c.stars >= like_threshold, ratings.c.liked)


def _opinions(condition: ColumnElement[bool]) -> Select[str, int, str]:
    """Ask for all opinions of a user as one text of numbers: a row each takes three times as long.

    A number is twice the film's id, and one more for a like.
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


def find_person(connection: Connection, key: str, like_threshold: float) -> Person | None:
    """Return the opinions of a user, None for somebody who never rated."""
    values = {"key": key, "like_threshold": like_threshold}
    row = connection.execute(_OPINIONS_OF_ONE, values).first()
    return _person(row) if row else None


def find_people(
    connection: Connection, keys: Collection[str], like_threshold: float
) -> dict[str, Person]:
    """Return the opinions of several users in one query, without those who never rated."""
    values = {"keys": list(keys), "like_threshold": like_threshold}
    return {row.key: _person(row) for row in connection.execute(_OPINIONS_OF_SEVERAL, values)}


def _person(row: Row[str, int, str]) -> Person:
    numbers = np.sort(np.fromstring(row.opinions or "", dtype=np.int64, sep=" "))
    return Person(row.ratings_revision, movie_ids=numbers >> 1, liked=(numbers & 1) == 1)


def page(
    connection: Connection, key: str, like_threshold: float, *, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return ratings of a user by rising movie id, those behind film `after`."""
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
    """Record ratings of different films in place of those before; return the films without one."""
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


def count_opinions(connection: Connection, like_threshold: float) -> Sequence[Row[int, int, int]]:
    """Return movie id, likes and ratings of every film that was rated."""
    likes = func.sum(case((liked(like_threshold), 1), else_=0))
    return connection.execute(
        select(ratings.c.movie_id, likes, func.count()).group_by(ratings.c.movie_id)
    ).all()


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
