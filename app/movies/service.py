"""Movies: one, listed, searched, added and changed."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.db.engine import Database
from app.http import cursors
from app.http.cursors import CursorExpiredError
from app.live.catalogue import Catalogue, fingerprint
from app.live.filters import Filters
from app.live.model_reloader import ModelReloader
from app.live.movie_orders import MovieOrders
from app.live.snapshot import CurrentSnapshot, Snapshot
from app.movies import repository
from app.movies.errors import MovieExistsError, MovieKeyRefusedError, MovieNotFoundError
from app.movies.schemas import (
    FoundMovies,
    GenreCount,
    GenreList,
    ListedMovie,
    Movie,
    MovieChanges,
    MovieRequest,
    MoviesCursor,
    MoviesPage,
    MoviesQuery,
    NewMovie,
    SearchQuery,
)
from data.movie_keys import MovieKey, movie_id, movie_ids, stored_key
from data.rules import MAX_MOVIE_ID

logger = logging.getLogger(__name__)

# Movies that are added without an id get one from here on, far from those of MovieLens.
FIRST_OWN_ID = 1_000_000_000


class MovieService:
    """Reads, lists, searches and changes movies."""

    def __init__(self, database: Database, current: CurrentSnapshot, models: ModelReloader) -> None:
        self.database = database
        self.current = current
        self.models = models
        self._orders: MovieOrders | None = None

    def get(self, key: MovieKey) -> Movie:
        """Return one movie."""
        with self.database.read() as connection:
            return _read(connection, key)

    def page(self, query: MoviesQuery) -> MoviesPage:
        """Return a page of movies in the order of the query."""
        cursor = cursors.decode(MoviesCursor, query.cursor)
        snapshot = self.current.snapshot
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
            ignored_genres=snapshot.facets.unknown_genres(Filters(genre=query.genre)),
        )

    def genres(self) -> GenreList:
        """Return the genres of all movies; names that differ in case alone are one genre."""
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for movie in self.current.snapshot.catalogue.movies.values():
            theirs = {name.casefold(): name for name in movie.genres}
            for folded, name in theirs.items():
                names.setdefault(folded, name)
            counts.update(theirs.keys())
        items = [GenreCount(genre=names[folded], movies=counts[folded]) for folded in sorted(names)]
        return GenreList(items=items)

    def search(self, query: SearchQuery) -> FoundMovies:
        """Return the movies whose titles match, the best match first."""
        catalogue = self.current.snapshot.catalogue
        found = self._orders_of(catalogue).titles.find(query.q, catalogue.likes, query.limit)
        return FoundMovies(items=_listed(catalogue, np.array(found, dtype=np.int64)))

    def add(self, movie: NewMovie) -> Movie:
        """Add a movie, under a new number if it has no key."""
        with self._change() as connection:
            if movie.key is not None:
                if not _add(connection, movie.key, movie.details):
                    raise MovieExistsError(movie_id=movie.key)
                return _read(connection, movie.key)
            while True:  # another transaction may take the same id at this moment
                free = repository.free_id(connection, FIRST_OWN_ID, MAX_MOVIE_ID)
                if repository.add(connection, free, movie.details):
                    return _read(connection, free)

    def put(self, key: MovieKey, movie: MovieRequest) -> tuple[Movie, bool]:
        """Add a movie, or replace its details; also tell whether it was added."""
        with self._change() as connection:
            added = _add(connection, key, movie.model_dump())
            if not added:
                repository.change(connection, movie_id(key), movie.model_dump())
            return _read(connection, key), added

    def change(self, key: MovieKey, changes: MovieChanges) -> Movie:
        """Change some details of a movie."""
        details = changes.model_dump(exclude_unset=True)
        with self._change() as connection:
            if not repository.change(connection, movie_id(key), details):
                raise MovieNotFoundError(movie_id=key)
            return _read(connection, key)

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """Commit a change of movies, and serve it in this process at once."""
        with self.database.unit_of_work() as connection:
            yield connection
            repository.next_revision(connection)
        try:
            self.models.poll()
            self._orders_of(self.current.snapshot.catalogue)
        except Exception:
            # The movie is stored, and the polling thread tries again.
            logger.exception("cannot reload the movies at once")

    def _order(self, snapshot: Snapshot, query: MoviesQuery) -> NDArray[np.int64]:
        if query.sort == "popular":
            order = snapshot.popular
        else:
            orders = self._orders_of(snapshot.catalogue)
            order = orders.newest if query.sort == "newest" else orders.by_title
        allowed = snapshot.facets.allowed(Filters(genre=query.genre, attribute=query.attribute))
        if allowed is not None:
            order = order[allowed[order]]
        if query.id:
            order = order[np.isin(snapshot.catalogue.movie_ids[order], movie_ids(query.id))]
        return order

    def _orders_of(self, catalogue: Catalogue) -> MovieOrders:
        """Return the orders of these movies, cached; a new count of likes changes none of them."""
        orders = self._orders
        if orders is None or (
            orders.movies is not catalogue.movies and orders.movies != catalogue.movies
        ):
            # Two threads may both compute them; either result will do.
            self._orders = orders = MovieOrders.of(catalogue.movies)
        return orders


def _add(connection: Connection, key: MovieKey, details: Mapping[str, Any]) -> bool:
    """Add a movie; False when it is there."""
    if repository.add(connection, movie_id(key), {"key": stored_key(key), **details}):
        return True
    row = repository.find(connection, movie_id(key))
    if row is not None and row.key != stored_key(key):
        raise MovieKeyRefusedError(movie_id=key)
    return False


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
    )


def _listed(catalogue: Catalogue, positions: NDArray[np.int64]) -> list[ListedMovie]:
    columns = (catalogue.movie_ids, catalogue.likes, catalogue.ratings)
    rows = zip(*(column[positions].tolist() for column in columns), strict=True)
    return [
        ListedMovie(**catalogue.movies[id_]._asdict(), likes=likes, ratings=ratings)
        for id_, likes, ratings in rows
    ]


def _request_name(query: MoviesQuery) -> str:
    genres, ids = {name.casefold() for name in query.genre}, {str(key) for key in query.id}
    text = "\n".join([query.sort, *sorted(genres), *sorted(ids), *sorted(set(query.attribute))])
    return blake2b(text.encode(), digest_size=9).hexdigest()
