"""Every movie with its popularity, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, select

from app.db import tables
from app.live.counts import Counts

# A movie's share of likes is mixed with that of all ratings as if it had this many more ratings:
# one like out of one is no better than 80 out of 100.
DAMPING = 10


class CatalogueMovie(NamedTuple):
    """What is shown of a movie in a list."""

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The movies at one moment; *position* is a place in the arrays, by rising movie id."""

    movies: Mapping[int, CatalogueMovie]
    movie_ids: NDArray[np.int64]
    likes: NDArray[np.int64]
    ratings: NDArray[np.int64]
    counts: Counts

    @classmethod
    def of(cls, movies: Mapping[int, CatalogueMovie], counts: Counts) -> Catalogue:
        """Join movies and counts, whatever movies these counts are of: nothing else decides it."""
        movie_ids = np.fromiter(movies, dtype=np.int64, count=len(movies))
        likes, ratings = np.zeros((2, len(movies)), dtype=np.int64)
        _, here, there = np.intersect1d(
            movie_ids, counts.movie_ids, assume_unique=True, return_indices=True
        )
        likes[here], ratings[here] = counts.likes[there], counts.ratings[there]
        return cls(movies, movie_ids, likes, ratings, counts)

    def by_popularity(self) -> NDArray[np.int64]:
        """Positions by falling number of likes, ties by rising movie id."""
        return np.lexsort((self.movie_ids, -self.likes))

    def scores(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of all users who like each of these movies."""
        return (self.likes[positions] / max(self.counts.n_users, 1)).astype(np.float32)

    def like_probabilities(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of likes among each movie's ratings, damped towards that among all ratings."""
        total = self.ratings.sum()
        overall = self.likes.sum() / total if total else 0.5
        damped = (self.likes[positions] + DAMPING * overall) / (self.ratings[positions] + DAMPING)
        return damped.astype(np.float32)


def read_movies(connection: Connection) -> dict[int, CatalogueMovie]:
    """Read all movies, by rising id."""
    genres: dict[tuple[str, ...], tuple[str, ...]] = {}  # a few hundred sets, not one per movie
    movies: dict[int, CatalogueMovie] = {}
    for movie_id, title, year, names in _titles(connection):
        shared = genres.setdefault(tuple(names), tuple(names))
        movies[movie_id] = CatalogueMovie(movie_id, title, year, shared)
    return movies


def fingerprint(*arrays: NDArray[np.int64]) -> str:
    """Give a short name for the contents and the order of arrays, the same on every machine."""
    digest = blake2b(digest_size=9)
    for array in arrays:
        digest.update(len(array).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()


def _titles(connection: Connection) -> Sequence[Row[int, str, int | None, list[str]]]:
    """Return id, title, year and genres of every movie, by id."""
    query = select(
        tables.movies.c.id, tables.movies.c.title, tables.movies.c.year, tables.movies.c.genres
    ).order_by(tables.movies.c.id)
    return connection.execute(query).all()
