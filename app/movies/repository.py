"""Queries about movies."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from app.db.sql import upsert
from app.db.tables import installation, movies


def find(connection: Connection, movie_id: int) -> Row[Any] | None:
    """Return one movie."""
    return connection.execute(select(movies).where(movies.c.id == movie_id)).first()


def lock(connection: Connection, movie_id: int) -> bool:
    """Tell whether there is such a movie, and keep it there until the transaction ends."""
    query = select(movies.c.id).where(movies.c.id == movie_id)
    return connection.execute(query.with_for_update(read=True, key_share=True)).first() is not None


def lock_all(connection: Connection, movie_ids: Iterable[int]) -> set[int]:
    """Return those of the movies that there are, and keep them until the transaction ends."""
    query = select(movies.c.id).where(movies.c.id.in_(movie_ids)).order_by(movies.c.id)
    return set(connection.execute(query.with_for_update(read=True, key_share=True)).scalars())


def put(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a movie, or put these details in place of its own; True when it was added."""
    added = add(connection, movie_id, details)
    if not added:
        change(connection, movie_id, details)
    return added


def add(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a movie; False when there is one of this id."""
    new = upsert(connection, movies).values(id=movie_id, **details).on_conflict_do_nothing()
    return connection.execute(new.returning(movies.c.id)).first() is not None


def change(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Change some details of a movie; False when there is no such movie."""
    statement = update(movies).where(movies.c.id == movie_id)
    # An UPDATE of nothing is no SQL; the id stays what it is.
    values = details or {"id": movie_id}
    return connection.execute(statement.values(**values)).rowcount > 0


def free_id(connection: Connection, first: int, last: int) -> int:
    """Return the lowest id from `first` on that no movie has."""
    if connection.execute(select(movies.c.id).where(movies.c.id == first)).first() is None:
        return first
    following = movies.alias()
    query = (
        select(movies.c.id + 1)
        .where(movies.c.id >= first, movies.c.id < last)
        .where(~exists().where(following.c.id == movies.c.id + 1))
        .order_by(movies.c.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one()


def next_revision(connection: Connection) -> int:
    """Draw the number of a transaction that changes movies, after they are changed."""
    return connection.execute(
        update(installation)
        .values(movies_revision=installation.c.movies_revision + 1)
        .returning(installation.c.movies_revision)
    ).scalar_one()
