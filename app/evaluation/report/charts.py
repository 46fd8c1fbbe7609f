"""Inline SVG charts: pure functions from numbers to markup.

Built with `xml.etree`, which escapes; colours, type and strokes come from the style sheet by
class, so that light, dark and print need no second drawing. Coordinates are in the units of the
view box, about one CSS pixel each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET  # builds trees here, parses none

from markupsafe import Markup

from model.report.values import clean, count, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.report.values import Estimate

__all__ = ["Caption", "DotRow", "ReliabilityBin", "bar", "dot_chart", "line_chart", "ticks"]

WIDTH = 280
ROW_HEIGHT = 22
# Width of a character at the charts' type size, on the wide side, to keep labels apart.
CHARACTER = 6.6
MAX_LABEL_LENGTH = 18
Z_95 = 1.959964  # half width of a 95 % interval in standard errors

# The model of the card among others; any other model; the model of the card where it is alone.
Tone = Literal["lead", "other", "own"]


@dataclass(frozen=True, slots=True)
class Caption:
    """Name and description of a chart for those who cannot see it; `key` is unique in the page."""

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
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval, cut at 0 for a metric that is not negative; None without a mean."""
        mean, se = self.value
        if mean is None:
            return None
        low, high = mean - Z_95 * (se or 0.0), mean + Z_95 * (se or 0.0)
        return (max(low, 0.0) if mean >= 0 else low), high


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Ratings of about the same prediction."""

    predicted: float
    observed: float
    n: int

    @property
    def half_width(self) -> float:
        """Half width of the 95 % interval of the observed share, normal approximation."""
        return Z_95 * math.sqrt(self.observed * (1 - self.observed) / self.n) if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from data to the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Position of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, n: int = 4) -> list[float]:
    """Give 2 to n + 1 round values, 1, 2 or 5 times a power of ten apart, around [low, high]."""
    span = high - low if high > low else abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / n))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= n:
            break
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def dot_chart(rows: Sequence[DotRow], caption: Caption) -> Markup:
    """Means as dots with their 95 % intervals as whiskers, one row each, values written beside."""
    intervals = [row.interval for row in rows if row.interval is not None]
    low = min((low for low, _ in intervals), default=0.0)
    high = max((high for _, high in intervals), default=1.0)
    # From 0, unless most would be empty; and without intervals a closer look would show only noise.
    near = low > high * 0.75 and any(row.value.se is not None for row in rows)
    marks = ticks(low if near or low < 0 else 0.0, high)
    left = 10 + CHARACTER * max(len(_short(row.label)) + len(row.note) for row in rows)
    x = Scale(marks[0], marks[-1], left, WIDTH - 48)
    bottom = ROW_HEIGHT * len(rows) + 6
    svg = _svg(WIDTH, bottom + 18, caption)
    _grid(svg, x, marks, bottom)
    for i, row in enumerate(rows):
        _dot_row(svg, row, x, ROW_HEIGHT * i + 14)
    return _markup(svg)


def line_chart(
    points: Sequence[tuple[float, float | None]], caption: Caption, digits: int = 3
) -> Markup:
    """Draw a curve over the epochs, its last value at its end; gaps where there is no value."""
    height, left, bottom = 176, 44, 146
    ys = [y for _, y in points if y is not None]
    xs = [x for x, _ in points]
    marks = ticks(min(ys, default=0.0), max(ys, default=1.0))
    y = Scale(marks[0], marks[-1], bottom, 10)
    x = Scale(min(xs), max(*xs, min(xs) + 1), left, WIDTH - 46)
    svg = _svg(WIDTH, height, caption)
    places = _decimals(marks)
    for mark in marks:
        _line(svg, left, y(mark), WIDTH - 46, y(mark), "grid")
        _text(svg, left - 6, y(mark) + 4, figure(mark, places), "tick end")
    for value in sorted({xs[0], xs[-1]}):
        _text(svg, x(value), bottom + 17, f"{value:g}", "tick middle")
    _text(svg, (left + WIDTH - 46) / 2, bottom + 17, "epoch", "tick middle")
    for piece in _pieces(points):
        path = " ".join(f"{_n(x(a))},{_n(y(b))}" for a, b in piece)
        ET.SubElement(svg, "polyline", {"class": "curve", "points": path})
    if points[-1][1] is not None:
        end = points[-1][1]
        _circle(svg, x(points[-1][0]), y(end), 3.5, "dot lead")
        _text(svg, x(points[-1][0]) + 7, y(end) + 4, figure(end, digits), "value lead")
    return _markup(svg)


def reliability_chart(bins: Sequence[ReliabilityBin], caption: Caption) -> Markup:
    """Observed share of likes over P(like | seen), with the ratings of each bin beneath."""
    width, left, bottom = 320, 40, 274
    x = Scale(0.0, 1.0, left, width - 14)
    y = Scale(0.0, 1.0, bottom, bottom - (width - 14 - left))
    svg = _svg(width, bottom + 92, caption)
    for mark in (0.0, 0.25, 0.5, 0.75, 1.0):
        _line(svg, left, y(mark), width - 14, y(mark), "grid")
        _text(svg, left - 6, y(mark) + 4, f"{mark:g}", "tick end")
        _text(svg, x(mark), bottom + 17, f"{mark:g}", "tick middle")
    _line(svg, x(0), y(0), x(1), y(1), "reference")
    _text(svg, x(0.79), y(0.94), "as predicted", "tick end")
    path = " ".join(f"{_n(x(b.predicted))},{_n(y(b.observed))}" for b in bins)
    ET.SubElement(svg, "polyline", {"class": "curve thin", "points": path})
    for b in bins:
        ends = (max(b.observed - b.half_width, 0.0), min(b.observed + b.half_width, 1.0))
        _line(svg, x(b.predicted), y(ends[0]), x(b.predicted), y(ends[1]), "whisker lead")
        _circle(svg, x(b.predicted), y(b.observed), 4, "dot lead")
    _text(svg, (left + width - 14) / 2, bottom + 34, "predicted P(like | seen)", "tick middle")
    _bin_counts(svg, bins, x, bottom + 74)
    return _markup(svg)


def bar(share: float) -> Markup:
    """Draw a bar of a length in [0, 1], to the width of whatever holds it; decoration only."""
    attributes = {"class": "bar", "viewBox": "0 0 100 3", "preserveAspectRatio": "none"}
    svg = ET.Element("svg", attributes | {"aria-hidden": "true", "focusable": "false"})
    length = _n(100 * min(max(share, 0.0), 1.0))
    ET.SubElement(svg, "rect", {"width": length, "height": "3"})
    return _markup(svg)


def _bin_counts(svg: ET.Element, bins: Sequence[ReliabilityBin], x: Scale, baseline: float) -> None:
    """Bars upward from the baseline, their heights relative to the largest bin."""
    most = max((b.n for b in bins), default=0)
    least = min((b.n for b in bins), default=0)
    for b in bins:
        height = 22 * b.n / most if most else 0
        rectangle = {"x": x(b.predicted) - 4, "y": baseline - height, "width": 8, "height": height}
        ET.SubElement(
            svg, "rect", {"class": "count"} | {key: _n(value) for key, value in rectangle.items()}
        )
    _line(svg, x(0), baseline, x(1), baseline, "axis")
    each = count(most) if most == least else f"{count(least)} to {count(most)}"
    label = f"{each} ratings in each of {len(bins)} bins"
    _text(svg, (x(0) + x(1)) / 2, baseline + 15, label, "tick middle")


def _dot_row(svg: ET.Element, row: DotRow, x: Scale, y: float) -> None:
    label = _text(svg, 0, y + 4, _short(row.label), f"label {row.tone}")
    if row.note:
        ET.SubElement(label, "tspan", {"class": "note", "dx": "6"}).text = clean(row.note)
    mean = row.value.mean
    if mean is not None and row.interval is not None:
        if row.value.se is not None:
            _line(svg, x(row.interval[0]), y, x(row.interval[1]), y, f"whisker {row.tone}")
        _circle(svg, x(mean), y, 4, f"dot {row.tone}")
    _text(svg, WIDTH - 1, y + 4, figure(mean), f"value end {row.tone}")


def _grid(svg: ET.Element, x: Scale, marks: Sequence[float], bottom: float) -> None:
    places = _decimals(marks)
    for mark in marks:
        _line(svg, x(mark), 2, x(mark), bottom, "grid")
        _text(svg, x(mark), bottom + 14, figure(mark, places), "tick middle")


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


def _short(label: str) -> str:
    text = clean(label)
    return text if len(text) <= MAX_LABEL_LENGTH else text[: MAX_LABEL_LENGTH - 1] + "…"


def _svg(width: float, height: float, caption: Caption) -> ET.Element:
    names = (f"{caption.key}-title", f"{caption.key}-desc")
    attributes = {"class": "chart", "viewBox": f"0 0 {_n(width)} {_n(height)}", "role": "img"}
    svg = ET.Element("svg", attributes | {"aria-labelledby": " ".join(names)})
    ET.SubElement(svg, "title", {"id": names[0]}).text = clean(caption.title)
    ET.SubElement(svg, "desc", {"id": names[1]}).text = clean(caption.description)
    return svg


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
    ends = {"x1": _n(x1), "y1": _n(y1), "x2": _n(x2), "y2": _n(y2)}
    ET.SubElement(svg, "line", {"class": style} | ends)


def _circle(svg: ET.Element, x: float, y: float, r: float, style: str) -> None:
    ET.SubElement(svg, "circle", {"class": style, "cx": _n(x), "cy": _n(y), "r": _n(r)})


def _text(svg: ET.Element, x: float, y: float, text: str, style: str) -> ET.Element:
    element = ET.SubElement(svg, "text", {"class": style, "x": _n(x), "y": _n(y)})
    element.text = text
    return element


def _n(value: float) -> str:
    """Write a coordinate to a tenth, without trailing zeros."""
    return f"{value:.1f}".removesuffix(".0")


def _markup(svg: ET.Element) -> Markup:
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 (the serialiser has escaped)
