"""From the report's values to what the template shows, one function per section.

Each returns None where the report holds nothing to show; the template then leaves the section
out. What is there but malformed (text for a number, a list for a mapping) shows as a dash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.report import charts
from model.report.charts import Caption, DotRow, ReliabilityBin
from model.report.passport import pairs
from model.report.values import Estimate, clean, count, estimate, figure, mappings, number
from model.report.wording import Metric, describe, in_reading_order

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["comparison", "curve", "groups", "headline", "reliability"]

KEY_METRIC = "ndcg@100"
LEAD, BASELINE = "rbm", "popularity"
CURVES = (
    ("reconstruction_error", "Reconstruction error", "share of ratings missed"),
    ("validation_ndcg@100", "NDCG@100", "on validation people"),
    ("free_energy_gap", "Free-energy gap", "growth means overfitting"),
)


@dataclass(frozen=True, slots=True)
class Headline:
    """The figure that decides, against the baseline and the strongest other model."""

    model: str
    metric: Metric
    value: Estimate
    baseline: Estimate | None
    ratio: float | None
    strongest: tuple[str, Estimate] | None
    others: list[tuple[Metric, Estimate]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the comparison table."""

    value: Estimate
    best: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the comparison table."""

    model: str
    cells: list[Cell]
    fit_seconds: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """One small multiple with its heading."""

    label: str
    hint: str
    chart: Markup


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models, by falling NDCG@100."""

    metrics: list[Metric]
    rows: list[ModelRow]
    panels: list[Panel]
    has_seconds: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A plain table: its first column heads the rows."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Charted:
    """Small multiples and the figures behind them."""

    panels: list[Panel]
    table: Table


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability curve, its figures and the calibration that it was drawn with."""

    chart: Markup
    table: Table
    weights: list[tuple[str, Any]]


def headline(results: object) -> Headline | None:
    """Give the leading model's NDCG@100 as a multiple of popularity's."""
    scores = {name: metrics for name, metrics, _ in _models(results)}
    values = {name: metrics.get(KEY_METRIC, Estimate(None)) for name, metrics in scores.items()}
    known = {name: value for name, value in values.items() if value.mean is not None}
    rivals = [name for name in known if name != BASELINE]
    if not rivals:
        return None
    model = LEAD if LEAD in known else rivals[0]
    value, baseline = known[model], known.get(BASELINE)
    ratio = None
    if baseline is not None and value.mean is not None and baseline.mean:
        ratio = value.mean / baseline.mean
    others = [name for name in rivals if name != model]
    best = max(others, key=lambda name: known[name].mean or 0.0, default=None)
    rest = [metric for metric in in_reading_order(scores[model]) if metric.key != KEY_METRIC]
    return Headline(
        model, describe(KEY_METRIC), value, baseline, ratio,
        None if best is None else (best, known[best]),
        [(metric, scores[model][metric.key]) for metric in rest],
    )  # fmt: skip


def comparison(results: object) -> Comparison | None:
    """Every metric of every model, as a table and as dots with whiskers."""
    models = _models(results)
    metrics = in_reading_order(
        key for _, scores, _ in models for key, value in scores.items() if value.mean is not None
    )
    if not metrics:
        return None
    models.sort(key=lambda model: -(model[1].get(KEY_METRIC, Estimate(None)).mean or 0.0))
    best = {metric.key: _best(metric, (scores for _, scores, _ in models)) for metric in metrics}
    rows = [
        ModelRow(name, [_cell(scores, metric, best) for metric in metrics], seconds)
        for name, scores, seconds in models
    ]
    panels = []
    for i, metric in enumerate(metrics):
        dots = [
            DotRow(
                name,
                scores.get(metric.key, Estimate(None)),
                tone="lead" if name == LEAD else "other",
            )
            for name, scores, _ in models
        ]
        panels.append(_dot_panel(f"model-{i}", metric, dots, "by model"))
    return Comparison(metrics, rows, panels, any(row.fit_seconds is not None for row in rows))


def groups(values: object, size: str, what: str) -> Charted | None:
    """Figures by group, such as 1-20 ratings; `size` counts a group, `what` tells groups apart."""
    rows = mappings(values)
    # All but the label and the counts (n_users, n_films) is a metric.
    metrics = in_reading_order(
        name
        for row in rows
        for name, value in row.items()
        if name != "label" and not name.startswith("n_") and estimate(value).mean is not None
    )
    if not metrics:
        return None
    panels = []
    for i, metric in enumerate(metrics):
        dots = [
            DotRow(clean(row.get("label")), estimate(row.get(metric.key)), _size(row, size), "own")
            for row in rows
        ]
        panels.append(_dot_panel(f"{size}-{i}", metric, dots, f"by {what}"))
    names = {"n_films": "films", "n_users": "people"}
    sizes = [name for name in names if any(name in row for row in rows)]
    columns = [what.capitalize(), *(names[size].capitalize() for size in sizes)]
    columns += [metric.label for metric in metrics]
    table = [
        [clean(row.get("label")), *(count(row.get(size)) for size in sizes)]
        + [_with_error(estimate(row.get(metric.key))) for metric in metrics]
        for row in rows
    ]
    return Charted(panels, Table(columns, table))


def curve(epochs: object) -> Charted | None:
    """How the training went, one panel per quantity that was recorded."""
    rows = [row for row in mappings(epochs) if number(row.get("epoch")) is not None]
    series = [each for each in CURVES if any(number(row.get(each[0])) is not None for row in rows)]
    if not series:
        return None
    panels = []
    for i, (key, label, hint) in enumerate(series):
        points = [(float(row["epoch"]), number(row.get(key))) for row in rows]
        known = [y for _, y in points if y is not None]
        description = (
            f"{label} over {len(points)} epochs, from {figure(known[0])} to {figure(known[-1])}."
        )
        caption = Caption(f"curve-{i}", f"{label} by epoch", description)
        panels.append(Panel(label, hint, charts.line_chart(points, caption)))
    columns = ["Epoch", *(label for _, label, _ in series), "Seconds"]
    table = [
        [count(row["epoch"])]
        + [figure(row.get(key), 4) for key, _, _ in series]
        + [figure(row.get("seconds"), 2)]
        for row in rows
    ]
    return Charted(panels, Table(columns, table))


def reliability(values: object, calibration: object) -> Reliability | None:
    """P(like | seen) against what came true."""
    bins = [bin_ for row in mappings(values) if (bin_ := _bin(row)) is not None]
    if not bins:
        return None
    furthest = max(bins, key=lambda b: abs(b.observed - b.predicted))
    caption = Caption(
        "reliability",
        "Observed share of likes by predicted probability",
        f"{len(bins)} bins; the furthest from the diagonal predicts {figure(furthest.predicted)} "
        f"where {figure(furthest.observed)} was observed.",
    )
    table = [[figure(b.predicted), figure(b.observed), count(b.n)] for b in bins]
    return Reliability(
        charts.reliability_chart(bins, caption),
        Table(["Predicted", "Observed", "Ratings"], table),
        pairs(calibration),
    )


def _models(results: object) -> list[tuple[str, dict[str, Estimate], float | None]]:
    """Name, metrics and seconds of each model."""
    models = []
    for row in mappings(results):
        metrics = row.get("metrics")
        metrics = metrics if isinstance(metrics, Mapping) else {}
        scores = {str(key): estimate(value) for key, value in metrics.items()}
        models.append((clean(row.get("model")), scores, number(row.get("fit_seconds"))))
    return models


def _best(metric: Metric, models: Iterable[Mapping[str, Estimate]]) -> float | None:
    """Return the best mean, None where neither direction is better or nobody competes."""
    means = [scores[metric.key].mean for scores in models if metric.key in scores]
    known = [mean for mean in means if mean is not None]
    if metric.higher_is_better is None or len(known) <= 1:
        return None
    return max(known) if metric.higher_is_better else min(known)


def _cell(scores: Mapping[str, Estimate], metric: Metric, best: Mapping[str, float | None]) -> Cell:
    value = scores.get(metric.key, Estimate(None))
    return Cell(value, value.mean is not None and value.mean == best[metric.key])


def _dot_panel(key: str, metric: Metric, rows: Sequence[DotRow], by: str) -> Panel:
    listed = "; ".join(f"{row.label} {_with_error(row.value)}" for row in rows)
    caption = Caption(key, f"{metric.label} {by}", f"Mean ± standard error: {listed}.")
    return Panel(metric.label, metric.direction, charts.dot_chart(rows, caption))


def _with_error(value: Estimate) -> str:
    return figure(value.mean) + ("" if value.se is None else f" ± {figure(value.se)}")


def _size(row: Mapping[str, Any], size: str) -> str:
    return f"n {count(row[size])}" if number(row.get(size)) is not None else ""


def _bin(row: Mapping[str, Any]) -> ReliabilityBin | None:
    predicted, observed, n = (number(row.get(key)) for key in ("predicted", "observed", "n"))
    if predicted is None or observed is None or not (0 <= predicted <= 1 and 0 <= observed <= 1):
        return None
    return ReliabilityBin(predicted, observed, max(int(n or 0), 0))
