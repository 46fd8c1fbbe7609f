"""Writes a data set, or the ratings of the database, as shards for many machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from app.config import Settings
from app.datasets.repository import imported_dataset
from app.datasets.service import read_release
from app.datasets.snapshot import dataset_name, rating_chunks
from app.db.engine import Database
from app.db.tables import installation, movies, users
from data.movie_keys import public_key
from data.partitioning import Partitioner, opened
from data.progress import Progress, ignore_progress
from data.release import columns
from data.shards import Partition, Source

if TYPE_CHECKING:
    import pandas as pd

    from data.mapping import Mapping

DATABASE = "db"


def partition(
    database: Database,
    settings: Settings,
    source: str,
    target: str,
    n_shards: int,
    *,
    mapping: Mapping | None = None,
    progress: Progress = ignore_progress,
) -> Partition:
    """Write a partition; the users that the database holds out are held out in it too.

    Raises `DatasetError` for a bad source, and where the target holds a partition.
    """
    with database.read() as connection:
        salt = connection.execute(select(installation.c.holdout_salt)).scalar_one()
    latest_wins = mapping is not None and mapping.latest_wins
    with opened(target, salt, n_shards, latest_wins=latest_wins) as partitioner:
        if source == DATABASE:
            return _from_database(partitioner, database, settings.like_threshold, progress)
        return _from_source(partitioner, settings, source, mapping, progress)


def _from_source(
    partitioner: Partitioner,
    settings: Settings,
    source: str,
    mapping: Mapping | None,
    progress: Progress,
) -> Partition:
    def take(ratings: pd.DataFrame) -> None:
        keys, movie_ids, liked = columns(ratings, settings.like_threshold)
        times = ratings["rated_at"].to_numpy(dtype="int64")
        partitioner.add(pa.array(keys).cast(pa.string()), movie_ids, liked, times)

    release = read_release(settings, source, mapping, progress, take)
    pairs = zip(release.movies["movie_id"].tolist(), _stored_keys(release.movies), strict=True)
    keys = {movie: public_key(movie, stored) for movie, stored in pairs}
    origin = Source(release.name, release.sha256, _now())
    return partitioner.finish(keys, settings.like_threshold, origin, progress)


def _from_database(
    partitioner: Partitioner, database: Database, like_threshold: float, progress: Progress
) -> Partition:
    with database.read() as connection:
        revision = connection.execute(select(installation.c.ratings_revision)).scalar_one()
        dataset, taken_at = imported_dataset(connection), _now()
        rows = connection.execute(select(movies.c.id, movies.c.key)).all()
        n_ratings = 0
        for numbers in rating_chunks(connection, like_threshold):
            keys = _user_keys(connection, numbers[:, 0])
            partitioner.add(keys, numbers[:, 1], numbers[:, 2].astype(np.bool_))
            n_ratings += len(numbers)
            progress("ratings", n_ratings, None)
    origin = Source(
        dataset_name(dataset), dataset.sha256 if dataset else None, taken_at, int(revision)
    )
    keys_of = {row.id: public_key(row.id, row.key) for row in rows}
    return partitioner.finish(keys_of, like_threshold, origin, progress)


def _user_keys(connection: Connection, ids: NDArray[np.int64]) -> pa.Array[Any]:
    """Return the key of each user; the ids rise."""
    first, last = int(ids[0]), int(ids[-1])
    query = select(users.c.id, users.c.key).where(users.c.id.between(first, last))
    found = connection.execute(query.order_by(users.c.id)).all()
    rows = np.searchsorted(np.array([row.id for row in found], dtype=np.int64), ids)
    return pa.array([row.key for row in found], pa.string()).take(rows)


def _stored_keys(movies: pd.DataFrame) -> list[str | None]:
    """Return the keys that are texts; a release of MovieLens has none."""
    if "key" not in movies:
        return [None] * len(movies)
    return [key if isinstance(key, str) else None for key in movies["key"]]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
