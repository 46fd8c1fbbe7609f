"""Trains at an interval, each run in a process of its own.

A run that failed for a transient reason is tried again with back-off, other failures wait for the
next regular time. Runs that wait since they were requested where training is not installed are
started here too.
"""

import logging
import random
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core.logging import cause
from app.db.engine import Database
from app.jobs.errors import TrainingInProgressError
from app.jobs.interruption import stop_signals
from app.jobs.process import start_process, wait_for
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import (
    failed_in_a_row,
    list_runs,
    record_retry,
    request_run,
    take_waiting,
)
from app.store.errors import ModelStoreUnavailableError

logger = logging.getLogger(__name__)

# Between two attempts at least; also the interval of attempts while another run is in progress.
RETRY_S = 60
# Between two attempts at most.
MAX_RETRY_S = 3600
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
    model_of_these_ratings: Callable[[], str | None] = lambda: None,
) -> None:
    """Train whenever the interval has passed, until SIGTERM or SIGINT.

    A run that finished counts whoever requested it, so that a restart trains no earlier. Where the
    ratings are those of a model already, the next time is waited for.
    """
    interval = timedelta(seconds=interval_s)
    shutdown = _Shutdown()
    n_away = 0  # attempts in a row for which database or store did not even answer
    with stop_signals(shutdown.request):
        due = first_due(database, interval)
        while True:
            logger.info("the next training is due at %s", due.isoformat(timespec="seconds"))
            waiting = _wait(shutdown, database, due)
            if shutdown.requested.is_set():
                return
            started = datetime.now(UTC)
            try:
                known = None if waiting else model_of_these_ratings()
                if known is not None:
                    logger.info("nothing new since model %s", known)
                    due = started + interval
                    continue
                run_id = waiting or request_run(database, options, requested_by)
            except TrainingInProgressError as error:
                logger.warning("cannot train now: %s", error)
                due = started + min(interval, timedelta(seconds=RETRY_S))
                continue
            except (SQLAlchemyError, ModelStoreUnavailableError) as error:
                n_away += 1
                due = started + retry_delay(n_away)
                logger.warning("cannot train now (attempt %d): %s", n_away, cause(error))
                continue
            n_away = 0
            _train(settings, run_id, shutdown)
            due = _due_after(database, run_id, _within_one_interval(started + interval, interval))


def retry_delay(n_failed: int) -> timedelta:
    """Draw how long to wait after so many failures in a row: 1 to 2 minutes, 2 to 4, up to 1 h."""
    longest = min(RETRY_S * 2 ** min(max(n_failed, 1), 10), MAX_RETRY_S)
    return timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311 (spreads load)


def first_due(database: Database, interval: timedelta) -> datetime:
    """Return when to train first: an interval after the last run that finished.

    Where runs have failed since, at the time of the next attempt; a restart does not hurry it.
    """
    runs = list_runs(database, MAX_RUNS_SEARCHED)
    finished = {RunState.PUBLISHED, RunState.REFUSED}
    regular = next((run.requested_at + interval for run in runs if run.state in finished), None)
    due = datetime.now(UTC) if regular is None else _within_one_interval(regular, interval)
    ended = next((run for run in runs if run.state.is_final), None)
    if ended is None or ended.state is not RunState.FAILED:
        return due
    ended_at = ended.finished_at or ended.requested_at
    retry_at = ended.retry_at or ended_at + retry_delay(failed_in_a_row(runs))
    return max(due, min(retry_at, datetime.now(UTC) + timedelta(seconds=MAX_RETRY_S)))


def _due_after(database: Database, run_id: int, regular: datetime) -> datetime:
    """Return when to train after a run; the time of another attempt is recorded with it."""
    now = datetime.now(UTC)
    try:
        runs = list_runs(database, MAX_RUNS_SEARCHED)
        run = next(run for run in runs if run.id == run_id)
        if run.state.is_final and run.state is not RunState.FAILED:
            return regular
        n_failed = failed_in_a_row(runs)
        retry_at = min(regular, now + retry_delay(n_failed)) if n_failed else regular
        retry_at = max(retry_at, now + timedelta(seconds=RETRY_S))
        if n_failed:
            record_retry(database, run_id, retry_at)
    except SQLAlchemyError as error:
        logger.warning("cannot read how training run %d has ended: %s", run_id, cause(error))
        return now + retry_delay(1)
    if n_failed:
        logger.warning(
            "training run %d failed (%s), %d in a row: it is tried again", run_id, run.failure,
            n_failed,
        )  # fmt: skip
    return retry_at


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
    wait_for(settings, shutdown.process, run_id)
    shutdown.process = None
    logger.info("training run %d has ended", run_id)
