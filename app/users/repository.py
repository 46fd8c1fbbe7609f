"""Queries about users, what they have seen, and how much they have rated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.db.tables import installation, movies, ratings, seen_movies, users


def ratings_revision(connection: Connection) -> int:
    """Return the number of the last change of ratings."""
    return connection.execute(select(installation.c.ratings_revision)).scalar_one()


def page(
    connection: Connection, *, since: int | None, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return users by rising id, from behind user `after`, with their numbers of ratings."""
    n_ratings = select(func.count()).select_from(ratings).where(ratings.c.user_id == users.c.id)
    query = (
        select(
            users.c.id,
            users.c.key.label("user"),
            users.c.imported_from,
            users.c.ratings_revision,
            n_ratings.correlate(users).scalar_subquery().label("ratings"),
        )
        .where(users.c.id > after)
        .order_by(users.c.id)
        .limit(limit)
    )
    if since is not None:
        query = query.where(users.c.ratings_revision > since)
    return connection.execute(query).all()


def seen(connection: Connection, user: str) -> Sequence[Row[int, str | None, bool, datetime]]:
    """Return the movies that are not shown again to a user, by rising movie id."""
    return connection.execute(
        select(
            seen_movies.c.movie_id,
            movies.c.key,
            seen_movies.c.hidden,
            seen_movies.c.seen_at,
        )
        .join(users, users.c.id == seen_movies.c.user_id)
        .join(movies, movies.c.id == seen_movies.c.movie_id)
        .where(users.c.key == user)
        .order_by(seen_movies.c.movie_id)
    ).all()
