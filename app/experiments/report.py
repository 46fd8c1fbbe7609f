"""How the arms of an experiment do, from the counts of their users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.experiments.repository import Count
from app.experiments.schemas import (
    ArmFigures,
    ArmLook,
    Bounds,
    ExperimentDetail,
    ExperimentReport,
    Look,
    Verdict,
)
from model.sequential import (
    Interval,
    Outcomes,
    interval_of_difference,
    interval_of_rate,
    shares_differ,
)

# A long experiment is shown at so many moments.
MAX_LOOKS = 100
# Probability of a false alarm about the division of the users.
MISMATCH_ALPHA = 0.01


class Decision(NamedTuple):
    """What is known of an arm beside the control, and since when."""

    verdict: Verdict
    at: datetime | None


def report(experiment: ExperimentDetail, counts: Sequence[Count], at: datetime) -> ExperimentReport:
    """Judge all arms but shadows; each is compared with the control, the first one."""
    arms = [arm for arm in experiment.definition.arms if not arm.shadow]
    names = [arm.name for arm in arms]
    over = _by_day(names, [count for count in counts if count.is_over])
    users = _by_day(names, counts)[:, -1, 0].tolist()
    decisions = [None, *(_decision(experiment, over, i, at) for i in range(1, len(arms)))]
    figures = [
        ArmFigures(
            **dict(look),
            share=arm.share,
            waiting=shown - look.users,
            verdict=decision.verdict if decision else None,
            decided_at=decision.at if decision else None,
        )
        for arm, look, shown, decision in zip(
            arms, _arms(experiment, over[:, -1]), users, decisions, strict=True
        )
    ]
    return ExperimentReport(
        experiment=experiment,
        at=at,
        arms=figures,
        looks=_looks(experiment, over, at),
        mismatch=shares_differ(users, [arm.share for arm in arms], MISMATCH_ALPHA),
    )


def _by_day(names: Sequence[str], counts: Sequence[Count]) -> NDArray[np.int64]:
    """Return the users and successes of the arms before each day, and of all days at the end."""
    n_days = max((count.day for count in counts), default=0) + 1
    totals = np.zeros((len(names), n_days + 1, 2), dtype=np.int64)
    for count in counts:
        if count.arm in names:
            totals[names.index(count.arm), count.day + 1] += (count.users, count.successes)
    return totals.cumsum(axis=1)


def _decision(
    experiment: ExperimentDetail, over: NDArray[np.int64], arm: int, at: datetime
) -> Decision:
    """Return what the first interval that leaves 0 out says; it holds, whatever comes later."""
    begin = experiment.begun_at + timedelta(days=experiment.definition.days)
    for day in range(1, over.shape[1]):
        control, other = Outcomes(*over[0, day].tolist()), Outcomes(*over[arm, day].tolist())
        interval = interval_of_difference(control, other, _alpha(experiment))
        if interval and not interval.low <= 0 <= interval.high:
            verdict = Verdict.BETTER if interval.low > 0 else Verdict.WORSE
            return Decision(verdict, min(begin + timedelta(days=day), at))
    return Decision(Verdict.UNDECIDED, None)


def _alpha(experiment: ExperimentDetail) -> float:
    """Divide the probability of a false alarm among the comparisons."""
    answering = [arm for arm in experiment.definition.arms if not arm.shadow]
    return experiment.definition.alpha / max(len(answering) - 1, 1)


def _looks(experiment: ExperimentDetail, over: NDArray[np.int64], at: datetime) -> list[Look]:
    """Return what was known at the end of each day, when the time of a day's users was over."""
    waits = timedelta(days=experiment.definition.days)
    last = (min(at, (experiment.ended_at or at) + waits) - experiment.begun_at - waits).days
    days = sorted(range(last, 0, -max(-(-last // MAX_LOOKS), 1)))
    return [
        Look(
            at=experiment.begun_at + waits + timedelta(days=day),
            arms=_arms(experiment, over[:, min(day, over.shape[1] - 1)]),
        )
        for day in days
    ]


def _arms(experiment: ExperimentDetail, totals: NDArray[np.int64]) -> list[ArmLook]:
    """Compare the arms with the control."""
    definition = experiment.definition
    arms = [arm.name for arm in definition.arms if not arm.shadow]
    control, *others = outcomes = [Outcomes(*row) for row in totals.tolist()]
    alpha = _alpha(experiment)
    intervals = [None, *(interval_of_difference(control, arm, alpha) for arm in others)]
    differences = [None, *(_difference(control, arm) for arm in others)]
    return [
        ArmLook(
            name=name,
            users=arm.users,
            successes=arm.successes,
            rate=arm.rate if arm.users else None,
            rate_interval=_bounds(interval_of_rate(arm, definition.alpha)),
            difference=difference,
            interval=_bounds(interval),
        )
        for name, arm, difference, interval in zip(
            arms, outcomes, differences, intervals, strict=True
        )
    ]


def _difference(control: Outcomes, arm: Outcomes) -> float | None:
    return arm.rate - control.rate if arm.users and control.users else None


def _bounds(interval: Interval | None) -> Bounds | None:
    return Bounds(low=interval.low, high=interval.high) if interval else None
