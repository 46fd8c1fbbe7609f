"""What people see in the terminal: progress bars, tables, and one line for an error."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from app.datasets.service import ImportSummary
    from app.models.schemas import ModelSummary
    from app.recommendations.schemas import Recommendations
    from app.training.service import TrainingResult
    from model.training import EpochReport
    from model.tuning import TrialReport

RANKING_METRICS = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")

out = Console()
err = Console(stderr=True)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a bar for each stage of a job that reports (stage, done, total)."""
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out) as progress:
        tasks = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(escape(stage), total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield report


@contextmanager
def training() -> Iterator[Callable[[EpochReport], None]]:
    """Show a bar over the epochs: time left, reconstruction error, NDCG@100 on validation users."""
    columns = (
        TextColumn("epoch {task.completed}/{task.total}"),
        BarColumn(bar_width=16),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("", total=None, figures="")

        def report(epoch: EpochReport) -> None:
            figures = f"error {epoch.reconstruction_error:.3f}"
            if epoch.validation_ndcg is not None:
                figures += f"  validation {epoch.validation_ndcg:.3f}"
            progress.update(task, completed=epoch.epoch, total=epoch.n_epochs, figures=figures)

        yield report


@contextmanager
def trials() -> Iterator[Callable[[TrialReport], None]]:
    """Show each trial of a search; on standard error, where it does not mix with the result."""
    columns = (
        TextColumn("trial {task.completed}/{task.total}"),
        BarColumn(bar_width=16),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("", total=None)

        def report(trial: TrialReport) -> None:
            figure = "diverged" if trial.score is None else f"NDCG@100 {trial.score:.4f}"
            best = "—" if trial.best is None else f"{trial.best:.4f}"
            err.print(f"trial {trial.done}: {figure}, best {best}", highlight=False)
            progress.update(task, completed=trial.done, total=trial.total)

        yield report


def show_import(summary: ImportSummary) -> None:
    """Show what an import came to."""
    what = "is in the database already" if summary.unchanged else "imported"
    out.print(
        f"{summary.name} {what}: {summary.n_ratings:,} ratings of {summary.n_movies:,} films by "
        f"{summary.n_users:,} users.",
        highlight=False,
    )
    if summary.notice:
        out.print(escape(summary.notice), style="dim")


def show_result(result: TrainingResult) -> None:
    """Show the figures of a model beside those of popularity."""
    out.print(_comparison(result.results, _title(result)))
    out.print(f"NDCG@100 is {result.ratio:.2f} times that of popularity.")


def show_comparison(results: list[dict[str, Any]], title: str) -> None:
    """Show how every model ranks and how far its probabilities can be trusted."""
    out.print(_comparison(results, escape(title), ("auc", "log_loss", "ece")))


def warn(message: str) -> None:
    """Say something that must not be overlooked."""
    out.print(Panel(escape(message), border_style="bold yellow", title="Note"))


def show_recommendations(answer: Recommendations, dataset: str | None, *, as_json: bool) -> None:
    """Show what somebody is recommended, with the strongest reason for each film."""
    if as_json:
        out.print_json(answer.model_dump_json())
        return
    heading = f"Recommendations for {answer.user}"
    if answer.reason is not None:
        heading += f" (popular films: {answer.reason.value.replace('_', ' ')})"
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
        out.print("[yellow]From the bundled sample: real films, invented ratings.[/yellow]")


def show_models(models: list[ModelSummary], *, as_json: bool) -> None:
    """List the published models, the newest first."""
    if as_json:
        out.print_json(json.dumps([model.model_dump(mode="json") for model in models]))
        return
    table = Table("", Column("version", no_wrap=True), "data set", "NDCG@100", "popularity's")
    for model in models:
        table.add_row(
            "active" if model.active else "",
            model.version,
            escape(str(model.dataset)),
            _estimate({"mean": model.ndcg_at_100}),
            _estimate({"mean": model.popularity_ndcg_at_100}),
        )
    out.print(table)


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
