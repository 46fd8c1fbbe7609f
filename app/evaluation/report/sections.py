"""From the report's values to what the template shows, one function per section of figures.

Each returns None where the report holds nothing to show; the template then leaves the section
out. What is there but malformed (text for a number, a list for a mapping) shows as a dash.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from app.evaluation.report import charts
from app.evaluation.report.charts import Caption, DotRow, ReliabilityBin
from app.evaluation.report.formatting import (
    Estimate,
    clean,
    count,
    estimate,
    figure,
    mappings,
    number,
)
from app.evaluation.report.metrics import Metric, describe, in_reading_order
from app.evaluation.report.provenance import pairs

KEY_METRIC = "ndcg@100"
LEAD, BASELINE = "rbm", "popularity"
CURVES = (
    ("reconstruction_error", "Reconstruction error", "share of ratings missed"),
    ("validation_ndcg@100", "NDCG@100", "on validation users"),
    ("free_energy_gap", "Free-energy gap", "growth means overfitting"),
)
NUMBER_METRICS = (KEY_METRIC, "recall@20", "log_loss")
SIZES = {"n_users": "Users", "n_films": "Movies"}

# What the template shows of a section, by name.
Section = dict[str, Any]


class ModelFigures(NamedTuple):
    """Name, metrics and seconds of a model; a metric that is missing has no mean."""

    name: str
    metrics: defaultdict[str, Estimate]
    fit_seconds: float | None


class Panel(NamedTuple):
    """One small multiple with its heading."""

    label: str
    hint: str
    chart: Markup


def headline(results: object) -> Section | None:
    """Give the leading model's NDCG@100 as a multiple of popularity's."""
    models = {model.name: model for model in _models(results)}
    known = {
        name: model.metrics[KEY_METRIC]
        for name, model in models.items()
        if model.metrics[KEY_METRIC].mean is not None
    }
    rivals = [name for name in known if name != BASELINE]
    if not rivals:
        return None
    lead = LEAD if LEAD in known else rivals[0]
    value, baseline = known[lead], known.get(BASELINE, Estimate(None))
    others = [name for name in rivals if name != lead]
    best = max(others, key=lambda name: known[name].mean or 0.0, default=None)
    metrics = models[lead].metrics
    return {
        "model": lead,
        "metric": describe(KEY_METRIC),
        "value": value,
        "baseline": baseline,
        "ratio": (value.mean or 0.0) / baseline.mean if baseline.mean else None,
        "strongest": None if best is None else (best, known[best]),
        "others": [
            (metric, metrics[metric.key])
            for metric in in_reading_order(metrics)
            if metric.key != KEY_METRIC
        ],
    }


def comparison(results: object) -> Section | None:
    """Every metric of every model, as a table and as dots with whiskers, by falling NDCG@100."""
    models = _models(results)
    metrics = in_reading_order(
        key for model in models for key, value in model.metrics.items() if value.mean is not None
    )
    if not metrics:
        return None
    models.sort(key=lambda model: -(model.metrics[KEY_METRIC].mean or 0.0))
    panels = []
    for i, metric in enumerate(metrics):
        dots = [
            DotRow(
                each.name, each.metrics[metric.key], tone="lead" if each.name == LEAD else "other"
            )
            for each in models
        ]
        panels.append(_dot_panel(f"model-{i}", metric, dots, "by model"))
    return {
        "metrics": metrics,
        "models": models,
        "best": {metric.key: _best(metric, models) for metric in metrics},
        "panels": panels,
        "has_seconds": any(model.fit_seconds is not None for model in models),
    }


def groups(values: object, size: str, what: str) -> Section | None:
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
    sizes = [name for name in SIZES if any(name in row for row in rows)]
    table = [
        [clean(row.get("label")), *(count(row.get(size)) for size in sizes)]
        + [_with_error(estimate(row.get(metric.key))) for metric in metrics]
        for row in rows
    ]
    labels = [*(SIZES[size] for size in sizes), *(metric.label for metric in metrics)]
    return {"panels": panels, "columns": [what.capitalize(), *labels], "rows": table}


def by_n_ratings(values: object) -> Section | None:
    """Figures of the leading model over the number of given ratings, beside popularity."""
    rows = [(row, {each.name: each for each in _models(row.get("results"))})
            for row in mappings(values)]  # fmt: skip
    names = [name for name in (LEAD, BASELINE) if any(name in models for _, models in rows)]
    shown = [
        (describe(key), name)
        for key in NUMBER_METRICS
        for name in names
        if any(_value(models, name, key) is not None for _, models in rows)
    ]
    if not shown:
        return None
    labels = [clean(row.get("n")) for row, _ in rows]
    panels = []
    for metric in dict.fromkeys(metric for metric, _ in shown):
        lines = [
            charts.Line(
                "lead" if name == LEAD else "other",
                [_value(models, name, metric.key) for _, models in rows],
            )
            for name in names
        ]
        listed = "; ".join(
            f"{name} {', '.join(figure(_value(models, name, metric.key)) for _, models in rows)}"
            for name in names
        )
        caption = Caption(
            f"number-{metric.key.replace('@', '-')}",
            f"{metric.label} by number of given ratings",
            f"With {', '.join(labels)} ratings: {listed}.",
        )
        chart = charts.number_chart(labels, lines, caption, unit="ratings given")
        panels.append(Panel(metric.label, metric.direction, chart))
    table = [
        [label, count(row.get("n_users"))]
        + [
            _with_error(models[name].metrics[metric.key]) if name in models else "–"
            for metric, name in shown
        ]
        for label, (row, models) in zip(labels, rows, strict=True)
    ]
    columns = ["Given", "Users", *(f"{metric.label}, {name}" for metric, name in shown)]
    return {"panels": panels, "columns": columns, "rows": table}


def _value(models: Mapping[str, ModelFigures], name: str, key: str) -> float | None:
    return models[name].metrics[key].mean if name in models else None


def curve(epochs: object) -> Section | None:
    """How the training went, one panel per quantity that was recorded."""
    rows = [row for row in mappings(epochs) if number(row.get("epoch")) is not None]
    series = [each for each in CURVES if any(number(row.get(each[0])) is not None for row in rows)]
    if not series:
        return None
    panels = []
    for i, (key, label, hint) in enumerate(series):
        points = [(float(row["epoch"]), number(row.get(key))) for row in rows]
        known = [figure(y) for _, y in points if y is not None]
        description = f"{label} over {len(points)} epochs, from {known[0]} to {known[-1]}."
        caption = Caption(f"curve-{i}", f"{label} by epoch", description)
        panels.append(Panel(label, hint, charts.line_chart(points, caption)))
    table = [
        [count(row["epoch"])]
        + [figure(row.get(key), 4) for key, _, _ in series]
        + [figure(row.get("seconds"), 2)]
        for row in rows
    ]
    columns = ["Epoch", *(label for _, label, _ in series), "Seconds"]
    return {"panels": panels, "columns": columns, "rows": table}


def reliability(values: object, calibration: object) -> Section | None:
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
    return {
        "chart": charts.reliability_chart(bins, caption),
        "columns": ["Predicted", "Observed", "Ratings"],
        "rows": [[figure(b.predicted), figure(b.observed), count(b.n)] for b in bins],
        "weights": pairs(calibration),
    }


def _models(results: object) -> list[ModelFigures]:
    models = []
    for row in mappings(results):
        metrics = row.get("metrics")
        figures: defaultdict[str, Estimate] = defaultdict(lambda: Estimate(None))
        if isinstance(metrics, Mapping):
            figures.update({str(key): estimate(value) for key, value in metrics.items()})
        models.append(
            ModelFigures(clean(row.get("model")), figures, number(row.get("fit_seconds")))
        )
    return models


def _best(metric: Metric, models: Iterable[ModelFigures]) -> float | None:
    """Return the best mean; None where neither direction is better or fewer than two compete."""
    means = [model.metrics[metric.key].mean for model in models]
    known = [mean for mean in means if mean is not None]
    if metric.higher_is_better is None or len(known) <= 1:
        return None
    return max(known) if metric.higher_is_better else min(known)


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
