"""Every film with its popularity, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.movies import repository as movies
from app.movies.counts import Counts

# A film's share of likes is mixed with that of all ratings as if it had this many more ratings:
# one like out of one is no better than 80 out of 100.
DAMPING = 10


class Film(NamedTuple):
    """What is shown of a film in a list."""

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The films at one moment; *position* is a place in the arrays, by rising movie id."""

    films: Mapping[int, Film]
    movie_ids: NDArray[np.int64]
    likes: NDArray[np.int64]
    ratings: NDArray[np.int64]
    counts: Counts

    @classmethod
    def of(cls, films: Mapping[int, Film], counts: Counts) -> Catalogue:
        """Join films and counts, whatever films these counts are of: nothing else decides it."""
        movie_ids = np.fromiter(films, dtype=np.int64, count=len(films))
        likes, ratings = np.zeros((2, len(films)), dtype=np.int64)
        _, here, there = np.intersect1d(
            movie_ids, counts.movie_ids, assume_unique=True, return_indices=True
        )
        likes[here], ratings[here] = counts.likes[there], counts.ratings[there]
        return cls(films, movie_ids, likes, ratings, counts)

    def by_popularity(self) -> NDArray[np.int64]:
        """Positions by falling number of likes, ties by rising movie id."""
        return np.lexsort((self.movie_ids, -self.likes))

    def scores(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of all users who like each of these films."""
        return (self.likes[positions] / max(self.counts.n_users, 1)).astype(np.float32)

    def like_probabilities(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of likes among each film's ratings, damped towards that among all ratings."""
        total = self.ratings.sum()
        overall = self.likes.sum() / total if total else 0.5
        damped = (self.likes[positions] + DAMPING * overall) / (self.ratings[positions] + DAMPING)
        return damped.astype(np.float32)


def read_films(connection: Connection) -> dict[int, Film]:
    """Read all films, by rising id."""
    genres: dict[tuple[str, ...], tuple[str, ...]] = {}  # a few hundred sets, not one per film
    films: dict[int, Film] = {}
    for movie_id, title, year, names in movies.titles(connection):
        shared = genres.setdefault(tuple(names), tuple(names))
        films[movie_id] = Film(movie_id, title, year, shared)
    return films


def fingerprint(*arrays: NDArray[np.int64]) -> str:
    """Give a short name for the contents and the order of arrays, the same on every machine."""
    digest = blake2b(digest_size=9)
    for array in arrays:
        digest.update(len(array).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()
