"""Queries about ratings. Like and dislike are made from stars here, when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, case, delete, func, select, update

from app.database import upsert
from app.tables import Rating, User


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """What recommendations need to know of somebody: their opinions, by rising movie id."""

    revision: int
    movie_ids: NDArray[np.int64]
    liked: NDArray[np.bool_]


def liked(like_threshold: float) -> ColumnElement[bool]:
    """Give the expression for like (true) or dislike (false): by the stars where there are any."""
    return func.coalesce(Rating.stars >= like_threshold, Rating.liked)


def find_person(connection: Connection, key: str, like_threshold: float) -> Person | None:
    """Return the opinions of a user, None for somebody who never rated."""
    opinions = (
        select(User.ratings_revision, Rating.movie_id, liked(like_threshold))
        .outerjoin(Rating, Rating.user_id == User.id)
        .where(User.key == key)
        .order_by(Rating.movie_id)
    )
    rows = connection.execute(opinions).all()
    if not rows:
        return None
    revisions, movie_ids, likes = zip(*rows, strict=True)
    rated = movie_ids[0] is not None  # else the one row is the user's own
    return Person(
        revision=revisions[0],
        movie_ids=np.array(movie_ids if rated else (), dtype=np.int64),
        liked=np.array(likes if rated else (), dtype=np.bool_),
    )


def page(
    connection: Connection, key: str, like_threshold: float, *, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return ratings of a user by rising movie id, those behind film `after`."""
    return connection.execute(
        _ratings_of(key, like_threshold)
        .where(Rating.movie_id > after)
        .order_by(Rating.movie_id)
        .limit(limit)
    ).all()


def find(connection: Connection, key: str, movie_id: int, like_threshold: float) -> Row[Any] | None:
    """Return one rating."""
    query = _ratings_of(key, like_threshold).where(Rating.movie_id == movie_id)
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
    given = {"stars": stars, "liked": liked, "rated_at": rated_at}
    new = (
        upsert(connection, Rating)
        .values(user_id=user_id, movie_id=movie_id, **given)
        .on_conflict_do_nothing()
        .returning(Rating.movie_id)
    )
    change = update(Rating).where(_is(user_id, movie_id)).values(given)
    while True:  # another transaction can delete the row between the two statements
        if connection.execute(new).first():
            return True
        if connection.execute(change).rowcount:
            return False


def put_all(
    connection: Connection, user_id: int, ratings: Sequence[dict[str, Any]], rated_at: datetime
) -> set[int]:
    """Record ratings of different films in place of those before; return the films without one."""
    rows = [{"user_id": user_id, "rated_at": rated_at, **rating} for rating in ratings]
    if not rows:
        return set()
    insert = upsert(connection, Rating)
    new = insert.on_conflict_do_nothing().returning(Rating.movie_id)
    created = set(connection.execute(new, rows).scalars())
    others = [row for row in rows if row["movie_id"] not in created]
    if others:
        given = {name: insert.excluded[name] for name in ("stars", "liked", "rated_at")}
        connection.execute(
            insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=given), others
        )
    return created


def all_of(connection: Connection, key: str, like_threshold: float) -> Sequence[Row[Any]]:
    """Return every rating of a user by rising movie id."""
    return connection.execute(_ratings_of(key, like_threshold).order_by(Rating.movie_id)).all()


def remove(connection: Connection, user_id: int, movie_id: int) -> bool:
    """Delete a rating; False when there was none."""
    return connection.execute(delete(Rating).where(_is(user_id, movie_id))).rowcount > 0


def count_opinions(connection: Connection, like_threshold: float) -> Sequence[Row[int, int, int]]:
    """Return movie id, likes and ratings of every film that was rated."""
    likes = func.sum(case((liked(like_threshold), 1), else_=0))
    return connection.execute(
        select(Rating.movie_id, likes, func.count()).group_by(Rating.movie_id)
    ).all()


def _ratings_of(key: str, like_threshold: float) -> Any:
    return (
        select(Rating.movie_id, Rating.stars, liked(like_threshold).label("liked"), Rating.rated_at)
        .join(User, User.id == Rating.user_id)
        .where(User.key == key)
    )


def _is(user_id: int, movie_id: int) -> ColumnElement[bool]:
    return (Rating.user_id == user_id) & (Rating.movie_id == movie_id)
