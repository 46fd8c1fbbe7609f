"""What a training is made from: ratings in memory, or in shards on Dask's workers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core import tracing
from app.datasets.repository import ImportedDataset
from app.datasets.snapshot import Snapshot, read_snapshot
from app.jobs.job import Job
from app.training.hyper_parameters import OnTrial, search_configuration
from app.training.split import leave_out_rare, split_users
from data.splitting import HeldOut, Split
from data.totals import Totals
from model.config import Config
from model.finish import finish
from model.rbm import RBM
from model.training import Trainer


@dataclass(frozen=True, slots=True, eq=False)
class AllRatings:
    """What is known of all ratings where those of training users alone are counted by movie."""

    n_users: int
    n_ratings: int
    n_unknown: int  # ratings of movies that no training user rated
    training: Totals

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """The movies that training users rated."""
        return self.training.movie_ids


@dataclass(frozen=True, slots=True, eq=False)
class ShardsOrigin:
    """The origin of the ratings in a partition."""

    interactions: AllRatings
    dataset: ImportedDataset | None
    dataset_name: str
    dataset_sha256: str | None
    holdout_salt: str
    ratings_revision: int
    taken_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class ShardedGroups:
    """Totals of the users to train on, and the users that are held out."""

    training: Totals
    validation: HeldOut
    test: HeldOut


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """All ratings of the database in memory."""

    origin: Snapshot
    whole: Split
    split: Split

    @classmethod
    def read(cls, job: Job) -> InMemory:
        """Read and split the ratings; raises `TrainingError` where there are too few."""
        with tracing.step("snapshot"):
            snapshot = read_snapshot(job.database, job.settings.like_threshold)
        with tracing.step("split"):
            split = split_users(snapshot, job.options.seed)
        return cls(snapshot, split, split)

    def of_rated(self, min_ratings: int) -> InMemory:
        """Leave out movies with fewer ratings; raises `TrainingError` where none is left."""
        return replace(self, split=leave_out_rare(self.whole, min_ratings))

    @property
    def n_movies(self) -> int:
        """Number of movies to train on."""
        return self.split.training.n_movies

    def searched(self, seed: int, on_trial: OnTrial) -> Config:
        """Search hyper-parameters on the validation users."""
        return search_configuration(self.split, seed=seed, on_trial=on_trial)

    def trainer(self, config: Config, seed: int, start: RBM | None) -> Trainer:
        """Return what trains on them."""
        split = self.split
        return Trainer(split.training, config, seed=seed, validation=split.validation, start=start)

    def finish(self, trainer: Any) -> RBM:
        """Return the finished machine."""
        split = self.split
        return finish(trainer.rbm(), split.training, split.validation, trainer.config)


Origin: TypeAlias = Snapshot | ShardsOrigin
Groups: TypeAlias = Split | ShardedGroups

if TYPE_CHECKING:
    from app.training.sharded import Sharded

    Material: TypeAlias = InMemory | Sharded
