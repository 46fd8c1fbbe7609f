"""Retraining as a service: a run at an interval, each in a process of its own.

Runs that were asked for where nobody can train are begun here too.
"""

import logging
import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from types import FrameType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core.errors import TrainingInProgressError
from app.db.engine import Database
from app.jobs.checkpoints import STOP_SIGNALS
from app.jobs.runs import list_runs, request_run, start_process, take_waiting
from app.jobs.schemas import RunState, TrainingOptions

logger = logging.getLogger(__name__)

# After a database that was away, or another run that was in the way.
TRY_AGAIN_S = 60
# Between two looks for a run that waits.
LOOK_S = 2.0
# Runs that are looked through for the last one that came to its end.
LOOK_BACK = 100


class _Stopping:
    """Lets SIGTERM or SIGINT end the waiting, and the run that is under way."""

    def __init__(self) -> None:
        self.told = Event()
        self.process: subprocess.Popen[bytes] | None = None
        self._before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.told.set()
        if self.process is not None:
            self.process.terminate()


def train_every(
    database: Database,
    settings: Settings,
    options: TrainingOptions,
    interval_s: float,
    requested_by: str,
) -> None:
    """Train whenever the interval has passed, until SIGTERM or SIGINT.

    A run that came to its end counts whoever asked for it, so that a restart trains no earlier.
    """
    interval = timedelta(seconds=interval_s)
    with _Stopping() as stopping:
        due = first_due(database, interval)
        while True:
            logger.info("the next training is due at %s", due.isoformat(timespec="seconds"))
            waiting = _wait(stopping, database, due)
            if stopping.told.is_set():
                return
            begun = datetime.now(UTC)
            try:
                run_id = waiting or request_run(database, options, requested_by)
            except (SQLAlchemyError, TrainingInProgressError) as error:
                logger.warning("cannot train now: %s", " ".join(str(error).split()))
                due = begun + min(interval, timedelta(seconds=TRY_AGAIN_S))
                continue
            _train(settings, run_id, stopping)
            now = datetime.now(UTC)
            due = min(max(begun + interval, now), now + interval)


def first_due(database: Database, interval: timedelta) -> datetime:
    """Return when to train first: an interval after the last run that came to its end."""
    done = {RunState.PUBLISHED, RunState.REFUSED}
    for run in list_runs(database, LOOK_BACK):
        if run.state in done:
            now = datetime.now(UTC)
            # Never later than from now on: the clock may have been ahead when that run began.
            return min(max(run.requested_at + interval, now), now + interval)
    return datetime.now(UTC)


def _wait(stopping: _Stopping, database: Database, due: datetime) -> int | None:
    """Wait until a moment, until told to stop, or until a run is taken that waits: its id."""
    while not stopping.told.is_set():
        left = (due - datetime.now(UTC)).total_seconds()
        if left <= 0:
            return None
        with suppress(SQLAlchemyError):  # a database that is away is told of when the run is due
            waiting = take_waiting(database)
            if waiting is not None:
                return waiting
        stopping.told.wait(min(left, LOOK_S))
    return None


def _train(settings: Settings, run_id: int, stopping: _Stopping) -> None:
    logger.info("training run %d begins", run_id)
    stopping.process = start_process(settings, run_id)
    if stopping.told.is_set():  # between the two lines above
        stopping.process.terminate()
    code = stopping.process.wait()
    stopping.process = None
    logger.info("training run %d has ended with %d", run_id, code)
