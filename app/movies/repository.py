"""Queries about movies."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, or_, select, update

from app.db.sql import upsert
from app.db.tables import events, feedback, installation, movies, ratings, seen_movies

# What users did with a movie.
_USES = (ratings, seen_movies, events, feedback)


def find(connection: Connection, movie_id: int, *, locked: bool = False) -> Row[Any] | None:
    """Return one movie; locked, nobody changes it or does anything with it before the end."""
    query = select(movies).where(movies.c.id == movie_id)
    return connection.execute(query.with_for_update() if locked else query).first()


def external_ids(
    connection: Connection, movie_ids: Iterable[int]
) -> list[tuple[int, int | None, int | None]]:
    """Return the movies that exist, each with its numbers at IMDb and TMDB."""
    query = select(movies.c.id, movies.c.imdb_id, movies.c.tmdb_id)
    rows = connection.execute(query.where(movies.c.id.in_(movie_ids)))
    return [(id_, imdb_id, tmdb_id) for id_, imdb_id, tmdb_id in rows]


def lock(connection: Connection, movie_ids: Iterable[int]) -> set[int]:
    """Return those of the movies that exist, locked against deletion until the transaction ends."""
    query = select(movies.c.id).where(movies.c.id.in_(movie_ids)).order_by(movies.c.id)
    locking = query.with_for_update(read=True, key_share=True)
    return set(connection.execute(locking).scalars().all())


def add(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> bool:
    """Add a movie; False when the id is taken."""
    new = upsert(connection, movies).values(id=movie_id, **details).on_conflict_do_nothing()
    return connection.execute(new.returning(movies.c.id)).first() is not None


def change(connection: Connection, movie_id: int, details: Mapping[str, Any]) -> None:
    """Change some details of a movie."""
    if details:
        connection.execute(update(movies).where(movies.c.id == movie_id).values(**details))


def remove_unused(connection: Connection, movie_id: int) -> bool:
    """Remove a locked movie; False if a user has done anything with it."""
    is_used = or_(*(exists().where(table.c.movie_id == movie_id) for table in _USES))
    gone = connection.execute(delete(movies).where(movies.c.id == movie_id, ~is_used))
    return gone.rowcount > 0


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
