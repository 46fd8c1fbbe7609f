"""Movies: one, added, changed, withdrawn and removed."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row

from app.core.errors import InvalidRequestError
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.live.model_reloader import ModelReloader
from app.movies import repository
from app.movies.errors import MovieExistsError, MovieKeyRefusedError, MovieNotFoundError
from app.movies.lists import MovieLists
from app.movies.schemas import Movie, MovieChanges, MovieRequest, NewMovie
from data.movie_keys import MovieKey, movie_id, stored_key
from data.rules import MAX_MOVIE_ID

logger = logging.getLogger(__name__)

# Movies that are added without an id get one from here on, far from those of MovieLens.
FIRST_OWN_ID = 1_000_000_000


class MovieService:
    """Reads and changes movies."""

    def __init__(self, database: Database, models: ModelReloader, lists: MovieLists) -> None:
        self.database = database
        self.models = models
        self.lists = lists

    def get(self, key: MovieKey) -> Movie:
        """Return one movie."""
        with self.database.read() as connection:
            return _read(connection, key)

    def add(self, movie: NewMovie) -> Movie:
        """Add a movie, under a new number if it has no key."""
        with self._change() as connection:
            if movie.key is not None:
                if not _add(connection, movie.key, movie.details):
                    raise MovieExistsError(movie_id=movie.key)
                return _written(connection, movie.key)
            while True:  # another transaction may take the same id at this moment
                free = repository.free_id(connection, FIRST_OWN_ID, MAX_MOVIE_ID)
                if repository.add(connection, free, movie.details):
                    return _written(connection, free)

    def put(self, key: MovieKey, movie: MovieRequest, by: str) -> tuple[Movie, bool]:
        """Add a movie, or replace its details; also tell whether it was added."""
        details = movie.model_dump()
        with self._change() as connection:
            if _add(connection, key, details):
                return _written(connection, key), True
            return _changed(connection, key, details, by), False

    def change(self, key: MovieKey, changes: MovieChanges, by: str) -> Movie:
        """Change some details of a movie."""
        with self._change() as connection:
            return _changed(connection, key, changes.model_dump(exclude_unset=True), by)

    def withdraw(self, key: MovieKey, by: str) -> Movie | None:
        """Withdraw a movie, or remove it and return None if no user has done anything with it."""
        with self._change() as connection:
            row = repository.find(connection, movie_id(key), locked=True)
            if row is None or row.key != stored_key(key):
                return None
            if repository.remove_unused(connection, row.id):
                audit.record(connection, by, Action.MOVIE_REMOVED, str(key))
                return None
            return _changed(connection, key, {"withdrawn": True}, by)

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """Commit a change of movies, and serve it in this process at once."""
        with self.database.unit_of_work() as connection:
            yield connection
            repository.next_revision(connection)
        try:
            self.models.poll()
            self.lists.prepare()
        except Exception:
            # The movie is stored, and the polling thread tries again.
            logger.exception("cannot reload the movies at once")


def _add(connection: Connection, key: MovieKey, details: Mapping[str, Any]) -> bool:
    """Add a movie; False when it is there."""
    if repository.add(connection, movie_id(key), {"key": stored_key(key), **details}):
        return True
    row = repository.find(connection, movie_id(key))
    if row is not None and row.key != stored_key(key):
        raise MovieKeyRefusedError(movie_id=key)
    return False


def _changed(connection: Connection, key: MovieKey, details: Mapping[str, Any], by: str) -> Movie:
    """Change some details of a movie, and record whether lists may have it."""
    before = repository.find(connection, movie_id(key), locked=True)
    if before is None or before.key != stored_key(key):
        raise MovieNotFoundError(movie_id=key)
    repository.change(connection, before.id, details)
    movie = _written(connection, key)
    action = _action(before, movie)
    if action is not None:
        audit.record(connection, by, action, str(key), **_window(movie))
    return movie


def _action(before: Row[Any], movie: Movie) -> Action | None:
    """Say what has become of a movie in lists, None if nothing has."""
    if before.withdrawn != movie.withdrawn:
        return Action.MOVIE_WITHDRAWN if movie.withdrawn else Action.MOVIE_RETURNED
    bounds = (before.available_from, before.available_until)
    same = bounds == (movie.available_from, movie.available_until)
    return None if same else Action.MOVIE_WINDOW_CHANGED


def _window(movie: Movie) -> dict[str, str]:
    names = ("available_from", "available_until")
    moments = {name: getattr(movie, name) for name in names}
    return {name: moment.isoformat() for name, moment in moments.items() if moment is not None}


def _read(connection: Connection, key: MovieKey) -> Movie:
    row = repository.find(connection, movie_id(key))
    if row is None or row.key != stored_key(key):
        raise MovieNotFoundError(movie_id=key)
    return Movie(
        movie_id=key,
        title=row.title,
        year=row.year,
        genres=row.genres,
        imdb_id=row.imdb_id,
        tmdb_id=row.tmdb_id,
        attributes=row.attributes or {},
        withdrawn=row.withdrawn,
        available_from=row.available_from,
        available_until=row.available_until,
    )


def _written(connection: Connection, key: MovieKey) -> Movie:
    """Return a movie as it was written; its window must not be empty."""
    movie = _read(connection, key)
    begin, end = movie.available_from, movie.available_until
    if begin is not None and end is not None and end <= begin:
        message = "it is not later than available_from, so no list would ever have the movie"
        raise InvalidRequestError.at(["body", "available_until"], message, "window_empty")
    return movie
