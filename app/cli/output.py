"""What people see in the terminal: tables, and one line for an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.datasets.service import ImportSummary
    from app.recommendations.schemas import Recommendations
    from app.training.pipeline import TrainingResult

RANKING_METRICS = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")

out = Console()
err = Console(stderr=True)


def show_import(summary: ImportSummary) -> None:
    """Show what an import came to."""
    what = "is in the database already" if summary.unchanged else "imported"
    out.print(
        f"{summary.name} {what}: {summary.n_ratings:,} ratings of {summary.n_movies:,} movies by "
        f"{summary.n_users:,} users.",
        highlight=False,
    )
    if summary.notice:
        out.print(escape(summary.notice), style="dim")


def show_result(result: TrainingResult) -> None:
    """Show the figures of a model beside those of popularity, and what the gate says."""
    out.print(_comparison(result.results, _title(result)))
    out.print(f"NDCG@100 is {result.ratio:.2f} times that of popularity.")
    if result.start.note:
        out.print(result.start.note, highlight=False)
    gate = result.gate
    if gate["compared_with"]:
        change = gate["differences"]["active"]
        out.print(
            f"Less that of the active model {gate['compared_with']}: {change['mean']:+.3f} "
            f"({change['low']:+.3f} to {change['high']:+.3f}).",
            highlight=False,
        )
    if not gate["passed"]:
        what = "Published, although the gate says" if result.is_published else "Refused"
        warn(f"{what}: " + "; ".join(gate["reasons"]))


def show_comparison(results: list[dict[str, Any]], title: str) -> None:
    """Show how every model ranks and how far its probabilities can be trusted."""
    out.print(_comparison(results, escape(title), ("auc", "log_loss", "ece")))


def warn(message: str) -> None:
    """Say something that must not be overlooked."""
    out.print(Panel(escape(message), border_style="bold yellow", title="Note"))


def show_recommendations(answer: Recommendations, dataset: str | None, *, as_json: bool) -> None:
    """Show what somebody is recommended, with the strongest reason for each movie."""
    if as_json:
        out.print_json(answer.model_dump_json())
        return
    heading = f"Recommendations for {answer.user}"
    if answer.reason is not None:
        heading += f" (popular movies: {answer.reason.value.replace('_', ' ')})"
    table = Table("", "film", "P(like)", "P(like | seen)", "because", title=escape(heading))
    for place, item in enumerate(answer.items, start=1):
        year = f" ({item.year})" if item.year else ""
        because = "" if item.source == "rbm" else "popular"
        if item.because:
            best = item.because[0]
            because = f"{'liked' if best.liked else 'disliked'} {best.title} ({best.effect:+.2f})"
        table.add_row(
            str(place), escape(item.title + year), f"{item.score:.3f}",
            f"{item.like_probability:.2f}", escape(because),
        )  # fmt: skip
    out.print(table)
    if dataset == "sample":
        out.print("[yellow]From the bundled sample: real movies, invented ratings.[/yellow]")


def _title(result: TrainingResult) -> str:
    sample = result.dataset == "sample"
    data = "the bundled SAMPLE (invented ratings)" if sample else result.dataset
    return (
        f"Model {result.version}, trained on {escape(data)}: {result.n_gate_users} users that no "
        "training saw, mean ± standard error"
    )


def _comparison(results: list[dict[str, Any]], title: str, further: tuple[str, ...] = ()) -> Table:
    """One row a model, one column a metric; the standard error with those that rank."""
    table = Table("model", *RANKING_METRICS, *further, title=title, title_justify="left")
    for row in results:
        metrics = row["metrics"]
        ranking = [_estimate(metrics[name]) for name in RANKING_METRICS]
        others = [_estimate({"mean": metrics.get(name, {}).get("mean")}) for name in further]
        table.add_row(row["model"], *ranking, *others)
    return table


def _estimate(figure: Mapping[str, float | None]) -> str:
    mean, se = figure["mean"], figure.get("se")
    if mean is None:
        return "—"
    return f"{mean:.3f}" if se is None else f"{mean:.3f} ± {se:.3f}"
