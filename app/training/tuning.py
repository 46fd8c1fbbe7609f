"""Searches hyper-parameters for a data set, or for what is in the database."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.config import Settings
from app.datasets.snapshot import Snapshot, read_snapshot
from app.db.engine import Database
from app.training.hyper_parameters import configure
from app.training.split import split_users
from data.movielens import load
from data.splitting import strong_generalisation
from model.tuning import TrialReport, Tuned, tune

DATABASE = "db"


def search(
    settings: Settings,
    source: str,
    *,
    n_trials: int,
    n_splits: int,
    seed: int,
    storage: Path,
    changes: Mapping[str, Any] | None = None,
    on_trial: Callable[[TrialReport], None] | None = None,
) -> Tuned:
    """Search on the validation users: of a database, those that its published models have.

    The search begins with `Config.for_data`, changed by `changes`.

    Several splits of a database differ in the hidden ratings, those of a data set in the users.
    """
    seeds = range(seed, seed + n_splits)
    if source == DATABASE:
        snapshot = _snapshot(settings)
        splits = [split_users(snapshot, each) for each in seeds]
    else:
        release = load(
            source, datasets_dir=settings.datasets_dir, datasets_url=str(settings.datasets_url)
        )
        interactions = release.interactions(settings.like_threshold)
        splits = [strong_generalisation(interactions, seed=each) for each in seeds]
    base = configure(splits[0].training, changes or {})
    return tune(splits, n_trials=n_trials, storage=storage, base=base, seed=seed, on_trial=on_trial)


def _snapshot(settings: Settings) -> Snapshot:
    database = Database(settings.database_url)
    try:
        return read_snapshot(database, settings.like_threshold)
    finally:
        database.dispose()
