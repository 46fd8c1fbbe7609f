"""Bars in the terminal that show how far a job is; serving does without them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.cli import output as console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model.training import EpochReport
    from model.tuning import TrialReport


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a bar for each stage of a job that reports (stage, done, total)."""
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console.out) as progress:
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
    with Progress(*columns, console=console.out) as progress:
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
    with Progress(*columns, console=console.err) as progress:
        task = progress.add_task("", total=None)

        def report(trial: TrialReport) -> None:
            figure = "diverged" if trial.score is None else f"NDCG@100 {trial.score:.4f}"
            best = "—" if trial.best is None else f"{trial.best:.4f}"
            console.err.print(f"trial {trial.done}: {figure}, best {best}", highlight=False)
            progress.update(task, completed=trial.done, total=trial.total)

        yield report
