"""Queries about films."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from app.tables import Movie


def find(connection: Connection, movie_id: int) -> Row[Any] | None:
    """Return one film."""
    return connection.execute(select(*Movie.__table__.columns).where(Movie.id == movie_id)).first()


def lock(connection: Connection, movie_id: int) -> bool:
    """Tell whether there is such a film, and keep it there until the transaction ends."""
    query = select(Movie.id).where(Movie.id == movie_id)
    return connection.execute(query.with_for_update(read=True, key_share=True)).first() is not None


def titles(connection: Connection) -> Sequence[Row[int, str, int | None, list[str]]]:
    """Return id, title, year and genres of every film, by id."""
    query = select(Movie.id, Movie.title, Movie.year, Movie.genres).order_by(Movie.id)
    return connection.execute(query).all()
