"""Trains at an interval, each run in a process of its own.

Runs that wait since they were requested where training is not installed are started here too.
"""

import logging
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.db.engine import Database
from app.jobs.errors import TrainingInProgressError
from app.jobs.interruption import stop_signals
from app.jobs.process import start_process
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import list_runs, request_run, take_waiting

logger = logging.getLogger(__name__)

# After a database that was away, or while another run was in progress.
RETRY_S = 60
# Between two polls for a run that waits.
POLL_S = 2.0
# Runs among which the last finished one is looked for.
MAX_RUNS_SEARCHED = 100


class _Shutdown:
    """Ends the waiting at SIGTERM or SIGINT, and the run in progress."""

    def __init__(self) -> None:
        self.requested = Event()
        self.process: subprocess.Popen[bytes] | None = None

    def request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested.set()
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

    A run that finished counts whoever requested it, so that a restart trains no earlier.
    """
    interval = timedelta(seconds=interval_s)
    shutdown = _Shutdown()
    with stop_signals(shutdown.request):
        due = first_due(database, interval)
        while True:
            logger.info("the next training is due at %s", due.isoformat(timespec="seconds"))
            waiting = _wait(shutdown, database, due)
            if shutdown.requested.is_set():
                return
            started = datetime.now(UTC)
            try:
                run_id = waiting or request_run(database, options, requested_by)
            except (SQLAlchemyError, TrainingInProgressError) as error:
                logger.warning("cannot train now: %s", " ".join(str(error).split()))
                due = started + min(interval, timedelta(seconds=RETRY_S))
                continue
            _train(settings, run_id, shutdown)
            due = _within_one_interval(started + interval, interval)


def first_due(database: Database, interval: timedelta) -> datetime:
    """Return when to train first: an interval after the last run that finished."""
    finished = {RunState.PUBLISHED, RunState.REFUSED}
    for run in list_runs(database, MAX_RUNS_SEARCHED):
        if run.state in finished:
            return _within_one_interval(run.requested_at + interval, interval)
    return datetime.now(UTC)


def _within_one_interval(due: datetime, interval: timedelta) -> datetime:
    """Limit a time to one interval from now: the clock may have been ahead when the run began."""
    now = datetime.now(UTC)
    return min(max(due, now), now + interval)


def _wait(shutdown: _Shutdown, database: Database, due: datetime) -> int | None:
    """Wait until a time, until shutdown, or until a waiting run is taken: return its id."""
    while not shutdown.requested.is_set():
        left = (due - datetime.now(UTC)).total_seconds()
        if left <= 0:
            return None
        with suppress(SQLAlchemyError):  # a database that is away is logged when the run is due
            waiting = take_waiting(database)
            if waiting is not None:
                return waiting
        shutdown.requested.wait(min(left, POLL_S))
    return None


def _train(settings: Settings, run_id: int, shutdown: _Shutdown) -> None:
    logger.info("training run %d starts", run_id)
    shutdown.process = start_process(settings, run_id)
    if shutdown.requested.is_set():  # between the two lines above
        shutdown.process.terminate()
    code = shutdown.process.wait()
    shutdown.process = None
    logger.info("training run %d has ended with %d", run_id, code)
