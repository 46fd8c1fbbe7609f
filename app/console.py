"""What people see in the terminal: progress bars, tables, and one line for an error."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from app.datasets.service import ImportSummary
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


class Training(NamedTuple):
    """What to call while a model is trained."""

    on_trial: Callable[[int, int], None]
    on_epoch: Callable[[EpochReport], None]


@contextmanager
def training() -> Iterator[Training]:
    """Show a bar over the settings that are tried, if any, and then over the epochs.

    With the time left, and of an epoch reconstruction error and NDCG@100 on validation users.
    """
    columns = (
        TextColumn("{task.description} {task.completed}/{task.total}"),
        BarColumn(bar_width=16),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=out) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int, figures: str) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, figures="")
            progress.update(tasks[what], completed=done, total=total, figures=figures)

        def on_trial(done: int, n_trials: int) -> None:
            show("settings", done, n_trials, "on validation users")

        def on_epoch(epoch: EpochReport) -> None:
            figures = f"error {epoch.reconstruction_error:.3f}"
            if epoch.validation_ndcg is not None:
                figures += f"  validation {epoch.validation_ndcg:.3f}"
            show("epoch", epoch.epoch, epoch.n_epochs, figures)

        yield Training(on_trial, on_epoch)


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
