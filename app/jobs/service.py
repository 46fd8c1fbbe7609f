"""Training runs as everybody sees them: asked for, started, listed, followed."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from threading import Thread
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app.config import Settings
from app.core.errors import TrainingInProgressError, TrainingRunNotFoundError
from app.db.engine import Database
from app.jobs import repository
from app.jobs.schemas import RunState, TrainingOptions, TrainingRun

logger = logging.getLogger(__name__)

# A run that no process has begun by then is given up: loading what training needs takes seconds.
START_WITHIN_S = 120.0
# Between two looks of somebody who follows a run.
LOOK_S = 0.5


def request_run(
    database: Database, options: TrainingOptions, requested_by: str, *, waits: bool = False
) -> int:
    """Record that somebody wants a training; raises `TrainingInProgressError`.

    Nothing is started: a process that runs `recommender retrain --run ID` does that. One that
    trains at an interval starts it for a run that `waits`.
    """
    while True:  # the run that is in the way may end between the two queries
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


def begin_run(
    database: Database, settings: Settings, options: TrainingOptions, requested_by: str
) -> TrainingRun:
    """Ask for a training, and start its process; raises `TrainingInProgressError`.

    An installation that only serves leaves it to one that trains at an interval.
    """
    can_train = find_spec("numba") is not None
    run_id = request_run(database, options, requested_by, waits=not can_train)
    if can_train:
        start_process(settings, run_id)
    return find_run(database, run_id)


def take_waiting(database: Database) -> int | None:
    """Take the run that waits for somebody who can train, if there is one; return its id."""
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
    return [_shown(row) for row in rows]


def find_run(database: Database, run_id: int) -> TrainingRun:
    """Return a run; raises `TrainingRunNotFoundError`."""
    _end_abandoned(database)
    with database.read() as connection:
        row = repository.find(connection, run_id)
    if row is None:
        raise TrainingRunNotFoundError(run_id)
    return _shown(row)


async def follow_run(database: Database, run_id: int) -> AsyncIterator[TrainingRun]:
    """Give a run whenever it has changed, until it has ended; raises `TrainingRunNotFoundError`."""
    shown = None
    while True:
        run = await run_in_threadpool(find_run, database, run_id)
        if run != shown:
            yield run
            shown = run
        if run.state.is_final:
            return
        await asyncio.sleep(LOOK_S)


def start_process(settings: Settings, run_id: int) -> subprocess.Popen[bytes]:
    """Train in a process of its own, which outlives this one; what it logs goes where ours goes.

    A thread waits for its end, and records the death of a process that could not do so itself.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program, and a number
        [sys.executable, "-m", "app", "retrain", "--run", str(run_id)],
        env={**os.environ, **settings.as_environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a signal for the service is none for the training
    )
    Thread(target=_record_death, args=(settings, process, run_id), daemon=True).start()
    return process


def _shown(row: Row[Any]) -> TrainingRun:
    """Name the candidate only once it is a model; until then its name serves to clean up."""
    run = TrainingRun.model_validate(row)
    is_model = run.state in {RunState.PUBLISHED, RunState.REFUSED}
    return run if is_model else run.model_copy(update={"version": None})


def _record_death(settings: Settings, process: subprocess.Popen[bytes], run_id: int) -> None:
    code = process.wait()
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    database = Database(settings.database_url)
    try:
        with database.unit_of_work() as connection:
            error = f"the training process {how}; its log may say why"
            repository.end(connection, run_id, RunState.FAILED, error=error)
    except SQLAlchemyError:
        logger.exception("cannot record that the process of training run %d has ended", run_id)
    finally:
        database.dispose()


def _end_abandoned(database: Database) -> None:
    """Nobody is told that a run goes on whose process has died."""
    with database.read() as connection:
        abandoned = repository.is_abandoned(connection)
    if abandoned:
        with database.unit_of_work() as connection:
            repository.end_abandoned(connection)
