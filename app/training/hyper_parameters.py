"""What a training begins with: the split of the users and the hyper-parameters."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from app.datasets.snapshot import Snapshot
from app.jobs.schemas import first_problem
from data.interactions import Interactions
from data.splitting import MIN_LIKES, Split, gate_share, split_by_salt
from model.candidates import families, search
from model.config import Config
from model.initialise import warm_config

# What a warm start keeps of the machine that it goes on from; the schedule follows the data.
KEPT = ("n_hidden", "classic", "l2")


class TrainingError(Exception):
    """There is nothing to train on or to begin with, or nobody to judge the result by."""


def split_users(snapshot: Snapshot, seed: int) -> Split:
    """Split the users of a database as its published models are; refuse where they are too few."""
    if snapshot.interactions.n_ratings == 0:
        raise TrainingError("the database has no ratings: run `recommender import` first")
    split = split_by_salt(snapshot.interactions, snapshot.holdout_salt, seed=seed)
    if split.training.n_ratings == 0 or split.test.given.n_users < 2:
        raise TrainingError(_too_few(snapshot.interactions))
    return split


def _too_few(interactions: Interactions) -> str:
    n_users = interactions.n_users
    likes = np.bincount(interactions.user_rows[interactions.liked], minlength=n_users)
    n_able = int((likes >= MIN_LIKES).sum())
    if n_able == 0:
        return (
            f"none of {n_users} users has {MIN_LIKES} likes or more: there is nobody to judge the "
            "model by"
        )
    return (
        f"{n_users} users are too few, {n_able} of them with {MIN_LIKES} likes or more: the model "
        f"is judged on about {gate_share(n_users):.0%} of these, and that must be at least 2 users"
    )


def configure(
    split: Split, changes: Mapping[str, Any], start: Mapping[str, Any] | None = None
) -> Config:
    """Take the hyper-parameters that suit the data, and lay `changes` over them.

    `start` is the configuration of a machine to go on from, with a shorter schedule.
    """
    usual = Config.for_data(split.training)
    if start is not None:
        usual = warm_config(usual.model_copy(update={name: start[name] for name in KEPT}))
    try:
        return Config(**{**usual.model_dump(), **changes})
    except ValidationError as error:
        raise TrainingError(first_problem(error)) from error


def choose_settings(split: Split, *, seed: int, on_fit: Callable[[int, int], None]) -> Config:
    """Choose hyper-parameters on the validation users, where there are enough to tell.

    `on_fit` is called with trials done and trials in all, before the first one too.
    """
    family = families(split.training)["rbm"]
    n_trials = family.n_fits - 1
    if n_trials == 1:
        return configure(split, {})
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        on_fit(done, n_trials)

    on_fit(done, n_trials)
    settings, _, _ = search(family, split.training, split.validation, seed, count)
    return Config(**settings)


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
