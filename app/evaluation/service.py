"""Judges models on a data set, or a published model on the users that no training saw."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from app.config import Settings
from app.database import Database
from app.datasets.snapshot import read_snapshot
from app.models import repository as models
from app.models.service import UnknownModelError
from data.interactions import Interactions
from data.movielens import load
from data.temporal import TimeSlices, slice_by_time
from model import artifact
from model.comparison import compare
from model.published import judge_published

DATABASE = "db"
Progress = Callable[[str, int, int], None]


class EvaluationError(ValueError):
    """The question cannot be answered; the message says why."""


def compare_models(
    settings: Settings,
    source: str,
    *,
    protocol: str = "strong",
    n_seeds: int = 1,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare the RBM with its baselines on a data set, or on what is in the database."""
    if source == DATABASE:
        interactions, dataset = _from_database(settings, protocol)
    else:
        interactions, dataset = _from_release(settings, source, protocol)
    dataset["like_threshold"] = settings.like_threshold
    return compare(
        interactions, seeds=range(n_seeds), models=names, dataset=dataset, progress=progress
    )


def judge_version(database: Database, settings: Settings, version: str) -> dict[str, Any]:
    """Judge a published model on its gate users, with the ratings of today."""
    with database.read() as connection:
        if not models.exists(connection, version):
            raise UnknownModelError(version)
        sha256 = models.checksum(connection, version)
    published = artifact.load(settings.models_dir / version, sha256=sha256)
    snapshot = read_snapshot(database, settings.like_threshold)
    return judge_published(
        published.rbm, published.card, snapshot.interactions, salt=snapshot.holdout_salt
    )


def _from_database(settings: Settings, protocol: str) -> tuple[Interactions, dict[str, Any]]:
    if protocol != "strong":
        raise EvaluationError(
            "the temporal protocol needs the times of a data set: name a release or a path"
        )
    database = Database(settings.database_url)
    try:
        snapshot = read_snapshot(database, settings.like_threshold)
    finally:
        database.dispose()
    name = snapshot.dataset.name if snapshot.dataset else "database"
    return snapshot.interactions, {"name": name, "revision": snapshot.ratings_revision}


def _from_release(
    settings: Settings, source: str, protocol: str
) -> tuple[Interactions | TimeSlices, dict[str, Any]]:
    release = load(
        source, datasets_dir=settings.datasets_dir, datasets_url=str(settings.datasets_url)
    )
    ratings = release.ratings
    columns = (
        ratings["user"].to_numpy(),
        ratings["movie_id"].to_numpy(dtype=np.int64),
        ratings["stars"].to_numpy() >= settings.like_threshold,
    )
    dataset = {"name": release.name, "sha256": release.sha256}
    if protocol == "temporal":
        return slice_by_time(*columns, ratings["rated_at"].to_numpy()), dataset
    return Interactions.from_arrays(*columns), dataset
