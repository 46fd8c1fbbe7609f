"""A search for hyper-parameters on validation users that can be interrupted and resumed.

Trials are proposed by the tree-structured Parzen estimator [1]_ and stored in a file of SQLite: the
same call resumes where the last one ended. The first trial is ``Config.for_data``; the others lie
around it, within the factors below. No trial is cut short: the learning rates fall to 0 over all
epochs, and most of the gain comes with the last of them.

References
----------
.. [1] J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl. Algorithms for Hyper-Parameter Optimization.
       NIPS 2011.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna

from model.checkpoint import identity
from model.config import Config
from model.evaluation import judge
from model.training import DivergenceError, train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from data.splitting import Split

__all__ = ["TrialReport", "Tuned", "tune"]

# Each is searched on a logarithmic scale from the default divided by this factor to the default
# times it. The three learning rates are equal: searching them apart gained nothing.
FACTORS = {"n_hidden": 2.0, "n_epochs": 2.0, "batch_size": 2.0, "learning_rate": 3.0, "l2": 4.0}
RATES = ("learning_rate_weights", "learning_rate_visible", "learning_rate_hidden")
# These are searched on a linear scale, whatever the default.
RANGES = {
    "l2_popularity_exponent": (-0.8, 0.2),
    "averaged_share": (0.0, 0.6),
    "dislike_weight": (0.2, 1.2),
}
DONE = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class TrialReport:
    """Result of one trial.

    Parameters
    ----------
    done, total : int
        Trials, this one included.
    config : Config
    score : float or None
        Mean NDCG@100 of validation users; None where the training diverged.
    best : float or None
        Of all trials so far.
    """

    done: int
    total: int
    config: Config
    score: float | None
    best: float | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best configuration, its validation NDCG@100, and that of the default."""

    config: Config
    score: float
    default_score: float | None
    n_trials: int


def tune(
    splits: Sequence[Split],
    *,
    n_trials: int,
    storage: Path | None = None,
    base: Config | None = None,
    seed: int = 0,
    on_trial: Callable[[TrialReport], None] | None = None,
) -> Tuned:
    """Search hyper-parameters by NDCG@100 of the validation users; test users are not used.

    Parameters
    ----------
    splits : sequence of Split
        A trial's score is the mean over them; several splits reduce the noise.
    n_trials : int
        In all, those that `storage` holds of the same search included.
    storage : Path, optional
        File of SQLite, which may hold other searches; default: nothing is stored.
    base : Config, optional
        The first trial, which the others lie around; default: ``Config.for_data``.
    seed : int
        Of the trainings and of the search.
    on_trial : callable, optional
        Called after each trial.

    Raises
    ------
    ValueError
        There are no validation users, or every training diverged.
    """
    if not splits or any(split.validation.given.n_users == 0 for split in splits):
        raise ValueError("there are no validation users to tune by")
    base = base or Config.for_data(splits[0].training)
    study = _study(splits, base, storage, seed)

    def objective(trial: optuna.Trial) -> float:
        config = suggest(trial, base)
        try:
            return _score(splits, config, seed)
        except DivergenceError as error:
            raise optuna.TrialPruned(str(error)) from error

    def report(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if on_trial is not None:
            config, best = _config(base, trial.params), _best(study)
            value = None if best is None else best.value
            on_trial(TrialReport(_n_done(study), n_trials, config, trial.value, value))

    while _n_done(study) < n_trials:
        study.optimize(objective, n_trials=1, callbacks=[report])
    best = _best(study)
    if best is None or best.value is None:
        raise ValueError("every training diverged")
    default = [trial.value for trial in _complete(study) if trial.params == _centre(base)]
    return Tuned(
        _config(base, best.params), best.value, default[0] if default else None, _n_done(study)
    )


def suggest(trial: optuna.Trial, base: Config) -> Config:
    """Let the search propose a configuration near `base`."""
    params: dict[str, Any] = {}
    for name, middle in _middles(base).items():
        low, high = _bounds(name, middle)
        if isinstance(middle, int):
            params[name] = trial.suggest_int(name, int(low), int(high), log=True)
        else:
            params[name] = trial.suggest_float(name, low, high, log=True)
    for name, (low, high) in RANGES.items():
        params[name] = trial.suggest_float(name, low, high)
    return _config(base, params)


def _config(base: Config, params: Mapping[str, Any]) -> Config:
    values = dict(params)
    rate = values.pop("learning_rate")
    return Config(**{**base.model_dump(), **dict.fromkeys(RATES, rate), **values})


def _middles(base: Config) -> dict[str, Any]:
    return {
        name: base.learning_rate_weights if name == "learning_rate" else getattr(base, name)
        for name in FACTORS
    }


def _bounds(name: str, middle: float) -> tuple[float, float]:
    # Log scales end above 0: a default of none at all is searched near a tiny value.
    middle = max(middle, 1 if isinstance(middle, int) else 1e-6)
    low, high = middle / FACTORS[name], middle * FACTORS[name]
    return (max(round(low), 1), round(high)) if isinstance(middle, int) else (low, high)


def _centre(base: Config) -> dict[str, Any]:
    """Return the base configuration as the parameters of a trial."""
    ranges = {
        name: float(np.clip(getattr(base, name), low, high)) for name, (low, high) in RANGES.items()
    }
    return {**_middles(base), **ranges}


def _score(splits: Sequence[Split], config: Config, seed: int) -> float:
    means = []
    for split in splits:
        rbm = train(split.training, config, seed=seed)
        means.append(judge(rbm, split.validation)["ndcg@100"].mean())
    return float(np.mean(means))


def _study(splits: Sequence[Split], base: Config, storage: Path | None, seed: int) -> optuna.Study:
    """Open or create the search of these splits, this base and this seed."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if storage is not None:
        storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=_name(splits, base, seed),
        storage=None if storage is None else f"sqlite:///{storage}",
        direction="maximize",
        load_if_exists=True,
    )
    # Another seed after each resumption: the same one would propose the same trials again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    if not any(trial.params == _centre(base) for trial in study.trials if trial.state in DONE):
        study.enqueue_trial(_centre(base))
    return study


def _name(splits: Sequence[Split], base: Config, seed: int) -> str:
    said = [
        [identity(part, base, seed, None) for part in (split.training, split.validation.hidden)]
        for split in splits
    ]
    search = [said, FACTORS, RANGES]
    return hashlib.sha256(json.dumps(search, sort_keys=True).encode()).hexdigest()[:16]


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [
        trial
        for trial in study.trials
        if trial.state == optuna.trial.TrialState.COMPLETE
        and trial.value is not None
        and math.isfinite(trial.value)
    ]


def _best(study: optuna.Study) -> optuna.trial.FrozenTrial | None:
    """Return the trial with the largest value, the first of equals."""
    return max(_complete(study), key=lambda trial: trial.value or 0.0, default=None)


def _n_done(study: optuna.Study) -> int:
    return sum(trial.state in DONE for trial in study.trials)
