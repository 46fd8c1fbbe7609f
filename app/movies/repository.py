"""Queries about films."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update
from sqlalchemy.orm import aliased

from app.database import upsert
from app.tables import Installation, Movie


def find(connection: Connection, movie_id: int) -> Row[Any] | None:
    """Return one film."""
    return connection.execute(select(*Movie.__table__.columns).where(Movie.id == movie_id)).first()


def lock(connection: Connection, movie_id: int) -> bool:
    """Tell whether there is such a film, and keep it there until the transaction ends."""
    query = select(Movie.id).where(Movie.id == movie_id)
    return connection.execute(query.with_for_update(read=True, key_share=True)).first() is not None


def lock_all(connection: Connection, movie_ids: Iterable[int]) -> set[int]:
    """Return those of the films that there are, and keep them until the transaction ends."""
    query = select(Movie.id).where(Movie.id.in_(movie_ids)).order_by(Movie.id)
    return set(connection.execute(query.with_for_update(read=True, key_share=True)).scalars())


def put(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a film, or put these details in place of its own; True when it was added."""
    added = add(connection, movie_id, details)
    if not added:
        change(connection, movie_id, details)
    return added


def add(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a film; False when there is one of this id."""
    new = upsert(connection, Movie).values(id=movie_id, **details).on_conflict_do_nothing()
    return connection.execute(new.returning(Movie.id)).first() is not None


def change(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Change some details of a film; False when there is no such film."""
    statement = update(Movie).where(Movie.id == movie_id)
    # An UPDATE of nothing is no SQL; the id stays what it is.
    values = details or {"id": movie_id}
    return connection.execute(statement.values(**values)).rowcount > 0


def free_id(connection: Connection, first: int, last: int) -> int:
    """Return the lowest id from `first` on that no film has."""
    if connection.execute(select(Movie.id).where(Movie.id == first)).first() is None:
        return first
    following = aliased(Movie)
    query = (
        select(Movie.id + 1)
        .where(Movie.id >= first, Movie.id < last)
        .where(~exists().where(following.id == Movie.id + 1))
        .order_by(Movie.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one()


def next_revision(connection: Connection) -> int:
    """Draw the number of a transaction that changes films, after they are changed."""
    return connection.execute(
        update(Installation)
        .values(movies_revision=Installation.movies_revision + 1)
        .returning(Installation.movies_revision)
    ).scalar_one()


def titles(connection: Connection) -> Sequence[Row[int, str, int | None, list[str]]]:
    """Return id, title, year and genres of every film, by id."""
    query = select(Movie.id, Movie.title, Movie.year, Movie.genres).order_by(Movie.id)
    return connection.execute(query).all()
