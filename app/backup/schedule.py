"""Makes back-ups at an interval, and keeps the list of erased users up to date between them."""

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from types import FrameType
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from app.backup import erasures, repository
from app.backup.archive import BackupError
from app.backup.job import BackupInProgressError, Plan, Write, carry_out, seconds_left
from app.core.logging import cause
from app.core.remote import RemoteError, shown
from app.db.engine import Database
from app.jobs.interruption import stop_signals

# Erased users are on the lists so soon; a database that is away is asked again so soon.
POLL_S = 60.0
Result = TypeVar("Result")
EXPECTED = (BackupError, RemoteError, OSError, SQLAlchemyError)

logger = logging.getLogger(__name__)


class _StopRequested(BaseException):
    """SIGTERM or SIGINT; passes through every `except Exception`."""


class _Shutdown:
    """Ends the waiting at SIGTERM or SIGINT, and the back-up in progress."""

    def __init__(self) -> None:
        self.requested = Event()
        self._interrupts = False

    def request(self, _number: int, _frame: FrameType | None) -> None:
        """Handle the signal."""
        self.requested.set()
        if self._interrupts:
            self._interrupts = False
            raise _StopRequested

    def ending(self, work: Callable[[], float]) -> float:
        """Do some work, which a signal ends where it is: what it has begun is undone."""
        self._interrupts = True
        try:
            return 0.0 if self.requested.is_set() else work()
        except _StopRequested:
            logger.info("stopped: what was not whole is removed")
            return 0.0
        finally:
            self._interrupts = False


class Schedule:
    """The back-ups of an installation; several processes may have the same schedule."""

    def __init__(self, database: Database, plan: Plan, interval: timedelta, write: Write) -> None:
        self._database = database
        self._plan = plan
        self._interval = interval
        self._write = write
        self._troubles: dict[str, str] = {}
        self._listed: tuple[Any, ...] | None = None

    def run(self) -> None:
        """Make back-ups until SIGTERM or SIGINT."""
        shutdown = _Shutdown()
        hours = self._interval / timedelta(hours=1)
        logger.info("back-ups in %s every %g hours%s", self._plan.folder, hours, self._copied())
        with stop_signals(shutdown.request):
            while not shutdown.requested.is_set():
                shutdown.requested.wait(shutdown.ending(self.poll))

    def poll(self) -> float:
        """Do what is due; return for how many seconds nothing is."""
        left = self._try("cannot tell when the next back-up is due", self._back_up, POLL_S)
        what = "cannot bring the list of erased users up to date"
        self._try(what, self._list_erasures, None)
        return min(max(left, 0.0), POLL_S)

    def _try(self, what: str, work: Callable[[], Result], otherwise: Result) -> Result:
        """Work; a failure is logged once, and not every minute."""
        try:
            result = work()
        except EXPECTED as error:
            line = f"{what}: {cause(error)}"
            if self._troubles.get(what) != line:
                logger.warning(line)
            self._troubles[what] = line
            return otherwise
        self._troubles.pop(what, None)
        return result

    def _back_up(self) -> float:
        """Make the back-up that is due; return the seconds until the next one."""
        if self._left() <= 0:
            self._attempt()
        return self._left()

    def _left(self) -> float:
        with self._database.read() as connection:
            return seconds_left(connection, self._interval)

    def _attempt(self) -> None:
        try:
            summary = carry_out(self._database, self._plan, self._write)
        except BackupInProgressError as error:
            logger.info("no back-up from here: %s", error)
        except Exception as error:
            unexpected = None if isinstance(error, EXPECTED) else error
            line = "back-up failed%s: %s", self._retry(), cause(error)
            logger.log(logging.ERROR, *line, exc_info=unexpected)
        else:
            size = f"{summary.length / 2**20:,.1f} MiB"
            logger.info("back-up made: %s, %s, read again%s", summary.path, size, self._copied())

    def _copied(self) -> str:
        return f", copied to {shown(self._plan.copy.url)}" if self._plan.copy else ""

    def _retry(self) -> str:
        """Tell which attempt this was, and when the next one is."""
        try:
            with self._database.read() as connection:
                row = repository.newest(connection)
        except SQLAlchemyError:
            return ""
        if row is None or row.next_at is None:
            return ""
        return f" (attempt {row.failures}, the next one at {row.next_at:%Y-%m-%dT%H:%M:%SZ})"

    def _list_erasures(self) -> None:
        """Bring the lists of erased users up to date where somebody was erased."""
        with self._database.read() as connection:
            mark = repository.mark_of_erasures(connection)
        if mark != self._listed:
            path = erasures.write(self._database, self._plan.folder)
            if self._plan.copy is not None:
                erasures.copy(path, self._plan.copy)
            self._listed = mark
