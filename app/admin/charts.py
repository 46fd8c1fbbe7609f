"""Intervals over time as inline SVG: positions are computed here, `charts.html` draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.core.scales import Scale, ticks
from app.experiments.schemas import Look
from app.registry.schemas import ModelSummary

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 24
TREND_WIDTH, TREND_HEIGHT, TREND_MARGIN = 200, 44, 6
TREND_MODELS = 30  # the newest
TIMES_LAST = 3  # what is shown at most, in ends of the last interval


class Bar(NamedTuple):
    """A share with its interval on a line, in percent of its length."""

    low: float
    share: float
    width: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The difference of an arm from the control over time, drawn."""

    arm: str
    points: Sequence[tuple[float, float]]
    band: str  # the interval, as the points of a polygon
    marks: Sequence[tuple[float, float]]  # difference and its height
    dates: Sequence[tuple[datetime, float]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT

    @property
    def line(self) -> str:
        """The points of the line."""
        return _points(self.points)


def difference_chart(looks: Sequence[Look], arm: str) -> Chart | None:
    """Draw the looks at an arm that have an interval; None before there is one."""
    found = [
        (look.at, each.difference, each.interval)
        for look in looks
        for each in look.arms
        if each.name == arm and each.difference is not None and each.interval is not None
    ]
    if not found:
        return None
    heights = [0.0, *(y for _, _, bounds in found for y in (bounds.low, bounds.high))]
    # The first intervals are so wide that nothing would be seen of the last one.
    limit = TIMES_LAST * max(abs(found[-1][2].low), abs(found[-1][2].high))
    marks = ticks(max(min(heights), -limit), min(max(heights), limit))
    begin, end = (found[place][0].timestamp() for place in (0, -1))
    x = Scale(begin, max(end, begin + 1), LEFT, WIDTH - RIGHT)
    scale = Scale(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)

    def y(value: float) -> float:
        return scale(min(max(value, marks[0]), marks[-1]))

    places = [x(at.timestamp()) for at, _, _ in found]
    above = [(place, y(bounds.high)) for place, (_, _, bounds) in zip(places, found, strict=True)]
    beneath = [(place, y(bounds.low)) for place, (_, _, bounds) in zip(places, found, strict=True)]
    return Chart(
        arm=arm,
        points=[(place, y(value)) for place, (_, value, _) in zip(places, found, strict=True)],
        band=_points([*above, *reversed(beneath)]),
        marks=[(mark, y(mark)) for mark in marks],
        dates=[(found[place][0], places[place]) for place in sorted({0, len(found) - 1})],
    )


@dataclass(frozen=True, slots=True)
class Trend:
    """NDCG@100 of past models in times that of popularity, the oldest first."""

    times: Sequence[float]
    line: str
    dot: tuple[float, float] | None  # the active model
    base: float  # the height of popularity
    width: int = TREND_WIDTH
    height: int = TREND_HEIGHT


def times_popularity(model: ModelSummary) -> float | None:
    """Return NDCG@100 of a model in times that of popularity."""
    own, popularity = model.ndcg_at_100, model.popularity_ndcg_at_100
    return own / popularity if own is not None and popularity else None


def trend_chart(models: Sequence[ModelSummary]) -> Trend | None:
    """Draw the models of this database, the newest first in the list; None for fewer than two."""
    found = [
        (times, model.active)
        for model in reversed(models)
        if model.trained_here and (times := times_popularity(model)) is not None
    ][-TREND_MODELS:]
    if len(found) < 2:
        return None
    values = [times for times, _ in found]
    x = Scale(0, len(found) - 1, TREND_MARGIN, TREND_WIDTH - TREND_MARGIN)
    low, high = min(1.0, *values), max(1.0, *values)
    y = Scale(low, max(high, low + 0.1), TREND_HEIGHT - TREND_MARGIN, TREND_MARGIN)
    points = [(x(place), y(value)) for place, value in enumerate(values)]
    dots = [point for point, (_, is_active) in zip(points, found, strict=True) if is_active]
    return Trend(values, _points(points), dots[0] if dots else None, y(1.0))


def bars(intervals: Iterable[tuple[float, float, float] | None]) -> list[Bar | None]:
    """Draw shares with low and high end on one scale from 0 to the highest."""
    known = list(intervals)
    top = max((each[2] for each in known if each), default=0.0) or 1.0
    return [
        Bar(100 * each[0] / top, 100 * each[1] / top, 100 * (each[2] - each[0]) / top)
        if each
        else None
        for each in known
    ]


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
