"""Movies in lists: in an order, found by title, liked lately; and their genres."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from app.core.polling import Poller
from app.http import cursors
from app.http.cursors import CursorExpiredError
from app.live.catalogue import Catalogue, fingerprint
from app.live.filters import Filters
from app.live.movie_orders import MovieOrders
from app.live.snapshot import CurrentSnapshot, Snapshot
from app.movies.options import MoviesQuery, SearchQuery, TrendingQuery
from app.movies.schemas import (
    FoundMovies,
    GenreCount,
    GenreList,
    ListedMovie,
    MoviesCursor,
    MoviesPage,
    TrendingMovie,
    TrendingMovies,
)
from data.movie_keys import movie_ids

# Movies from which a request must not wait until they are sorted: a million take 9 s.
MANY = 50_000
PREPARE_S = 1.0


class MovieLists:
    """Lists the movies in memory."""

    def __init__(self, current: CurrentSnapshot) -> None:
        self.current = current
        self._orders: MovieOrders | None = None
        trouble = "cannot sort the movies; the next request will"
        self._poller = Poller("movie-orders", self.prepare_many, PREPARE_S, trouble)

    def start(self) -> None:
        """Sort the movies of a large catalogue as soon as they change."""
        self._poller.start(poll_now=False)

    def stop(self) -> None:
        """Stop doing so."""
        self._poller.stop()

    def page(self, query: MoviesQuery) -> MoviesPage:
        """Return a page of movies in the order of the query."""
        snapshot = self.current.snapshot
        order = self._order(snapshot, query)
        positions, following = _part(snapshot, order, query, _request_name(query))
        return MoviesPage(
            items=_listed(snapshot, positions),
            next=following,
            ignored_genres=snapshot.facets.unknown_genres(Filters(genre=query.genre)),
        )

    def trending(self, query: TrendingQuery) -> TrendingMovies:
        """Return a page of the movies that are liked lately, the most liked first."""
        snapshot = self.current.snapshot
        order, scores = _trending(snapshot, query)
        positions, following = _part(snapshot, order, query, _trending_name(query))
        rounded = [round(score, 6) for score in scores[positions].tolist()]
        listed = zip(_listed(snapshot, positions), rounded, strict=True)
        return TrendingMovies(
            items=[TrendingMovie(**dict(movie), score=score) for movie, score in listed],
            next=following,
            ignored_genres=snapshot.facets.unknown_genres(query),
        )

    def genres(self) -> GenreList:
        """Return the genres of all movies; names that differ in case alone are one genre."""
        snapshot = self.current.snapshot
        genres = snapshot.facets.genres
        counts = genres.counts(snapshot.available)
        items = [
            GenreCount(genre=genres.written[folded], movies=counts[folded])
            for folded in sorted(counts)
            if counts[folded]
        ]
        return GenreList(items=items)

    def search(self, query: SearchQuery) -> FoundMovies:
        """Return the movies whose titles match, the best match first."""
        snapshot = self.current.snapshot
        catalogue, titles = snapshot.catalogue, self._orders_of(snapshot.catalogue).titles
        allowed = None if query.unavailable else snapshot.available
        found = titles.find(query.q, catalogue.likes, query.limit, allowed)
        return FoundMovies(items=_listed(snapshot, np.array(found, dtype=np.int64)))

    def prepare(self) -> None:
        """Sort the movies, so that the next request need not wait for it."""
        self._orders_of(self.current.snapshot.catalogue)

    def prepare_many(self) -> None:
        """Sort the movies if they are many."""
        if self.current.generation() and len(self.current.snapshot.catalogue.movies) >= MANY:
            self.prepare()

    def _order(self, snapshot: Snapshot, query: MoviesQuery) -> NDArray[np.int64]:
        if query.sort in {"popular", "telling"}:
            order = snapshot.catalogue.by_popularity() if query.unavailable else snapshot.popular
            if query.sort == "telling" and snapshot.model:
                order = _first(snapshot.model.telling, order)
        else:
            orders = self._orders_of(snapshot.catalogue)
            order = orders.newest if query.sort == "newest" else orders.by_title
            order = order if query.unavailable else order[snapshot.available[order]]
        allowed = snapshot.facets.allowed(Filters(genre=query.genre, attribute=query.attribute))
        if allowed is not None:
            order = order[allowed[order]]
        if query.id:
            order = order[np.isin(snapshot.catalogue.movie_ids[order], movie_ids(query.id))]
        return order

    def _orders_of(self, catalogue: Catalogue) -> MovieOrders:
        """Return the orders of these movies, cached; a new count of likes changes none of them."""
        orders = self._orders
        if orders is None or orders.movies is not catalogue.movies:
            # Two threads may both compute them; either result will do.
            if orders is not None and orders.movies == catalogue.movies:
                orders = orders.of_same(catalogue.movies)
            else:
                orders = MovieOrders.of(catalogue.movies)
            self._orders = orders
        return orders


def _first(first: Sequence[int], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order with some of its positions moved to its beginning."""
    return np.concatenate([np.array(first, dtype=np.int64), order[~np.isin(order, first)]])


def _trending(
    snapshot: Snapshot, query: TrendingQuery
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the available movies with likes in the window, in order, and the score of each."""
    catalogue = snapshot.catalogue
    scores = catalogue.trends.scores(snapshot.at, query.window_days, query.half_life_days)
    is_listed = (scores > 0) & snapshot.available
    allowed = snapshot.facets.allowed(query)
    if allowed is not None:
        is_listed &= allowed
    listed = np.flatnonzero(is_listed)
    return listed[np.lexsort((listed, -scores[listed]))], scores


def _part(
    snapshot: Snapshot, order: NDArray[np.int64], query: MoviesQuery | TrendingQuery, request: str
) -> tuple[NDArray[np.int64], str | None]:
    """Return the page of an order at the cursor of a query, and the cursor of the next one."""
    cursor = cursors.decode(MoviesCursor, query.cursor)
    state = fingerprint(snapshot.catalogue.movie_ids[order])
    begin = 0
    if cursor:
        if cursor.request != request:
            raise cursors.malformed()
        if cursor.state != state:
            raise CursorExpiredError
        begin = cursor.position
    end = begin + query.limit
    following = MoviesCursor(request=request, state=state, position=end)
    return order[begin:end], following.encode() if end < len(order) else None


def _listed(snapshot: Snapshot, positions: NDArray[np.int64]) -> list[ListedMovie]:
    catalogue = snapshot.catalogue
    columns = (catalogue.movie_ids, catalogue.likes, catalogue.ratings, snapshot.available)
    rows = zip(*(column[positions].tolist() for column in columns), strict=True)
    return [
        ListedMovie(
            **catalogue.movies[id_]._asdict(), likes=likes, ratings=ratings, available=available
        )
        for id_, likes, ratings, available in rows
    ]


def _request_name(query: MoviesQuery) -> str:
    genres, ids = {name.casefold() for name in query.genre}, {str(key) for key in query.id}
    parts = [query.sort, *sorted(genres), *sorted(ids), *sorted(set(query.attribute))]
    return _digest([*parts, "unavailable"] if query.unavailable else parts)


def _trending_name(query: TrendingQuery) -> str:
    return _digest(["trending", query.model_dump_json(exclude={"limit", "cursor"})])


def _digest(parts: Sequence[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=9).hexdigest()
