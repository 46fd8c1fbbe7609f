"""The models of the comparison by name, and the settings that are tried for each."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, cast

from data.splitting import validation_users
from model.baselines import EASE, IALS, Bias, ItemKNN, Popularity
from model.by_ratings import ALL
from model.config import Config
from model.refit import finish_all, refitted
from model.selection import Family, Part, select
from model.training import train

if TYPE_CHECKING:
    from data.interactions import Interactions
    from model.evaluation import Scorer
    from model.rbm import RBM
    from model.selection import Alternative, Settings

__all__ = ["NAMES", "SEARCHED", "families", "train_best"]

NAMES = ("popularity", "bias", "item-knn", "ease", "ials", "classic-rbm", "rbm")

# Training users among whom the settings of the RBM are searched. With fewer, validation users
# cannot tell such settings apart and the rule of `Config.for_data` does better; with more, the
# search would take hours: `model.tuning` is for that.
SEARCHED = range(1_500, 25_001)
# The rule depends on the number of users, not on the noise in their ratings: at 5,000 users, the
# best decay of data sets of equal size differed fivefold.
DECAYS = (1.0, 0.6, 1.6, 2.5, 4.0)


def families(training: Interactions, config: Config | None = None) -> dict[str, Family]:
    """Every model of the comparison by name.

    Parameters
    ----------
    training : Interactions
        Decides the size of the RBM.
    config : Config, optional
        Settings of ``rbm``; default: ``Config.for_data(training)``, and settings near it where
        there are enough users to tell the difference.
    """
    rbm = config or Config.for_data(training)
    searched = config is None and training.n_users in SEARCHED
    known = (
        Family("rbm", _fit_rbm, _near(rbm) if searched else ((rbm.model_dump(),),), cost=6000),
        Family("classic-rbm", _fit_rbm, _classic(rbm), cost=4000),
        Family(
            "ease",
            lambda x, settings, _: EASE.fit(x, **settings),
            (_grid(l2=(30, 100, 200, 300, 500, 1000, 3000, 10_000), dislikes=(False, True)),),
            by_number=True,
            cost=700,
        ),
        Family(
            "ials",
            lambda x, settings, seed: IALS.fit(x, seed=seed, **settings),
            (
                _grid(
                    unobserved=(0.03, 0.1, 0.3), l2=(0.001, 0.003, 0.01, 0.03), dimension=64,
                    exponent=1.0, dislikes=False,
                ),
                ({"dislikes": True}, {"dimension": 32}, {"dimension": 128}),
            ),
            by_number=True,
            cost=1000,
        ),
        Family(
            "item-knn",
            lambda x, settings, _: ItemKNN.fit(x, **settings),
            (
                _grid(
                    neighbours=(50, 100, 200, 400, 800), shrinkage=(0, 10, 30, 100), dislikes=False
                ),
                ({"dislikes": True},),
            ),
            by_number=True,
            cost=500,
        ),
        Family("popularity", lambda x, _, __: Popularity.fit(x), (({},),), cost=200),
        Family(
            "bias",
            lambda x, settings, _: Bias.fit(x, **settings),
            (_grid(movie_damping=(1, 3, 5, 10, 25), user_damping=(1, 3, 5, 10, 25)),),
            criterion="log_loss",
            by_number=True,
            cost=200,
        ),
    )  # fmt: skip
    return {family.name: family for family in known}


def train_best(interactions: Interactions, *, seed: int = 0) -> RBM:
    """Choose the settings of an RBM on a tenth of the users, then train it on all of them.

    Parameters
    ----------
    interactions : Interactions
    seed : int
        Of the users held out for the choice and of the trainings.
    """
    training, validation = validation_users(interactions, seed=seed)
    family, part = families(training)["rbm"], Part(training, {ALL: validation}, seed)
    selection = select(family, [part])
    [tuned] = finish_all(selection, [part])
    return cast("RBM", refitted(family, selection.best[ALL], interactions, seed, tuned))


def _fit_rbm(interactions: Interactions, settings: Settings, seed: int) -> Scorer:
    return train(interactions, Config(**settings), seed=seed)


def _near(rule: Config) -> tuple[tuple[Alternative, ...], ...]:
    """Try other decays, then a larger machine, trained for longer with stronger decay."""
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
    """Every combination of the values; a value that is not a tuple is constant."""
    columns = [value if isinstance(value, tuple) else (value,) for value in values.values()]
    return tuple(dict(zip(values, row, strict=True)) for row in product(*columns))
