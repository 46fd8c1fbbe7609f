"""The ratings at one moment, as arrays for training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, case, select

from app.datasets.repository import ImportedDataset, imported_dataset
from app.db.engine import Database
from app.db.sql import liked
from app.db.tables import installation, movies, ratings, users
from data.interactions import Interactions

# Rows that are Python objects at one time: 20 MB.
CHUNK = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The ratings as likes and dislikes, with their origin and revision."""

    interactions: Interactions
    dataset: ImportedDataset | None
    holdout_salt: str
    ratings_revision: int
    taken_at: datetime

    @property
    def dataset_name(self) -> str:
        """Where the ratings come from, as text."""
        return dataset_name(self.dataset)

    @property
    def dataset_sha256(self) -> str | None:
        """Its checksum, where they come from a file."""
        return self.dataset.sha256 if self.dataset else None


def read_snapshot(database: Database, like_threshold: float) -> Snapshot:
    """Read all ratings; the same ratings give the same arrays on either database.

    Rows are the users with a rating, in the order of their creation; columns are all movies, by
    rising movie id.
    """
    with database.read() as connection:
        row = connection.execute(
            select(installation.c.holdout_salt, installation.c.ratings_revision)
        ).one()
        return Snapshot(
            interactions=_interactions(connection, like_threshold),
            dataset=imported_dataset(connection),
            holdout_salt=row.holdout_salt,
            ratings_revision=row.ratings_revision,
            taken_at=datetime.now(UTC),
        )


def _interactions(connection: Connection, like_threshold: float) -> Interactions:
    ids = connection.execute(select(movies.c.id).order_by(movies.c.id)).scalars()
    movie_ids = np.fromiter(ids, dtype=np.int64)
    user_ids, movie_rows, likes = _ratings(connection, like_threshold, movie_ids)
    begins = np.flatnonzero(np.diff(user_ids, prepend=-1))
    return Interactions(
        indptr=np.append(begins, len(user_ids)).astype(np.int64),
        movie_rows=movie_rows,
        liked=likes,
        user_keys=_user_keys(connection, user_ids[begins]),
        movie_ids=movie_ids,
    )


def _ratings(
    connection: Connection, like_threshold: float, movie_ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """User id, movie row and like of each rating, by user id and movie id."""
    ids, rows, likes = [np.empty(0, np.int64)], [np.empty(0, np.int32)], [np.empty(0, np.bool_)]
    for numbers in rating_chunks(connection, like_threshold):
        ids.append(numbers[:, 0].copy())
        rows.append(np.searchsorted(movie_ids, numbers[:, 1]).astype(np.int32))
        likes.append(numbers[:, 2].astype(np.bool_))
    return np.concatenate(ids), np.concatenate(rows), np.concatenate(likes)


def rating_chunks(connection: Connection, like_threshold: float) -> Iterator[NDArray[np.int64]]:
    """Yield user id, movie id and like of all ratings, by user id and movie id."""
    query = select(
        ratings.c.user_id, ratings.c.movie_id, case((liked(like_threshold), 1), else_=0)
    ).order_by(ratings.c.user_id, ratings.c.movie_id)
    # On PostgreSQL a cursor in the server: otherwise the driver would hold all rows.
    for part in connection.execution_options(yield_per=CHUNK).execute(query).partitions():
        yield np.fromiter(chain.from_iterable(part), np.int64, 3 * len(part)).reshape(-1, 3)


def dataset_name(dataset: ImportedDataset | None) -> str:
    """Say where the ratings come from."""
    return dataset.name if dataset else "ratings given through the service"


def _user_keys(connection: Connection, user_ids: NDArray[np.int64]) -> NDArray[np.str_]:
    rows = connection.execute(select(users.c.id, users.c.key).order_by(users.c.id)).all()
    ids = np.array([row.id for row in rows], dtype=np.int64)
    keys = np.array([row.key for row in rows], dtype=np.str_)
    return keys[np.searchsorted(ids, user_ids)]
