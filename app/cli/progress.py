"""Progress bars in the terminal; not imported when serving."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data import progress
    from model.training import EpochReport
    from model.tuning import TrialReport


SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def stages() -> Iterator[progress.Progress]:
    """Show a bar for each stage of a job that reports (stage, done, total).

    Where there is no terminal, write a line to standard error at most every 30 s instead.
    """
    if not output.out.is_terminal:
        yield _Lines().report
        return
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.out) as bars:
        tasks = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(escape(stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


@contextmanager
def lines() -> Iterator[progress.Progress]:
    """Write how far a job is to standard error at most every 30 s; its result goes elsewhere."""
    yield _Lines().report


class _Lines:
    """Says how far each stage is, and about when it will end."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._last = time.monotonic()

    def report(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        seconds = now - self._begun.setdefault(stage, now)
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        if not total or not done:
            output.note(f"{stage}: {done:,} after {_duration(seconds)}")
            return
        left = seconds * (total - done) / done
        share = done / total
        output.note(
            f"{stage}: {share:.0%} after {_duration(seconds)}, about {_duration(left)} left"
        )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


class TrainingCallbacks(NamedTuple):
    """Called while a model is trained."""

    on_trial: Callable[[int, int], None]
    on_epoch: Callable[[EpochReport], None]


@contextmanager
def training() -> Iterator[TrainingCallbacks]:
    """Show a bar over the settings that are tried, if any, then over the epochs with figures."""
    columns = (
        TextColumn("{task.description} {task.completed}/{task.total}"),
        BarColumn(bar_width=16),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=output.out) as progress:
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

        yield TrainingCallbacks(on_trial, on_epoch)


@contextmanager
def trials() -> Iterator[Callable[[TrialReport], None]]:
    """Show each trial of a search; on standard error, where it does not mix with the result."""
    columns = (
        TextColumn("trial {task.completed}/{task.total}"),
        BarColumn(bar_width=16),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.err) as progress:
        task = progress.add_task("", total=None)

        def report(trial: TrialReport) -> None:
            figure = "diverged" if trial.score is None else f"NDCG@100 {trial.score:.4f}"
            best = "—" if trial.best is None else f"{trial.best:.4f}"
            output.err.print(f"trial {trial.done}: {figure}, best {best}", highlight=False)
            progress.update(task, completed=trial.done, total=trial.total)

        yield report
