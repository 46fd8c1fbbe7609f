"""Queries about films."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from app.database import upsert
from app.tables import installation, movies


def find(connection: Connection, movie_id: int) -> Row[Any] | None:
    """Return one film."""
    return connection.execute(select(movies).where(movies.c.id == movie_id)).first()


def lock(connection: Connection, movie_id: int) -> bool:
    """Tell whether there is such a film, and keep it there until the transaction ends."""
    query = select(movies.c.id).where(movies.c.id == movie_id)
    return connection.execute(query.with_for_update(read=True, key_share=True)).first() is not None


def lock_all(connection: Connection, movie_ids: Iterable[int]) -> set[int]:
    """Return those of the films that there are, and keep them until the transaction ends."""
    query = select(movies.c.id).where(movies.c.id.in_(movie_ids)).order_by(movies.c.id)
    return set(connection.execute(query.with_for_update(read=True, key_share=True)).scalars())


def put(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a film, or put these details in place of its own; True when it was added."""
    added = add(connection, movie_id, details)
    if not added:
        change(connection, movie_id, details)
    return added


def add(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a film; False when there is one of this id."""
    new = upsert(connection, movies).values(id=movie_id, **details).on_conflict_do_nothing()
    return connection.execute(new.returning(movies.c.id)).first() is not None


def change(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Change some details of a film; False when there is no such film."""
    statement = update(movies).where(movies.c.id == movie_id)
    # An UPDATE of nothing is no SQL; the id stays what it is.
    values = details or {"id": movie_id}
    return connection.execute(statement.values(**values)).rowcount > 0


def free_id(connection: Connection, first: int, last: int) -> int:
    """Return the lowest id from `first` on that no film has."""
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
    """Draw the number of a transaction that changes films, after they are changed."""
    return connection.execute(
        update(installation)
        .values(movies_revision=installation.c.movies_revision + 1)
        .returning(installation.c.movies_revision)
    ).scalar_one()


def titles(connection: Connection) -> Sequence[Row[int, str, int | None, list[str]]]:
    """Return id, title, year and genres of every film, by id."""
    query = select(movies.c.id, movies.c.title, movies.c.year, movies.c.genres).order_by(
        movies.c.id
    )
    return connection.execute(query).all()
