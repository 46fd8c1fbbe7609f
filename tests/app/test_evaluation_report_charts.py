import re
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.scales import ticks
from app.evaluation.report.charts import (
    Caption,
    DotRow,
    Line,
    ReliabilityBin,
    dot_chart,
    draw,
    line_chart,
    number_chart,
    reliability_chart,
)
from app.evaluation.report.formatting import Estimate
from tests.app.report_input import parsed

CAPTION = Caption("key", "Title", "Description")
CSS = files("app.evaluation.report").joinpath("card.css").read_text(encoding="utf-8")
TEXT, MARKS = ("ink", "muted", "lead", "contrast"), ("other",)


def elements(svg: str, tag: str, style: str) -> list[ET.Element]:
    """Elements of a tag whose class has every word of `style`."""
    wanted = set(style.split())
    return [e for e in parsed(svg).iter(tag) if wanted <= set(e.get("class", "").split())]


def scale_of(svg: str, axis: str, style: str) -> tuple[float, float]:
    """Slope and intercept from the drawing to the data, read off the tick labels."""
    marks = [
        (float(e.get(axis, "")), float((e.text or "").replace("\u2212", "-")))
        for e in elements(svg, "text", style)
        if re.fullmatch(r"[\u2212\d.]+", e.text or "")
    ]
    (x0, v0), (x1, v1) = marks[0], marks[-1]
    slope = (v1 - v0) / (x1 - x0)
    return slope, v0 - slope * x0


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_ticks_are_few_evenly_spaced_and_enclose_the_data(low: float, span: float, n: int) -> None:
    high = low + span
    assume(span > 1e-9 * abs(low))
    marks = ticks(low, high, n)
    assert 2 <= len(marks) <= n + 1
    step = marks[1] - marks[0]
    assert marks[0] <= low + 1e-6 * step
    assert marks[-1] >= high - 1e-6 * step
    assert all(b - a == pytest.approx(step, rel=1e-3) for a, b in pairwise(marks))


@pytest.mark.parametrize("value", [0.0, 0.3, -2.0, 1e6])
def test_ticks_of_a_single_value_have_a_length(value: float) -> None:
    marks = ticks(value, value)
    assert marks[0] <= value <= marks[-1]
    assert marks[0] < marks[-1]


def test_a_dot_stands_at_the_mean_and_its_whisker_spans_the_95_percent_interval() -> None:
    rows = [DotRow("rbm", Estimate(0.378, 0.018), tone="lead"), DotRow("x", Estimate(0.226, 0.016))]
    svg = dot_chart(rows, CAPTION)
    slope, intercept = scale_of(svg, "x", "tick middle")
    (dot,), (whisker,) = elements(svg, "circle", "lead"), elements(svg, "line", "whisker lead")
    tenth = slope * 0.1  # coordinates are written to a tenth
    assert slope * float(dot.get("cx", "")) + intercept == pytest.approx(0.378, abs=tenth)
    ends = [slope * float(whisker.get(end, "")) + intercept for end in ("x1", "x2")]
    assert ends == pytest.approx([0.378 - 1.96 * 0.018, 0.378 + 1.96 * 0.018], abs=tenth)


def test_a_whisker_ends_at_zero_where_the_metric_does() -> None:
    svg = dot_chart([DotRow("rare movies", Estimate(0.008, 0.02))], CAPTION)
    slope, intercept = scale_of(svg, "x", "tick middle")
    (whisker,) = elements(svg, "line", "whisker")
    assert slope * float(whisker.get("x1", "")) + intercept == pytest.approx(0, abs=slope * 0.1)


def test_the_axis_begins_at_zero_unless_intervals_tell_what_a_closer_look_is_worth() -> None:
    def first_tick(*values: Estimate) -> str | None:
        svg = dot_chart([DotRow(str(i), value) for i, value in enumerate(values)], CAPTION)
        return elements(svg, "text", "tick")[0].text

    assert first_tick(Estimate(0.2, 0.01), Estimate(0.4, 0.01)) == "0.0"
    assert first_tick(Estimate(0.050), Estimate(0.057)) == "0.00"
    assert first_tick(Estimate(0.70, 0.01), Estimate(0.72, 0.01)) == "0.68"


def test_without_an_error_there_is_no_whisker_and_without_a_mean_no_dot() -> None:
    svg = dot_chart([DotRow("a", Estimate(0.3)), DotRow("b", Estimate(None, None))], CAPTION)
    assert len(elements(svg, "circle", "dot")) == 1
    assert elements(svg, "line", "whisker") == []
    assert [e.text for e in elements(svg, "text", "value")] == ["0.300", "–"]


def test_long_labels_are_cut_and_the_whole_drawing_stays_in_its_box() -> None:
    rows = [DotRow("m" * 80, Estimate(0.3, 0.01), note="n 1,221"), DotRow("b", Estimate(9e9, 1e9))]
    svg = dot_chart(rows, CAPTION)
    width = float(parsed(svg).get("viewBox", "").split()[2])
    assert [len(e.text or "") for e in elements(svg, "text", "label")] == [18, 1]
    for circle in elements(svg, "circle", "dot"):
        assert 0 <= float(circle.get("cx", "")) <= width


def test_a_curve_has_a_gap_where_an_epoch_has_no_value_and_writes_its_last() -> None:
    points = [(1.0, 0.2), (2.0, 0.3), (3.0, None), (4.0, 0.35), (5.0, 0.371)]
    svg = line_chart(points, CAPTION)
    pieces = [str(e.get("points")).split() for e in elements(svg, "polyline", "curve")]
    assert [len(piece) for piece in pieces] == [2, 2]
    assert [e.text for e in elements(svg, "text", "value")] == ["0.371"]


def test_each_model_has_its_line_over_the_numbers_of_given_ratings() -> None:
    lines = [Line("lead", [0.2, 0.3, 0.4]), Line("other", [0.3, None, 0.25])]
    svg = number_chart(["0", "3", "all"], lines, CAPTION, unit="ratings given")
    [own] = elements(svg, "polyline", "curve lead")
    assert len(str(own.get("points")).split()) == 3
    pieces = elements(svg, "polyline", "curve other")
    assert [len(str(piece.get("points")).split()) for piece in pieces] == [1, 1]
    assert [e.text for e in elements(svg, "text", "value")] == ["0.400", "0.250"]
    texts = [e.text for e in elements(svg, "text", "tick middle")]
    assert texts == ["0", "3", "all", "ratings given"]


@pytest.mark.parametrize("value", [0.25, None])
def test_a_curve_of_one_epoch_can_be_drawn(value: float | None) -> None:
    svg = line_chart([(1.0, value)], CAPTION)
    assert len(elements(svg, "circle", "dot")) == (value is not None)


def test_the_reliability_curve_stands_on_its_diagonal_where_predictions_come_true() -> None:
    bins = [ReliabilityBin(0.2, 0.2, 100), ReliabilityBin(0.8, 0.8, 50)]
    svg = reliability_chart(bins, CAPTION)
    (diagonal,) = elements(svg, "line", "reference")
    x1, y1, x2, y2 = (float(diagonal.get(end, "")) for end in ("x1", "y1", "x2", "y2"))
    for dot, b in zip(elements(svg, "circle", "dot"), bins, strict=True):
        assert float(dot.get("cx", "")) == pytest.approx(x1 + b.predicted * (x2 - x1), abs=0.1)
        assert float(dot.get("cy", "")) == pytest.approx(y1 + b.observed * (y2 - y1), abs=0.1)
    heights = [float(e.get("height", "")) for e in elements(svg, "rect", "count")]
    assert heights[0] == pytest.approx(2 * heights[1])
    assert "50 to 100 ratings in each of 2 bins" in svg


@pytest.mark.parametrize(("share", "width"), [(0.25, "25"), (-1, "0"), (7, "100")])
def test_a_bar_is_as_long_as_its_share_and_never_leaves_its_box(share: float, width: str) -> None:
    assert parsed(draw("bar", share=share))[0].get("width") == width


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_have_the_contrast_that_wcag_aa_asks_for(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme == "dark"]))
    for name in TEXT:
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for name in MARKS:
        assert contrast(colours[name], colours["paper"]) >= 3, name
    assert contrast(colours["ink"], colours["raised"]) >= 4.5
    assert contrast(colours["banner-ink"], colours["banner"]) >= 4.5
