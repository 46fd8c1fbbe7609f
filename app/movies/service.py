"""Movies: one, listed, searched, added and changed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

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
from app.movies.errors import MovieNotFoundError
from app.movies.schemas import (
    FoundMovies,
    ListedMovie,
    Movie,
    MovieChanges,
    MovieRequest,
    MoviesCursor,
    MoviesPage,
    MoviesQuery,
    SearchQuery,
)
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

    def get(self, movie_id: int) -> Movie:
        """Return one movie."""
        with self.database.read() as connection:
            return _read(connection, movie_id)

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
        )

    def search(self, query: SearchQuery) -> FoundMovies:
        """Return the movies whose titles match, the best match first."""
        catalogue = self.current.snapshot.catalogue
        found = self._orders_of(catalogue).titles.find(query.q, catalogue.likes, query.limit)
        return FoundMovies(items=_listed(catalogue, np.array(found, dtype=np.int64)))

    def add(self, movie: MovieRequest) -> Movie:
        """Add a movie under a new id."""
        with self._change() as connection:
            while True:  # another transaction may take the same id at this moment
                movie_id = repository.free_id(connection, FIRST_OWN_ID, MAX_MOVIE_ID)
                if repository.add(connection, movie_id, movie.model_dump()):
                    return _read(connection, movie_id)

    def put(self, movie_id: int, movie: MovieRequest) -> tuple[Movie, bool]:
        """Add a movie, or replace its details; also tell whether it was added."""
        with self._change() as connection:
            added = repository.put(connection, movie_id, movie.model_dump())
            return _read(connection, movie_id), added

    def change(self, movie_id: int, changes: MovieChanges) -> Movie:
        """Change some details of a movie."""
        with self._change() as connection:
            if not repository.change(connection, movie_id, changes.model_dump(exclude_unset=True)):
                raise MovieNotFoundError(movie_id=movie_id)
            return _read(connection, movie_id)

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
        allowed = snapshot.facets.allowed(Filters(genre=query.genre))
        if allowed is not None:
            order = order[allowed[order]]
        if query.id:
            order = order[np.isin(snapshot.catalogue.movie_ids[order], query.id)]
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


def _read(connection: Connection, movie_id: int) -> Movie:
    row = repository.find(connection, movie_id)
    if row is None:
        raise MovieNotFoundError(movie_id=movie_id)
    return Movie.model_validate(row, from_attributes=True)


def _listed(catalogue: Catalogue, positions: NDArray[np.int64]) -> list[ListedMovie]:
    columns = (catalogue.movie_ids, catalogue.likes, catalogue.ratings)
    rows = zip(*(column[positions].tolist() for column in columns), strict=True)
    return [
        ListedMovie(**catalogue.movies[movie_id]._asdict(), likes=likes, ratings=ratings)
        for movie_id, likes, ratings in rows
    ]


def _request_name(query: MoviesQuery) -> str:
    genres, ids = {name.casefold() for name in query.genre}, {str(id_) for id_ in query.id}
    text = "\n".join([query.sort, *sorted(genres), *sorted(ids)])
    return blake2b(text.encode(), digest_size=9).hexdigest()
