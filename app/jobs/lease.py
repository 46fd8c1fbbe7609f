"""The lease of the one training in progress, renewed by a thread as long as its holder is alive."""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.core.logging import cause
from app.core.polling import Poller
from app.db.engine import Database
from app.jobs import repository
from app.jobs.errors import (
    LeaseLostError,
    RunNotQueuedError,
    TrainingRunNotFoundError,
    TrainingStoppedError,
)
from app.jobs.failures import classify, explain
from app.jobs.schemas import RunState

logger = logging.getLogger(__name__)

# A lease is renewed so many times while it lasts: a holder loses it after 4 missed heartbeats.
HEARTBEATS = 4
# Progress is written at most so often, however short the epochs are.
PROGRESS_INTERVAL_S = 1.0


class Lease:
    """One run, held by this process."""

    def __init__(
        self,
        database: Database,
        run_id: int,
        lease_s: float,
        on_loss: Callable[[], None] = lambda: None,
    ) -> None:
        self.run_id = run_id
        self.holder = f"{socket.gethostname()}:{os.getpid()}"
        self._on_loss = on_loss
        self._database = database
        self._lease_s = lease_s
        self._lost = False
        self._progress: dict[str, Any] = {}
        self._written = self._progress
        self._renewed = time.monotonic()
        self._poller = Poller(
            "training-lease",
            self._renew_if_due,
            min(PROGRESS_INTERVAL_S, lease_s / HEARTBEATS),
            "cannot renew the lease of the training",
        )

    def start(self) -> None:
        """Take the lease and renew it from now on; raises `RunNotQueuedError`."""
        with self._database.unit_of_work() as connection:
            if not repository.claim(connection, self.run_id, self.holder, self._lease_s):
                row = repository.find(connection, self.run_id)
                if row is None:
                    raise TrainingRunNotFoundError(run_id=self.run_id)
                raise RunNotQueuedError(f"training run {self.run_id} is {row.state} already")
        self._renewed = time.monotonic()
        self._poller.start()

    def stop(self) -> None:
        """Stop renewing it."""
        self._poller.stop()

    def report(self, stage: str, **progress: Any) -> None:
        """Report the progress of the run; raises `LeaseLostError`."""
        self.check()
        self._progress = {"stage": stage, **progress}

    def check(self) -> None:
        """Raise `LeaseLostError` where the lease is known to be lost."""
        if self._lost:
            raise LeaseLostError(self.run_id)

    @property
    def is_fresh(self) -> bool:
        """Tell whether it was renewed so lately that no other process can have taken it."""
        return not self._lost and time.monotonic() - self._renewed < self._lease_s

    def may_write(self) -> bool:
        """Tell whether no other process is known to have taken it; in doubt ask the database."""
        if not self._lost and not self.is_fresh:
            with suppress(SQLAlchemyError):  # then no other process can take it either
                self._renew()
        return not self._lost

    def confirm(self) -> None:
        """Ask the database; raises `LeaseLostError` where another process has taken it."""
        self._renew()
        self.check()

    def keep(self, connection: Connection, **values: Any) -> None:
        """Hold the lease until the transaction ends, and record values; raises `LeaseLostError`."""
        if not repository.renew(connection, self.run_id, self.holder, self._lease_s, **values):
            raise LeaseLostError(self.run_id)

    def end(self, connection: Connection, state: RunState, **values: Any) -> None:
        """Record in a transaction how the run ended, with its last progress."""
        ended = {"progress": self._progress, **values}
        repository.end(connection, self.run_id, state, holder=self.holder, **ended)

    def fail(self, connection: Connection, error: BaseException) -> None:
        """Record in a transaction that the run failed, and why."""
        progress = {**self._progress, repository.FAILURE: classify(error)}
        self.end(connection, RunState.FAILED, error=explain(error), progress=progress)

    def _renew_if_due(self) -> None:
        """Renew the lease where it is time, or there is new progress."""
        progress, passed = self._progress, time.monotonic() - self._renewed
        if self._lost or (progress is self._written and passed < self._lease_s / HEARTBEATS):
            return
        self._renew()

    def _renew(self) -> None:
        progress = self._progress
        with self._database.unit_of_work() as connection:
            renewed = repository.renew(
                connection, self.run_id, self.holder, self._lease_s, progress=progress
            )
        if renewed:
            self._renewed, self._written = time.monotonic(), progress
        else:
            self._lost = True
            self._on_loss()


@contextmanager
def hold_lease(
    database: Database, run_id: int, lease_s: float, on_loss: Callable[[], None] = lambda: None
) -> Iterator[Lease]:
    """Hold a queued run within the block; an exception in the block ends the run."""
    lease = Lease(database, run_id, lease_s, on_loss)
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
    try:
        with database.unit_of_work() as connection:
            if stopped:
                lease.end(connection, RunState.STOPPED, error=explain(error))
            else:
                lease.fail(connection, error)
    except SQLAlchemyError as problem:
        # The lease is renewed no more, so that the next request for the run ends it.
        reason = cause(problem)
        logger.error("cannot record that training run %d has failed: %s", lease.run_id, reason)  # noqa: TRY400
