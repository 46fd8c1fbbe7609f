"""Training runs: requested, started, listed, followed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from importlib.util import find_spec
from itertools import takewhile
from typing import Any

from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from app.config import Settings
from app.db.engine import Database
from app.jobs import repository
from app.jobs.errors import TrainingInProgressError, TrainingRunNotFoundError
from app.jobs.process import start_process
from app.jobs.schemas import Failure, RunState, TrainingOptions, TrainingRun

# A run that no process has started by then fails: loading what training needs takes seconds.
START_WITHIN_S = 120.0
FOLLOW_INTERVAL_S = 0.5
# A follower gets a sign of life so often while nothing changes: proxies end idle connections.
KEEP_ALIVE_S = 15.0


def request_run(
    database: Database, options: TrainingOptions, requested_by: str, *, waits: bool = False
) -> int:
    """Record that a training is wanted; raises `TrainingInProgressError`.

    Nothing is started: `recommender retrain --run ID` does that, for a run that `waits` the
    process that trains at an interval.
    """
    while True:  # the other run may end between the two queries
        with database.unit_of_work() as connection:
            repository.end_abandoned(connection)
            document = options.model_dump(mode="json")
            run_id = repository.add(
                connection, document, requested_by[:128], START_WITHIN_S, waits=waits
            )
            if run_id is not None:
                return run_id
            other = repository.find_in_progress(connection)
        if other is not None:
            raise TrainingInProgressError(
                other.id, other.holder, other.requested_by, other.requested_at
            )


def start_run(
    database: Database, settings: Settings, options: TrainingOptions, requested_by: str
) -> TrainingRun:
    """Request a training, and start its process; raises `TrainingInProgressError`.

    Where training is not installed, the process that trains at an interval takes it.
    """
    can_train = find_spec("numba") is not None
    run_id = request_run(database, options, requested_by, waits=not can_train)
    if can_train:
        start_process(settings, run_id)
    return find_run(database, run_id)


def take_waiting(database: Database) -> int | None:
    """Take the run that waits for a process that can train, if there is one; return its id."""
    with database.read() as connection:
        row = repository.find_in_progress(connection)
    if row is None or row.state != RunState.QUEUED:
        return None  # as nearly always: nothing to write
    with database.unit_of_work() as connection:
        return repository.take_waiting(connection)


def list_runs(database: Database, limit: int) -> list[TrainingRun]:
    """Return the latest runs, the last first."""
    _end_abandoned(database)
    with database.read() as connection:
        rows = repository.latest(connection, limit)
    return [_to_schema(row) for row in rows]


def find_run(database: Database, run_id: int) -> TrainingRun:
    """Return a run; raises `TrainingRunNotFoundError`."""
    _end_abandoned(database)
    with database.read() as connection:
        row = repository.find(connection, run_id)
    if row is None:
        raise TrainingRunNotFoundError(run_id=run_id)
    return _to_schema(row)


async def follow_run(database: Database, run_id: int) -> AsyncIterator[TrainingRun | None]:
    """Give a run whenever it has changed, until it has ended; None as a sign of life.

    Raises `TrainingRunNotFoundError`.
    """
    shown, silent_s = None, 0.0
    while True:
        run = await run_in_threadpool(find_run, database, run_id)
        if run != shown:
            yield run
            shown, silent_s = run, 0.0
        elif silent_s >= KEEP_ALIVE_S:
            yield None
            silent_s = 0.0
        if run.state.is_final:
            return
        await asyncio.sleep(FOLLOW_INTERVAL_S)
        silent_s += FOLLOW_INTERVAL_S


def record_retry(database: Database, run_id: int, retry_at: datetime) -> None:
    """Record when a run that failed is tried again."""
    with database.unit_of_work() as connection:
        repository.add_progress(connection, run_id, retry_at=retry_at.isoformat())


def failed_in_a_row(runs: Iterable[TrainingRun]) -> int:
    """Count, the latest first, those that failed up to one that published or was refused.

    A failure that is not transient ends the count too; runs that were stopped do not matter.
    """
    ended = (run for run in runs if run.state.is_final and run.state is not RunState.STOPPED)
    return len(list(takewhile(lambda run: run.failure and run.failure.is_transient, ended)))


def _to_schema(row: Row[Any]) -> TrainingRun:
    """Name the candidate only once it is a model; until then its name is for cleaning up."""
    run = TrainingRun.model_validate(row)
    is_model = run.state in {RunState.PUBLISHED, RunState.REFUSED}
    progress = dict(run.progress)
    failure = progress.pop(repository.FAILURE, None)  # versions before recorded none
    retry_at = progress.pop(repository.RETRY_AT, None)
    changes = {
        "version": run.version if is_model else None,
        "progress": progress,
        "failure": Failure(failure) if failure else None,
        "retry_at": datetime.fromisoformat(retry_at) if retry_at else None,
    }
    return run.model_copy(update=changes)


def _end_abandoned(database: Database) -> None:
    """End the run whose process has died, so that it is not shown as running."""
    with database.read() as connection:
        abandoned = repository.is_abandoned(connection)
    if abandoned:
        with database.unit_of_work() as connection:
            repository.end_abandoned(connection)
