"""Inline SVG charts: scales and ticks are computed here, the macros of `charts.html.j2` draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from markupsafe import Markup

from app.core.scales import Scale, ticks
from app.evaluation.report.formatting import Estimate, clean
from app.evaluation.report.templates import environment

WIDTH = 280
ROW_HEIGHT = 22
# Width of a character at the charts' type size, on the wide side, to keep labels apart.
CHARACTER = 6.6
MAX_LABEL_LENGTH = 18
Z_95 = 1.959964  # half width of a 95 % interval in standard errors

# The model of the card among others; any other model; the model of the card where it is alone.
Tone = Literal["lead", "other", "own"]


class Caption(NamedTuple):
    """Name and description of a chart for screen readers; `key` is unique in the page."""

    key: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class DotRow:
    """One line of a dot-and-whisker chart."""

    label: str
    value: Estimate
    note: str = ""
    tone: Tone = "other"

    @property
    def short_label(self) -> str:
        """The label, cut to what fits."""
        text = clean(self.label)
        return text if len(text) <= MAX_LABEL_LENGTH else text[: MAX_LABEL_LENGTH - 1] + "…"

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval, cut at 0 for a metric that is not negative; None without a mean."""
        mean, se = self.value
        if mean is None:
            return None
        low, high = mean - Z_95 * (se or 0.0), mean + Z_95 * (se or 0.0)
        return (max(low, 0.0) if mean >= 0 else low), high


class ReliabilityBin(NamedTuple):
    """Ratings of about the same prediction."""

    predicted: float
    observed: float
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the observed share, normal approximation."""
        p = self.observed
        half = Z_95 * math.sqrt(p * (1 - p) / self.n) if self.n else 0.0
        return max(p - half, 0.0), min(p + half, 1.0)


class Line(NamedTuple):
    """Values of one model, one for each label of a chart."""

    tone: Tone
    values: Sequence[float | None]


def dot_chart(rows: Sequence[DotRow], caption: Caption) -> Markup:
    """Means as dots with their 95 % intervals as whiskers, one row each, values written beside."""
    intervals = [row.interval for row in rows if row.interval is not None]
    low = min((low for low, _ in intervals), default=0.0)
    high = max((high for _, high in intervals), default=1.0)
    # From 0, unless most would be empty; and without intervals a closer look would show only noise.
    near = low > high * 0.75 and any(row.value.se is not None for row in rows)
    marks = ticks(low if near or low < 0 else 0.0, high)
    left = 10 + CHARACTER * max(len(row.short_label) + len(row.note) for row in rows)
    x = Scale(marks[0], marks[-1], left, WIDTH - 48)
    return draw(
        "dot_chart", caption=caption, rows=rows, marks=marks, decimals=_decimals(marks), x=x,
        width=WIDTH, row_height=ROW_HEIGHT,
    )  # fmt: skip


def line_chart(points: Sequence[tuple[float, float | None]], caption: Caption) -> Markup:
    """Draw a curve over the epochs, its last value at its end; gaps where there is no value."""
    epochs = [epoch for epoch, _ in points]
    known = [y for _, y in points if y is not None]
    marks = ticks(min(known, default=0.0), max(known, default=1.0))
    x = Scale(min(epochs), max(*epochs, min(epochs) + 1), 44, WIDTH - 46)
    y = Scale(marks[0], marks[-1], 146, 10)
    return draw(
        "line_chart", caption=caption, pieces=_pieces(points), ends=sorted({epochs[0], epochs[-1]}),
        last=points[-1], marks=marks, decimals=_decimals(marks), x=x, y=y, width=WIDTH,
    )  # fmt: skip


def number_chart(
    labels: Sequence[str], lines: Sequence[Line], caption: Caption, *, unit: str
) -> Markup:
    """Draw a line for each model over labels at equal distances, its last value at its end."""
    known = [value for line in lines for value in line.values if value is not None]
    marks = ticks(min(known, default=0.0), max(known, default=1.0))
    x = Scale(0.0, max(len(labels) - 1.0, 1.0), 44, WIDTH - 46)
    y = Scale(marks[0], marks[-1], 146, 10)
    return draw(
        "number_chart", caption=caption, labels=labels, marks=marks, decimals=_decimals(marks),
        lines=[(line, _pieces(list(enumerate(line.values)))) for line in lines], x=x, y=y,
        unit=unit, width=WIDTH,
    )  # fmt: skip


def reliability_chart(bins: Sequence[ReliabilityBin], caption: Caption) -> Markup:
    """Observed share of likes over P(like | seen), with the ratings of each bin beneath."""
    width, left, bottom = 320, 40, 274
    x = Scale(0.0, 1.0, left, width - 14)
    y = Scale(0.0, 1.0, bottom, bottom - (width - 14 - left))
    return draw("reliability_chart", caption=caption, bins=bins, x=x, y=y, width=width)


def draw(macro: str, **values: Any) -> Markup:
    """Draw a chart by its macro."""
    drawn: Markup = getattr(environment().get_template("charts.html.j2").module, macro)(**values)
    return drawn


def _pieces(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Split into runs of points that have a value."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is not None:
            pieces[-1].append((x, y))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _decimals(marks: Sequence[float]) -> int:
    """Decimals that tell neighbouring marks apart."""
    step = marks[1] - marks[0]
    return max(0, -math.floor(math.log10(step) + 1e-9))
