"""Films: one, listed, searched, added and changed."""

import logging
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row

from app import cursors
from app.database import Database
from app.errors import CursorExpiredError, MovieNotFoundError
from app.movies import repository
from app.movies.catalogue import Catalogue, fingerprint
from app.movies.schemas import (
    LARGEST_MOVIE_ID,
    FoundMovies,
    GivenMovie,
    ListedMovie,
    Movie,
    MovieChanges,
    MoviesCursor,
    MoviesPage,
    MoviesQuery,
    SearchQuery,
)
from app.movies.shelf import Shelf
from app.recommendations.model_server import ModelServer
from app.recommendations.options import Filters
from app.recommendations.snapshot import Snapshot

logger = logging.getLogger(__name__)

# Films that are added without an id get one from here on, far from those that MovieLens gives.
FIRST_OWN_ID = 1_000_000_000


class MovieService:
    """Keeps films, and answers questions about them."""

    def __init__(self, database: Database, models: ModelServer) -> None:
        self.database = database
        self.models = models
        self._shelf: Shelf | None = None

    def get(self, movie_id: int) -> Movie:
        """Return one film."""
        with self.database.read() as connection:
            return _read(connection, movie_id)

    def page(self, query: MoviesQuery) -> MoviesPage:
        """Return some of the films, in the order that was asked for."""
        cursor = cursors.decode(MoviesCursor, query.cursor)
        snapshot = self.models.snapshot
        order = self._order(snapshot, query)
        state = fingerprint(snapshot.catalogue.movie_ids[order])
        request = _request_name(query)
        begin = 0
        if cursor:
            if cursor.request != request:
                raise cursors.malformed()
            if cursor.state != state:
                raise CursorExpiredError
            begin = cursor.position
        end = begin + query.limit
        following = MoviesCursor(request=request, state=state, position=end)
        return MoviesPage(
            items=_listed(snapshot.catalogue, order[begin:end]),
            next=following.encode() if end < len(order) else None,
        )

    def search(self, query: SearchQuery) -> FoundMovies:
        """Return the films whose titles are meant, the likeliest first."""
        catalogue = self.models.snapshot.catalogue
        found = self._shelf_of(catalogue).titles.find(query.q, catalogue.likes, query.limit)
        return FoundMovies(items=_listed(catalogue, np.array(found, dtype=np.int64)))

    def add(self, given: GivenMovie) -> Movie:
        """Add a film under an id that no other has."""
        with self.database.write() as connection:
            while True:  # another transaction may take the same id at this moment
                movie_id = repository.free_id(connection, FIRST_OWN_ID, LARGEST_MOVIE_ID)
                if repository.add(connection, movie_id, given.model_dump()):
                    break
            return self._changed(connection, movie_id)

    def put(self, movie_id: int, given: GivenMovie) -> tuple[Movie, bool]:
        """Add a film, or describe it anew; also tell whether it was added."""
        with self.database.write() as connection:
            added = repository.put(connection, movie_id, given.model_dump())
            return self._changed(connection, movie_id), added

    def change(self, movie_id: int, changes: MovieChanges) -> Movie:
        """Change some details of a film."""
        details: Mapping[str, Any] = changes.model_dump(exclude_unset=True)
        with self.database.write() as connection:
            if not repository.change(connection, movie_id, details):
                raise MovieNotFoundError(movie_id)
            return self._changed(connection, movie_id)

    def take_over(self) -> None:
        """Make a change of films count in this process at once; others follow within seconds."""
        try:
            self.models.follow()
            self._shelf_of(self.models.snapshot.catalogue)
        except Exception:
            # The film is in the database, and the thread that follows it tries again.
            logger.exception("a change of films could not be taken over at once")

    def _changed(self, connection: Connection, movie_id: int) -> Movie:
        repository.next_revision(connection)
        return _read(connection, movie_id)

    def _order(self, snapshot: Snapshot, query: MoviesQuery) -> NDArray[np.int64]:
        if query.sort == "popular":
            order = snapshot.popular
        else:
            shelf = self._shelf_of(snapshot.catalogue)
            order = shelf.newest if query.sort == "newest" else shelf.by_title
        allowed = snapshot.facets.allowed(Filters(genre=query.genre))
        if allowed is not None:
            order = order[allowed[order]]
        if query.id:
            order = order[np.isin(snapshot.catalogue.movie_ids[order], query.id)]
        return order

    def _shelf_of(self, catalogue: Catalogue) -> Shelf:
        """Return what was made of the same films before; a recount of likes changes none."""
        shelf = self._shelf
        if shelf is None or (shelf.films is not catalogue.films and shelf.films != catalogue.films):
            # Two threads may both make it; either one's will do.
            self._shelf = shelf = Shelf.of(catalogue.films)
        return shelf


def _read(connection: Connection, movie_id: int) -> Movie:
    row = repository.find(connection, movie_id)
    if row is None:
        raise MovieNotFoundError(movie_id)
    return _shown(row)


def _shown(row: Row[Any]) -> Movie:
    return Movie(
        movie_id=row.id,
        title=row.title,
        year=row.year,
        genres=row.genres,
        imdb_id=row.imdb_id,
        tmdb_id=row.tmdb_id,
    )


def _listed(catalogue: Catalogue, positions: NDArray[np.int64]) -> list[ListedMovie]:
    columns = (catalogue.movie_ids, catalogue.likes, catalogue.ratings)
    rows = zip(*(column[positions].tolist() for column in columns), strict=True)
    return [
        ListedMovie(
            movie_id=movie_id,
            title=catalogue.films[movie_id].title,
            year=catalogue.films[movie_id].year,
            genres=list(catalogue.films[movie_id].genres),
            likes=likes,
            ratings=ratings,
        )
        for movie_id, likes, ratings in rows
    ]


def _request_name(query: MoviesQuery) -> str:
    genres, ids = {name.casefold() for name in query.genre}, {str(id_) for id_ in query.id}
    text = "\n".join([query.sort, *sorted(genres), *sorted(ids)])
    return blake2b(text.encode(), digest_size=9).hexdigest()
