"""All movies with their popularity, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from app.db import tables
from app.live.counts import Counts
from app.live.trends import Trends
from data.movie_keys import MovieKey, public_key

# A movie's share of likes is damped by this many ratings with the overall share of likes: one like
# out of one is no better than 80 out of 100.
DAMPING = 10


# Rows of movies that are held at one time, beside those that are read already.
CHUNK = 50_000

NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})
# Before and after all times, in Unix seconds.
NEVER, FOR_EVER = -(2**62), 2**62


class Availability(NamedTuple):
    """When lists may have a movie: from one Unix second until before another."""

    begin: int = NEVER
    end: int = FOR_EVER

    @classmethod
    def of(cls, begin: datetime | None, end: datetime | None, *, withdrawn: bool) -> Availability:
        """Convert the columns of a movie."""
        if begin is None and end is None and not withdrawn:
            return ALWAYS
        if withdrawn:
            return cls(NEVER, NEVER)
        return cls(
            NEVER if begin is None else int(begin.timestamp()),
            FOR_EVER if end is None else int(end.timestamp()),
        )


ALWAYS = Availability()


class CatalogueMovie(NamedTuple):
    """A movie; `movie_id` is its key, as clients know it. Lists do not show the last two."""

    movie_id: MovieKey
    title: str
    year: int | None
    genres: tuple[str, ...]
    attributes: Mapping[str, Any] = NO_ATTRIBUTES
    availability: Availability = ALWAYS


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The movies at one moment; *position* is an index of the arrays, ordered by movie id.

    Ids are those of the database (`data.movie_keys`), also the keys of `movies`.
    """

    movies: Mapping[int, CatalogueMovie]
    movie_ids: NDArray[np.int64]
    likes: NDArray[np.int64]
    ratings: NDArray[np.int64]
    counts: Counts
    windows: NDArray[np.int64]  # `Availability` of each position, shape (n_movies, 2)
    trends: Trends

    @classmethod
    def of(cls, movies: Mapping[int, CatalogueMovie], counts: Counts) -> Catalogue:
        """Join movies and counts; counts of unknown movies are ignored."""
        movie_ids = np.fromiter(movies, dtype=np.int64, count=len(movies))
        return cls._joined(movies, movie_ids, _windows(movies), counts)

    def counted(self, counts: Counts) -> Catalogue:
        """Return the same movies with other counts."""
        return self._joined(self.movies, self.movie_ids, self.windows, counts)

    @classmethod
    def _joined(
        cls,
        movies: Mapping[int, CatalogueMovie],
        movie_ids: NDArray[np.int64],
        windows: NDArray[np.int64],
        counts: Counts,
    ) -> Catalogue:
        likes, ratings = np.zeros((2, len(movies)), dtype=np.int64)
        _, here, there = np.intersect1d(
            movie_ids, counts.movie_ids, assume_unique=True, return_indices=True
        )
        likes[here], ratings[here] = counts.likes[there], counts.ratings[there]
        trends = Trends.of(movie_ids, counts.by_time)
        return cls(movies, movie_ids, likes, ratings, counts, windows, trends)

    def available(self, at: int) -> NDArray[np.bool_]:
        """Tell which movies lists may have at this Unix second."""
        begin, end = self.windows[:, 0], self.windows[:, 1]
        mask: NDArray[np.bool_] = (begin <= at) & (at < end)
        return mask

    def changes_at(self, at: int) -> int:
        """Return the second after `at` at which another movie comes or goes."""
        later = self.windows[self.windows > at]
        return int(later.min(initial=FOR_EVER))

    def positions(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions of those of the movies that are in the catalogue."""
        places = np.searchsorted(self.movie_ids, movie_ids)
        here = places < len(self.movie_ids)
        here[here] = self.movie_ids[places[here]] == movie_ids[here]
        return places[here]

    def by_popularity(self) -> NDArray[np.int64]:
        """Positions by descending number of likes, ties by ascending movie id."""
        return np.lexsort((self.movie_ids, -self.likes))

    def scores(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of users who like each of these movies."""
        return (self.likes[positions] / max(self.counts.n_users, 1)).astype(np.float32)

    def like_probabilities(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of likes among each movie's ratings, damped towards the overall share."""
        total = self.ratings.sum()
        overall = self.likes.sum() / total if total else 0.5
        damped = (self.likes[positions] + DAMPING * overall) / (self.ratings[positions] + DAMPING)
        return damped.astype(np.float32)


def _windows(movies: Mapping[int, CatalogueMovie]) -> NDArray[np.int64]:
    """Return the availability of each position."""
    windows = np.empty((len(movies), 2), dtype=np.int64)
    windows[:] = ALWAYS
    for position, movie in enumerate(movies.values()):
        if movie.availability is not ALWAYS:
            windows[position] = movie.availability
    return windows


def read_movies(connection: Connection) -> dict[int, CatalogueMovie]:
    """Read all movies, ordered by id."""
    genres: dict[tuple[str, ...], tuple[str, ...]] = {}  # a few hundred sets, not one per movie
    movies: dict[int, CatalogueMovie] = {}
    table = tables.movies.c
    columns = (
        table.id, table.key, table.title, table.year, table.genres, table.attributes,
        table.withdrawn, table.available_from, table.available_until,
    )  # fmt: skip
    query = select(*columns).order_by(table.id).execution_options(yield_per=CHUNK)
    for row in connection.execute(query):
        movie_id, key, title, year, names, attributes, withdrawn, begin, end = row
        shared = genres.setdefault(tuple(names), tuple(names))
        known_as, further = public_key(movie_id, key), attributes or NO_ATTRIBUTES
        when = Availability.of(begin, end, withdrawn=withdrawn)
        movies[movie_id] = CatalogueMovie(known_as, title, year, shared, further, when)
    return movies


def fingerprint(*arrays: NDArray[np.int64]) -> str:
    """Return a short hash of the contents and order of arrays, the same on every machine."""
    digest = blake2b(digest_size=9)
    for array in arrays:
        digest.update(len(array).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()
