"""The hyper-parameters of a training: given, taken from a model, or searched."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.jobs.errors import TrainingError
from app.jobs.schemas import first_problem
from data.interactions import Interactions
from data.splitting import Split
from data.totals import Totals
from model.candidates import families
from model.config import Config
from model.initialise import warm_config
from model.selection import search

OnTrial = Callable[[int, int], None]  # settings tried, of so many

# What a warm start takes from its model; the schedule follows the data.
KEPT = ("n_hidden", "classic", "l2", "min_ratings")


def configure(
    training: Interactions | Totals,
    changes: Mapping[str, Any],
    earlier: Mapping[str, Any] | None = None,
) -> Config:
    """Take the hyper-parameters that suit the data, and apply `changes`.

    `earlier` is the configuration of the model of a warm start, which trains for fewer epochs.
    """
    usual = Config.for_users(training.n_users)
    if earlier is not None:
        kept = {name: earlier[name] for name in KEPT if name in earlier}
        usual = warm_config(usual.model_copy(update=kept))
    try:
        return Config(**{**usual.model_dump(), **changes})
    except ValidationError as error:
        raise TrainingError(first_problem(error)) from error


def search_configuration(split: Split, *, seed: int, on_trial: OnTrial) -> Config:
    """Search hyper-parameters on the validation users, where there are enough of these.

    `on_trial` is called with trials done and trials in all, before the first one too.
    """
    family = families(split.training)["rbm"]
    n_trials = family.n_fits - 1
    if n_trials == 1:
        return configure(split.training, {})
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        on_trial(done, n_trials)

    on_trial(done, n_trials)
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
