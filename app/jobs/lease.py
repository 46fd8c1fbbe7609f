"""The right to be the one training: renewed by a thread as long as its holder is alive."""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.core.errors import TrainingRunNotFoundError
from app.core.polling import Poller
from app.db.engine import Database
from app.jobs import repository
from app.jobs.checkpoints import TrainingStoppedError
from app.jobs.schemas import RunState

logger = logging.getLogger(__name__)

# A lease is renewed so many times while it lasts: a holder loses it after 4 missed beats.
BEATS = 4
# What a run has come to is written at most so often, however short its epochs are.
PROGRESS_EVERY_S = 1.0


class LeaseLostError(Exception):
    """Somebody else may be training by now: nothing of this run may be published."""

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"training run {run_id} was given up, since this process gave no sign of life in time"
        )


class RunNotQueuedError(Exception):
    """The run has been begun by another process, or has ended."""


class Lease:
    """One run, held by this process."""

    def __init__(self, database: Database, run_id: int, lease_s: float) -> None:
        self.run_id = run_id
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        self.on_loss: Callable[[], None] = _do_nothing
        self._database = database
        self._lease_s = lease_s
        self._lost = False
        self._progress: dict[str, Any] = {}
        self._written = self._progress
        self._renewed = time.monotonic()
        self._poller = Poller(
            "training-lease",
            self._look,
            min(PROGRESS_EVERY_S, lease_s / BEATS),
            "cannot renew the lease of the training",
        )

    def start(self) -> None:
        """Take the lease and keep it from now on; raises `RunNotQueuedError`."""
        with self._database.unit_of_work() as connection:
            if not repository.claim(connection, self.run_id, self.holder, self._lease_s):
                row = repository.find(connection, self.run_id)
                if row is None:
                    raise TrainingRunNotFoundError(self.run_id)
                raise RunNotQueuedError(f"training run {self.run_id} is {row.state} already")
        self._renewed = time.monotonic()
        self._poller.start()

    def stop(self) -> None:
        """Renew it no more."""
        self._poller.stop()

    def report(self, stage: str, **progress: Any) -> None:
        """Tell how far the run is; raises `LeaseLostError`."""
        self.check()
        self._progress = {"stage": stage, **progress}

    def check(self) -> None:
        """Raise `LeaseLostError` where the lease is known to be lost."""
        if self._lost:
            raise LeaseLostError(self.run_id)

    @property
    def is_fresh(self) -> bool:
        """Tell whether it was renewed so lately that nobody else can have taken it."""
        return not self._lost and time.monotonic() - self._renewed < self._lease_s

    def may_write(self) -> bool:
        """Tell whether nobody else is known to have taken it; in doubt the database is asked."""
        if not self._lost and not self.is_fresh:
            with suppress(SQLAlchemyError):  # who trains elsewhere has to reach it as well
                self._renew()
        return not self._lost

    def confirm(self) -> None:
        """Ask the database; raises `LeaseLostError` where somebody else has taken it."""
        self._renew()
        self.check()

    def keep(self, connection: Connection, **values: Any) -> None:
        """Hold the lease until the transaction ends, and record values; raises `LeaseLostError`."""
        if not repository.renew(connection, self.run_id, self.holder, self._lease_s, **values):
            raise LeaseLostError(self.run_id)

    def end(self, connection: Connection, state: RunState, **values: Any) -> None:
        """Record in a transaction how the run ended, in its last words."""
        repository.end(
            connection, self.run_id, state, holder=self.holder, progress=self._progress, **values
        )

    def _look(self) -> None:
        """Renew the lease where it is time, or there is something to tell."""
        progress, passed = self._progress, time.monotonic() - self._renewed
        if self._lost or (progress is self._written and passed < self._lease_s / BEATS):
            return
        self._renew()

    def _renew(self) -> None:
        progress = self._progress
        with self._database.unit_of_work() as connection:
            kept = repository.renew(
                connection, self.run_id, self.holder, self._lease_s, progress=progress
            )
        if kept:
            self._renewed, self._written = time.monotonic(), progress
        else:
            self._lost = True
            self.on_loss()


@contextmanager
def holding(database: Database, run_id: int, lease_s: float) -> Iterator[Lease]:
    """Hold a queued run during the block; an exception that ends the block ends the run."""
    lease = Lease(database, run_id, lease_s)
    lease.start()
    try:
        yield lease
    except BaseException as error:
        lease.stop()
        _record_failure(database, lease, error)
        raise
    lease.stop()


def _record_failure(database: Database, lease: Lease, error: BaseException) -> None:
    stopped = isinstance(error, TrainingStoppedError | KeyboardInterrupt)
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = " ".join(str(cause).split()) or type(error).__name__
    try:
        with database.unit_of_work() as connection:
            state = RunState.STOPPED if stopped else RunState.FAILED
            lease.end(connection, state, error=text)
    except SQLAlchemyError:
        # Nobody renews the lease any more, so that the next who looks ends the run.
        logger.exception("cannot record that training run %d has failed", lease.run_id)


def _do_nothing() -> None:
    pass
