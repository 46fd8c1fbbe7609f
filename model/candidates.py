"""The models of the comparison by name, and the settings that are tried for each.

The settings are tried in stages: the best of a stage is kept while the next one is tried, so that
ten fits do where a full grid needs forty. Every stage is judged on the validation users.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from data.splitting import validation_users
from model.baselines import EASE, IALS, Bias, ItemKNN, Popularity
from model.calibration import calibrate
from model.config import Config
from model.evaluation import Scorer, figures, measure
from model.rbm import RBM, Calibration
from model.training import train

if TYPE_CHECKING:
    from data.interactions import Interactions
    from data.splitting import HeldOut, Split

__all__ = ["NAMES", "SEARCHED", "Chosen", "Family", "choose", "families", "search", "train_best"]

NAMES = ("popularity", "bias", "item-knn", "ease", "ials", "classic-rbm", "rbm")

# Training users among whom the settings of the RBM are searched. With fewer, validation users
# cannot tell such settings apart and the rule of `Config.for_data` does better; with more, the
# search would take hours: `model.tuning` is for that.
SEARCHED = range(1_500, 25_001)
# The rule knows the number of users, not how much of what they rate is taste and how much chance:
# at 5,000 users, data of equal size differed fivefold in the decay that suited them.
DECAYS = (1.0, 0.6, 1.6, 2.5, 4.0)

Settings = Mapping[str, Any]
# To lay over the best settings so far, or what makes that of them.
Alternative = Settings | Callable[[Settings], Settings]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model and the settings to try.

    Parameters
    ----------
    name : str
    fit : callable
        (interactions, settings, seed) -> Scorer.
    stages : tuple of tuple of mappings or functions
        Alternatives, each laid over the best settings of the stages before; a function makes what
        is laid over them of these settings.
    criterion : str
        The figure that decides: ``ndcg@100``, largest, or ``log_loss``, smallest.
    """

    name: str
    fit: Callable[[Interactions, Settings, int], Scorer]
    stages: tuple[tuple[Alternative, ...], ...]
    criterion: str = "ndcg@100"

    @property
    def n_fits(self) -> int:
        """Number of fits at most, the last one on training and validation included."""
        return sum(len(stage) for stage in self.stages) + 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best settings of a family, fitted on training and validation users.

    Parameters
    ----------
    model : Scorer
    settings : mapping
    tried : list
        (settings, validation figure) of every fit.
    tuning_seconds, fit_seconds : float
        Wall time of all fits before the last, and of the last.
    """

    model: Scorer
    settings: Settings
    tried: list[tuple[Settings, float]]
    tuning_seconds: float
    fit_seconds: float


def families(training: Interactions, config: Config | None = None) -> dict[str, Family]:
    """Every model of the comparison by name.

    Parameters
    ----------
    training : Interactions
        Decides the size of the RBM.
    config : Config, optional
        Settings of ``rbm``; default: ``Config.for_data(training)``, and what is near it where
        there are users enough to tell the difference.
    """
    rbm = config or Config.for_data(training)
    searched = config is None and training.n_users in SEARCHED
    dislikes = _grid(dislikes=(False, True))
    known = (
        Family("rbm", _fit_rbm, _near(rbm) if searched else ((rbm.model_dump(),),)),
        Family("classic-rbm", _fit_rbm, _classic(rbm)),
        Family(
            "ease",
            lambda x, settings, _: EASE.fit(x, **settings),
            (_grid(l2=(30, 100, 200, 300, 500, 1000, 3000), dislikes=(False, True)),),
        ),
        Family(
            "ials",
            lambda x, settings, seed: IALS.fit(x, seed=seed, **settings),
            (
                _grid(
                    unobserved=(0.03, 0.1, 0.3), l2=(0.001, 0.003, 0.01), dimension=64,
                    exponent=1.0, dislikes=False,
                ),
                dislikes,
                _grid(dimension=(32, 128)),
            ),
        ),
        Family(
            "item-knn",
            lambda x, settings, _: ItemKNN.fit(x, **settings),
            (
                _grid(
                    neighbours=(50, 100, 200, 400, 800), shrinkage=(0, 10, 30, 100), dislikes=False
                ),
                dislikes,
            ),
        ),
        Family("popularity", lambda x, _, __: Popularity.fit(x), (({},),)),
        Family(
            "bias",
            lambda x, settings, _: Bias.fit(x, **settings),
            (_grid(movie_damping=(1, 3, 5, 10, 25), user_damping=(1, 3, 5, 10, 25)),),
            criterion="log_loss",
        ),
    )  # fmt: skip
    return {family.name: family for family in known}


def choose(
    family: Family, split: Split, seed: int, on_fit: Callable[[], None] = lambda: None
) -> Chosen:
    """Try the settings on the validation users, then fit the best on these users as well.

    The calibration of an RBM is fitted on the validation users while they are still unknown to
    it, and kept for the last fit.

    Parameters
    ----------
    family : Family
    split : Split
    seed : int
        Of whatever is random in a fit.
    on_fit : callable
        Called after each fit.
    """
    started = time.perf_counter()
    settings, tuned, tried = search(family, split.training, split.validation, seed, on_fit)
    calibration = _calibration(tuned, split.validation)
    tuning_seconds = time.perf_counter() - started
    started = time.perf_counter()
    model = family.fit(split.refit, settings, seed)
    if isinstance(model, RBM) and calibration is not None:
        model = replace(model, calibration=calibration)
    on_fit()
    return Chosen(model, settings, tried, tuning_seconds, time.perf_counter() - started)


def search(
    family: Family,
    training: Interactions,
    validation: HeldOut,
    seed: int,
    on_fit: Callable[[], None] = lambda: None,
) -> tuple[Settings, Scorer, list[tuple[Settings, float]]]:
    """Try the settings of a family on validation users, stage by stage.

    Parameters
    ----------
    family : Family
    training : Interactions
    validation : HeldOut
    seed : int
        Of whatever is random in a fit.
    on_fit : callable
        Called after each fit, and for each that need not be done twice.

    Returns
    -------
    settings : mapping
        The best.
    model : Scorer
        Fitted with them on `training`.
    tried : list
        (settings, validation figure) of every fit.
    """
    tried: list[tuple[Settings, float]] = []
    sign = -1 if family.criterion == "log_loss" else 1
    best: tuple[float, Settings, Scorer] | None = None
    for stage in family.stages:
        base: Settings = best[1] if best else {}
        for alternative in stage:
            settings = {**base, **(alternative(base) if callable(alternative) else alternative)}
            if all(settings != other for other, _ in tried):
                model = family.fit(training, settings, seed)
                score = _score(model, validation, family.criterion)
                tried.append((settings, score))
                if best is None or sign * score > best[0]:
                    best = (sign * score, settings, model)
            on_fit()
    if best is None:
        raise ValueError(f"{family.name} has no settings to try")
    return best[1], best[2], tried


def train_best(interactions: Interactions, *, seed: int = 0) -> RBM:
    """Choose the settings of an RBM on a tenth of the users, then train it on all of them.

    Parameters
    ----------
    interactions : Interactions
    seed : int
        Of the users held out for the choice and of the trainings.
    """
    training, validation = validation_users(interactions, seed=seed)
    settings, tuned, _ = search(families(training)["rbm"], training, validation, seed)
    calibration = _calibration(tuned, validation)
    rbm = train(interactions, Config(**settings), seed=seed)
    return replace(rbm, calibration=calibration or rbm.calibration)


def _score(model: Scorer, validation: HeldOut, criterion: str) -> float:
    return figures(measure(model, validation))[criterion].mean


def _calibration(model: Scorer, validation: HeldOut) -> Calibration | None:
    return calibrate(model, validation).calibration if isinstance(model, RBM) else None


def _fit_rbm(interactions: Interactions, settings: Settings, seed: int) -> Scorer:
    return train(interactions, Config(**settings), seed=seed)


def _near(rule: Config) -> tuple[tuple[Alternative, ...], ...]:
    """Try other decays, then a larger machine that is trained for longer and held tighter."""
    decays = tuple({**rule.model_dump(), "l2": factor * rule.l2} for factor in DECAYS)
    return decays, (_larger,)


def _larger(settings: Settings) -> Settings:
    return {
        "n_hidden": round(1.6 * settings["n_hidden"]),
        "n_epochs": round(1.5 * settings["n_epochs"]),
        "batch_size": max(round(0.6 * settings["batch_size"]), 1),
        "l2": 1.6 * settings["l2"],
    }


def _classic(rbm: Config) -> tuple[tuple[Alternative, ...], ...]:
    """Try other decays, then fewer hidden units: without unseen units there is less to learn."""
    base = {**rbm.model_dump(), "classic": True}
    first = tuple({**base, "l2": factor * rbm.l2} for factor in (0.1, 1.0, 10.0))
    return first, _grid(n_hidden=(max(rbm.n_hidden // 6, 1),))


def _grid(**values: Any) -> tuple[Alternative, ...]:
    """Every combination of the values; what is no tuple is the same in all."""
    columns = [value if isinstance(value, tuple) else (value,) for value in values.values()]
    return tuple(dict(zip(values, row, strict=True)) for row in product(*columns))
