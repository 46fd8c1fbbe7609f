"""Trains on the shards of a partition, on Dask's workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import Connection, select

from app.core.memory import release_unused
from app.datasets.partition import DATABASE, partition
from app.datasets.repository import imported_dataset
from app.db.tables import installation
from app.jobs.checkpoints import SHARDS, Resume
from app.jobs.errors import TrainingError
from app.jobs.job import Job
from app.ratings.user_repository import erased_since
from app.registry.fit import catalogue_ids
from app.training.hyper_parameters import OnTrial
from app.training.material import AllRatings, ShardedGroups, ShardsOrigin
from data.shards import PARTITION, Movies, Partition
from data.splitting import Group, HeldOut
from data.totals import Totals
from model.config import Config
from model.distributed.cluster import connected, n_workers
from model.distributed.finishing import finish
from model.distributed.plan import SHARDS_PER_REPLICA, Distribution
from model.distributed.trainer import DistributedTrainer
from model.rbm import RBM

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, slots=True)
class OnDask:
    """Where to train: the workers, the shards, and how these share the work."""

    address: str
    shards: str | None = None
    distribution: Distribution = field(default_factory=Distribution)


@dataclass(frozen=True, slots=True, eq=False)
class Sharded:
    """Ratings in shards."""

    client: Client
    partition: Partition
    distribution: Distribution
    origin: ShardsOrigin
    whole: ShardedGroups
    kept: Totals

    def of_rated(self, min_ratings: int) -> Sharded:
        """Leave out movies with fewer ratings; raises `TrainingError` where none is left."""
        totals = self.whole.training
        kept = totals.of_movies(totals.likes + totals.dislikes >= min_ratings)
        if not kept.n_movies:
            raise TrainingError(
                f"min_ratings is {min_ratings}, and no movie has so many ratings of training users"
            )
        return replace(self, kept=kept)

    @property
    def n_movies(self) -> int:
        """Number of movies to train on."""
        return self.kept.n_movies

    def searched(self, seed: int, on_trial: OnTrial) -> None:
        """Search nothing: a search would train on all shards again and again."""

    def trainer(self, config: Config, seed: int, start: RBM | None) -> DistributedTrainer:
        """Return what trains on them."""
        try:
            return DistributedTrainer(
                self.client, self.partition, config,
                seed=seed, validation=self._validation, start=start,
                distribution=self.distribution,
            )  # fmt: skip
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def finish(self, trainer: Any) -> RBM:
        """Return the finished machine."""
        return finish(trainer, self._validation)

    @property
    def _validation(self) -> HeldOut:
        if self.kept.n_movies == self.whole.training.n_movies:
            return self.whole.validation
        return self.whole.validation.with_movies(self.kept.movie_ids)


@contextmanager
def opened(job: Job, on_dask: OnDask) -> Iterator[Sharded]:
    """Connect to the workers, and read what a partition says; make one where none is named.

    Raises `ClusterError`, `DatasetError`, and `TrainingError` where the database does not fit.
    """
    shards = on_dask.shards
    if shards is None and not on_dask.address.startswith("local:"):
        raise TrainingError(
            f"the workers of {on_dask.address} need shards that they can read: write them to a "
            "folder or an address that all reach with `recommender partition db TARGET`, and name "
            "it with --shards"
        )
    with connected(on_dask.address) as client:
        n_shards = SHARDS_PER_REPLICA * max(n_workers(client), 1)
        found = _of_database(job, n_shards) if shards is None else Partition.read(shards)
        material = _material(job, client, found, on_dask.distribution)
        # Of what it took to read the movies and the users that are held out.
        pa.default_memory_pool().release_unused()
        release_unused()
        yield material
    if shards is None:
        rmtree(found.url)


def _of_database(job: Job, n_shards: int) -> Partition:
    """Write the database's ratings as shards, or read those of the run that is resumed."""
    folder = job.settings.models_dir / SHARDS
    if job.checkpoints.resume is Resume.REQUIRED and (folder / PARTITION).exists():
        return Partition.read(str(folder))
    rmtree(folder, ignore_errors=True)
    return partition(job.database, job.settings, DATABASE, str(folder), n_shards)


def _material(job: Job, client: Client, found: Partition, distribution: Distribution) -> Sharded:
    movies = found.read_movies()
    totals = Totals(movies.likes, movies.dislikes, found.n_training_users, movies.ids)
    validation, gate = (
        found.held_out(group, movies.ids, seed=job.options.seed)
        for group in (Group.VALIDATION, Group.GATE)
    )
    if totals.n_ratings == 0 or gate.given.n_users < 2:
        raise TrainingError(f"{found.url} has too few users to train on and to judge by")
    with job.database.read() as connection:
        origin = _origin(connection, found, totals)
        _refuse_unknown(connection, found, movies)
    if found.like_threshold != job.settings.like_threshold:
        raise TrainingError(
            f"{found.url} has likes from {found.like_threshold:g} stars, and "
            f"RECOMMENDER_LIKE_THRESHOLD is {job.settings.like_threshold:g}: partition again"
        )
    whole = ShardedGroups(totals, validation, gate)
    return Sharded(client, found, distribution, origin, whole, totals)


def _origin(connection: Connection, found: Partition, totals: Totals) -> ShardsOrigin:
    """Say where the ratings come from; refuse those of a user who is erased since."""
    source, dataset = found.source, imported_dataset(connection)
    revision = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    if source.ratings_revision is not None:
        if source.sha256 != (dataset.sha256 if dataset else None):
            raise TrainingError(
                f"the data set was replaced since {found.url} was written: partition again"
            )
        if erased_since(connection, source.ratings_revision):
            raise TrainingError(
                f"a user was erased since {found.url} was written, which holds their ratings: "
                "partition again, and remove it"
            )
        revision = source.ratings_revision
    return ShardsOrigin(
        AllRatings(found.n_users, found.n_ratings, found.n_unknown, totals),
        dataset,
        source.name,
        source.sha256,
        found.salt,
        revision,
        datetime.fromisoformat(source.taken_at),
    )


def _refuse_unknown(connection: Connection, found: Partition, movies: Movies) -> None:
    """Refuse a partition with movies that the database has not."""
    there = set(catalogue_ids(connection).tolist())
    unknown = [place for place, movie in enumerate(movies.ids.tolist()) if movie not in there]
    if unknown:
        raise TrainingError(
            f"{len(unknown):,} of {len(movies.ids):,} movies of {found.url} are not in the "
            f"database, such as {movies.keys[unknown[0]]!r}: run `recommender import` first"
        )
