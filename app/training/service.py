"""Train on what is in the database, judge on users that were held out, publish."""

import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection

from app.database import Database
from app.datasets.repository import imported_dataset
from app.datasets.snapshot import Snapshot, read_snapshot
from app.evaluation.report import card_report, examples, features, read_titles
from app.models import repository as models
from app.models.service import UnknownModelError, publish
from app.training.running import Checkpoints, remove_checkpoints, run
from data.splitting import MIN_LIKES, Split, gate_share, split_by_salt
from model import artifact
from model.baselines import Popularity
from model.breakdown import popularity_groups, result
from model.calibration import calibrate
from model.config import Config
from model.evaluation import Scorer, measure
from model.rbm import RBM
from model.report import render
from model.start import warm_config
from model.training import EpochReport, Trainer

# The libraries that decide the weights to the last bit.
LIBRARIES = ("numpy", "scipy", "numba")


class TrainingError(Exception):
    """There is nothing to train on, or nobody to judge the result by."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A published model and how well it does."""

    version: str
    dataset: str
    n_gate_users: int
    results: list[dict[str, Any]]

    @property
    def ratio(self) -> float:
        """NDCG@100 of the RBM, in times that of popularity."""
        rbm, popularity = (row["metrics"]["ndcg@100"]["mean"] for row in self.results)
        return float(rbm / popularity) if popularity else float("inf")


def train_and_publish(
    database: Database,
    models_dir: Path,
    *,
    like_threshold: float,
    changes: Mapping[str, Any] | None = None,
    seed: int = 0,
    start: str | None = None,
    checkpoints: Checkpoints | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainingResult:
    """Train a model on the ratings in the database, judge it, publish and activate it.

    `changes` replace hyper-parameters of `Config.for_data`; one that is None changes nothing.
    `start` is the version of a published model to go on from, with a shorter schedule.
    Raises `TrainingError` where there are too few ratings, `TrainingStoppedError` after a signal,
    and what `Trainer` raises.
    """
    snapshot = read_snapshot(database, like_threshold)
    split = split_users(snapshot, seed)
    started = time.perf_counter()
    earlier = None if start is None else _load_model(database, models_dir, start)
    config = configure(split, changes or {}, earlier)
    trainer = Trainer(split.training, config, seed=seed, validation=split.validation, start=earlier)
    seconds_before = run(trainer, models_dir, checkpoints or Checkpoints(), on_epoch)
    rbm = calibrate(trainer.rbm(), split.validation)
    seconds = seconds_before + time.perf_counter() - started
    results = _judge(rbm, split)
    results[0]["fit_seconds"] = round(seconds, 2)
    card = {
        **_provenance(snapshot, split, seed, like_threshold),
        "start": start,
        "configuration": config.model_dump(),
        "curve": [_point(report) for report in trainer.curve],
        "results": results,
    }

    def draw(version: str) -> str:
        titles = read_titles(database)
        public = snapshot.dataset is not None and snapshot.dataset.is_public
        shown = examples(rbm, split.test, titles) if public else []
        report = card_report(card, version)
        return render({**report, "features": features(rbm, titles), "examples": shown})

    def unless(connection: Connection) -> None:
        if imported_dataset(connection) != snapshot.dataset:
            raise TrainingError("the data set was replaced during the training; train again")

    version = publish(database, models_dir, rbm, card, report=draw, unless=unless)
    remove_checkpoints(trainer, models_dir)
    return TrainingResult(version, _dataset_name(snapshot), split.test.given.n_users, results)


def _load_model(database: Database, models_dir: Path, version: str) -> RBM:
    with database.read() as connection:
        if not models.exists(connection, version):
            raise UnknownModelError(version)
        sha256 = models.checksum(connection, version)
    return artifact.load(models_dir / version, sha256=sha256).rbm


def configure(split: Split, changes: Mapping[str, Any], start: RBM | None = None) -> Config:
    """Take the hyper-parameters that suit the data, shorter from a `start`, and lay these over."""
    chosen = {name: value for name, value in changes.items() if value is not None}
    usual = Config.for_data(split.training)
    if start is not None:
        same = {"n_hidden": start.n_hidden, "classic": start.classic}
        usual = warm_config(usual.model_copy(update=same))
    try:
        return Config(**{**usual.model_dump(), **chosen})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise TrainingError(f"hyper-parameter {name}: {first['msg']}") from error


def read_configuration(path: Path) -> dict[str, Any]:
    """Read hyper-parameters by name from a JSON file, as `recommender tune` writes them."""
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TrainingError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise TrainingError(f"{path} holds no hyper-parameters by name")
    return values


def split_users(snapshot: Snapshot, seed: int) -> Split:
    """Split the users of a database as its published models are; refuse where they are too few."""
    if snapshot.interactions.n_ratings == 0:
        raise TrainingError("the database has no ratings: run `recommender import` first")
    split = split_by_salt(snapshot.interactions, snapshot.holdout_salt, seed=seed)
    if split.training.n_ratings == 0 or split.test.given.n_users < 2:
        raise TrainingError(
            f"{snapshot.interactions.n_users} users are too few: the model is judged on about "
            f"{gate_share(snapshot.interactions.n_users):.0%} of those with {MIN_LIKES} likes or "
            "more, and that must be at least 2 users"
        )
    return split


def _judge(rbm: RBM, split: Split) -> list[dict[str, Any]]:
    """Judge the model, and popularity beside it, on the gate users."""
    models: dict[str, Scorer] = {"rbm": rbm, "popularity": Popularity.fit(split.training)}
    groups = popularity_groups(split.training)
    hidden, n_films = groups[split.test.hidden.movie_rows], np.bincount(groups, minlength=3)
    return [
        result(name, measure(model, split.test), hidden, n_films) for name, model in models.items()
    ]


def _dataset_name(snapshot: Snapshot) -> str:
    return snapshot.dataset.name if snapshot.dataset else "ratings given through the service"


def _provenance(
    snapshot: Snapshot, split: Split, seed: int, like_threshold: float
) -> dict[str, Any]:
    """Say what the weights come from, so that a stranger can get the same."""
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": {
            "name": _dataset_name(snapshot),
            "sha256": snapshot.dataset.sha256 if snapshot.dataset else None,
        },
        "data": {
            "ratings_revision": snapshot.ratings_revision,
            "like_threshold": like_threshold,
            "n_users": snapshot.interactions.n_users,
            "n_ratings": snapshot.interactions.n_ratings,
            "n_movies": split.training.n_movies,
        },
        "holdout": {
            "rule": "blake2b(salt + user key) / 2**64: gate below share, validation below 2 share",
            "salt": snapshot.holdout_salt,
            "share": gate_share(snapshot.interactions.n_users),
            "min_likes": MIN_LIKES,
            "n_training_users": split.training.n_users,
            "n_validation_users": split.validation.given.n_users,
            "n_gate_users": split.test.given.n_users,
        },
        "seed": seed,
        "versions": {
            "recommender": installed_version("recommender"),
            "python": platform.python_version(),
            **{name: installed_version(name) for name in LIBRARIES},
        },
    }


def _point(report: EpochReport) -> dict[str, Any]:
    return {
        "epoch": report.epoch,
        "reconstruction_error": report.reconstruction_error,
        "validation_ndcg@100": report.validation_ndcg,
        "free_energy_gap": report.free_energy_gap,
        "seconds": round(report.seconds, 3),
    }
