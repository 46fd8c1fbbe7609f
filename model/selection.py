"""Choosing the settings of a model on validation users, of one split or of several together.

The settings are tried in stages, each starting from the best of the ones before, so that ten fits
replace the forty of a full grid. A model may have its own settings for each number of given ratings
(`model.by_ratings`): every fit is judged at every number, and each number has its best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from model.by_ratings import ALL
from model.evaluation import Scorer, measure, prove_unseen
from model.metrics import log_loss
from model.rbm import RBM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut

__all__ = [
    "Family",
    "Part",
    "Selection",
    "criterion_of",
    "distinct",
    "mean_of",
    "search",
    "select",
]

Settings = Mapping[str, Any]
# Changes to the best settings so far, or a function that makes changes from them.
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
        Alternatives, each merged into the best settings of the stages before; a function makes an
        alternative from these settings.
    criterion : str
        The figure that decides: ``ndcg@100``, largest, or ``log_loss``, smallest.
    by_number : bool
        Whether the settings are chosen for each number of given ratings, or once for all.
    cost : int
        Time of one fit and its judgement, in ms on ml-latest-small; for the progress alone.
    """

    name: str
    fit: Callable[[Interactions, Settings, int], Scorer]
    stages: tuple[tuple[Alternative, ...], ...]
    criterion: str = "ndcg@100"
    by_number: bool = False
    cost: int = 1

    @property
    def n_fits(self) -> int:
        """Number of fits at most, the last one on training and validation included."""
        return self.most_fits(1)

    def most_fits(self, n_numbers: int) -> int:
        """Fits at most for each split, with settings for so many numbers of given ratings."""
        n = n_numbers if self.by_number else 1
        return len(self.stages[0]) + n * sum(map(len, self.stages[1:])) + n


@dataclass(frozen=True, slots=True)
class Part:
    """What one split has to choose settings by.

    Parameters
    ----------
    training : Interactions
    validation : mapping of str to HeldOut
        By the number of given ratings; `ALL` is among them.
    seed : int
        Of whatever is random in a fit.
    """

    training: Interactions
    validation: Mapping[str, HeldOut]
    seed: int


@dataclass(slots=True)
class Selection:
    """The settings that were tried, and the best.

    Parameters
    ----------
    tried : list
        (settings, figure by the number of given ratings) of every fit: means over the users of all
        splits.
    best : dict
        Best settings by the number of given ratings.
    tuned : list of Scorer
        Models with the best settings of `ALL`, one for each split.
    """

    tried: list[tuple[Settings, dict[str, float]]] = field(default_factory=list)
    best: dict[str, Settings] = field(default_factory=dict)
    tuned: list[Scorer] = field(default_factory=list)


def select(
    family: Family, parts: Sequence[Part], on_fit: Callable[[], None] = lambda: None
) -> Selection:
    """Try the settings of a family on the validation users of all parts together.

    Parameters
    ----------
    family : Family
    parts : sequence of Part
        With the same numbers of given ratings.
    on_fit : callable
        Called after each fit of `Family.most_fits` but the last ones, skipped or not.

    Returns
    -------
    Selection
    """
    numbers = list(parts[0].validation) if family.by_number else [ALL]
    chosen = Selection()
    for place, stage in enumerate(family.stages):
        bases = distinct(chosen.best.values()) or [{}]
        for settings in (_merged(base, step) for base in bases for step in stage):
            if any(settings == other for other, _ in chosen.tried):
                _repeat(on_fit, len(parts))
            else:
                _try(family, settings, parts, numbers, chosen, on_fit)
        skipped = (len(numbers) if place else 1) - len(bases)
        _repeat(on_fit, skipped * len(stage) * len(parts))
    if not chosen.tried:
        raise ValueError(f"{family.name} has no settings to try")
    return chosen


def search(
    family: Family,
    training: Interactions,
    validation: HeldOut,
    seed: int,
    on_fit: Callable[[], None] = lambda: None,
) -> tuple[Settings, Scorer, list[tuple[Settings, float]]]:
    """Try the settings of a family on the validation users of one split.

    Parameters
    ----------
    family : Family
    training : Interactions
    validation : HeldOut
    seed : int
        Of whatever is random in a fit.
    on_fit : callable
        Called after each fit, also where the fit is skipped as a repetition.

    Returns
    -------
    settings : mapping
        The best.
    model : Scorer
        Fitted with them on `training`.
    tried : list
        (settings, validation figure) of every fit.
    """
    selection = select(family, [Part(training, {ALL: validation}, seed)], on_fit)
    tried = [(settings, figures[ALL]) for settings, figures in selection.tried]
    return selection.best[ALL], selection.tuned[0], tried


def _try(
    family: Family,
    settings: Settings,
    parts: Sequence[Part],
    numbers: Sequence[str],
    chosen: Selection,
    on_fit: Callable[[], None],
) -> None:
    """Fit on every part, and note where the settings are the best so far."""
    models: list[Scorer] = []
    values: dict[str, list[NDArray[np.float64]]] = {n: [] for n in numbers}
    for part in parts:
        model = family.fit(part.training, settings, part.seed)
        for n in numbers:
            values[n].append(criterion_of(model, part.validation[n], family.criterion))
        if len(parts) == 1 or isinstance(model, RBM):  # matrices of the others may fill the memory
            models.append(model)
        on_fit()
    figures = {n: mean_of(values[n]) for n in numbers}
    for n in numbers:
        earlier = [_signed(family, other[n]) for _, other in chosen.tried]
        if not earlier or _signed(family, figures[n]) > max(earlier):
            chosen.best[n] = settings
            if n == ALL:
                chosen.tuned = models
    chosen.tried.append((settings, figures))


def criterion_of(model: Scorer, held_out: HeldOut, criterion: str) -> NDArray[np.float64]:
    """Return the criterion of each user, or of each hidden rating where it is the log-loss."""
    if criterion != "log_loss":
        return measure(model, held_out).per_user[criterion]
    prove_unseen(held_out.given, held_out.hidden)
    losses = [np.empty(0)]
    for row in range(held_out.given.n_users):  # no ranking, which takes most of the time
        movies, liked = held_out.hidden.user(row)
        _, probability = model.score_user(*held_out.given.user(row))
        if probability is None:
            raise ValueError("the settings of a model without P(like | seen) have no log-loss")
        losses.append(log_loss(probability[movies], liked))
    return np.concatenate(losses)


def mean_of(values: Sequence[NDArray[np.float64]]) -> float:
    """Mean over the users, or ratings, of all parts together; not a number without any."""
    together = np.concatenate(values)
    return float(together.mean()) if len(together) else float("nan")


def _signed(family: Family, figure: float) -> float:
    """Return the figure so that larger is better; none at all is the worst."""
    worst = np.isnan(figure)
    return -np.inf if worst else -figure if family.criterion == "log_loss" else figure


def _merged(base: Settings, step: Alternative) -> Settings:
    return {**base, **(step(base) if callable(step) else step)}


def distinct(settings: Iterable[Settings]) -> list[Settings]:
    """Each of the settings once, in the order of first appearance."""
    unique: list[Settings] = []
    for each in settings:
        if each not in unique:
            unique.append(each)
    return unique


def _repeat(on_fit: Callable[[], None], times: int) -> None:
    for _ in range(times):
        on_fit()
