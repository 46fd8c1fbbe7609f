"""Queries about movies."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from app.db.sql import upsert
from app.db.tables import installation, movies


def find(connection: Connection, movie_id: int) -> Row[Any] | None:
    """Return one movie."""
    query = select(movies).where(movies.c.id == movie_id)
    return connection.execute(query).first()


def lock(connection: Connection, movie_ids: Iterable[int]) -> set[int]:
    """Return those of the movies that exist, locked against deletion until the transaction ends."""
    query = select(movies.c.id).where(movies.c.id.in_(movie_ids)).order_by(movies.c.id)
    locking = query.with_for_update(read=True, key_share=True)
    return set(connection.execute(locking).scalars().all())


def add(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a movie; False when the id is taken."""
    new = upsert(connection, movies).values(id=movie_id, **details).on_conflict_do_nothing()
    return connection.execute(new.returning(movies.c.id)).first() is not None


def change(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Change some details of a movie; False when there is no such movie."""
    statement = update(movies).where(movies.c.id == movie_id)
    # SQL has no UPDATE of nothing; setting the id to itself changes nothing.
    values = details or {"id": movie_id}
    return connection.execute(statement.values(**values)).rowcount > 0


def free_id(connection: Connection, first: int, last: int) -> int:
    """Return the lowest free id from `first` on."""
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
    """Take the next number of a change of movies; call it after the change."""
    return connection.execute(
        update(installation)
        .values(movies_revision=installation.c.movies_revision + 1)
        .returning(installation.c.movies_revision)
    ).scalar_one()
