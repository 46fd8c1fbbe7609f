"""Fitting a chosen model again on training and validation users, with what these told before.

An RBM is finished before on the validation users (`model.finish`): its couplings' settings and its
calibration are kept when they are trained on themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model.by_ratings import ALL
from model.config import Config
from model.couplings import fit_couplings
from model.finish import GIVEN, L2S, STRENGTHS, as_finished, finish
from model.rbm import RBM
from model.selection import Part, criterion_of, mean_of, select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from data.interactions import Interactions
    from data.splitting import Split
    from model.evaluation import Scorer
    from model.selection import Family, Selection, Settings

__all__ = ["Chosen", "choose", "completed", "finish_all", "refitted"]


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


def choose(
    family: Family, split: Split, seed: int, on_fit: Callable[[], None] = lambda: None
) -> Chosen:
    """Try the settings on the validation users, then fit the best on these users as well.

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
    part = Part(split.training, {ALL: split.validation}, seed)
    selection = select(family, [part], on_fit)
    [tuned] = finish_all(selection, [part])
    tuning_seconds = time.perf_counter() - started
    started = time.perf_counter()
    settings = selection.best[ALL]
    model = refitted(family, settings, split.refit, seed, tuned)
    on_fit()
    tried = [(each, figures[ALL]) for each, figures in selection.tried]
    return Chosen(model, settings, tried, tuning_seconds, time.perf_counter() - started)


def finish_all(selection: Selection, parts: Sequence[Part]) -> list[Scorer]:
    """Return the tuned models with what only validation users can tell, see `model.finish`.

    The couplings of an RBM are chosen on the validation users of all parts together.

    Parameters
    ----------
    selection : Selection
        On these parts.
    parts : sequence of Part

    Returns
    -------
    list of Scorer
        One for each part; empty where the family keeps none.
    """
    machines = [model for model in selection.tuned if isinstance(model, RBM)]
    if not machines:
        return selection.tuned
    config = Config(**selection.best[ALL])
    if len(parts) > 1 and not config.classic:
        config = _choose_couplings(machines, parts, config)
    return [
        finish(rbm, part.training, part.validation[ALL], config)
        for rbm, part in zip(machines, parts, strict=True)
    ]


def refitted(
    family: Family, settings: Settings, training: Interactions, seed: int, tuned: Scorer | None
) -> Scorer:
    """Fit on the validation users too, with what these told before of the tuned model.

    An RBM keeps the couplings' settings and the calibration.
    """
    model = family.fit(training, completed(settings, tuned), seed)
    if isinstance(model, RBM) and isinstance(tuned, RBM):
        return replace(model, calibration=tuned.calibration)
    return model


def completed(settings: Settings, tuned: Scorer | None) -> Settings:
    """Return the settings of an RBM with those of the couplings of the tuned one."""
    if not isinstance(tuned, RBM):
        return settings
    return as_finished(Config(**settings), tuned).model_dump()


def _choose_couplings(machines: Sequence[RBM], parts: Sequence[Part], config: Config) -> Config:
    """Return the configuration with the couplings of the largest NDCG@100 at few ratings and all.

    As `model.finish` chooses on one split; strength 0 is the first and wins where all are equal.
    """
    best: tuple[float, Config] | None = None
    for l2 in L2S if config.coupling_l2 is None else (config.coupling_l2,):
        fitted = [
            fit_couplings(part.training, 1.0, l2, config.coupling_neighbours) for part in parts
        ]
        known = config.coupling_strength
        for strength in STRENGTHS if known is None else (known,):
            coupled = [
                replace(rbm, couplings=own.of_strength(strength) if strength else None)
                for rbm, own in zip(machines, fitted, strict=True)
            ]
            figure = sum(
                mean_of(
                    [
                        criterion_of(rbm, part.validation[n], "ndcg@100")
                        for rbm, part in zip(coupled, parts, strict=True)
                    ]
                )
                for n in (str(GIVEN), ALL)
                if n in parts[0].validation
            )
            if best is None or figure > best[0]:
                update = {"coupling_strength": strength, "coupling_l2": l2}
                best = figure, config.model_copy(update=update)
    return best[1] if best else config
