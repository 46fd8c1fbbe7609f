"""A thread that polls the database while the service runs."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.logging import cause
from app.core.remote import RemoteError

# A poll cannot be interrupted; the process waits no longer than this for the thread.
STOP_S = 5.0
# The database or the store is away: where that was noticed does not matter.
AWAY = (InterfaceError, OperationalError, PoolTimeoutError, RemoteError)


class Poller:
    """Calls `poll` once at the start, and then every `interval_s` seconds.

    Any exception is logged with the message `trouble`, once and not every time, in one line where
    something is away; the next poll comes as usual.
    """

    def __init__(
        self, name: str, poll: Callable[[], None], interval_s: float, trouble: str
    ) -> None:
        self.poll = poll
        self.interval_s = interval_s
        self.trouble = trouble
        self._failing = False
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._logger = logging.getLogger(poll.__module__)

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def start(self, *, poll_now: bool = True) -> None:
        """Poll now, unless the first poll can wait, and start the thread."""
        if poll_now:
            self.poll_now()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def poll_now(self) -> bool:
        """Poll, and tell whether that succeeded; a failure is logged, not raised."""
        try:
            self.poll()
        except Exception as error:
            if not self._failing:
                unexpected = None if isinstance(error, AWAY) else error
                line = "%s: %s", self.trouble, cause(error)
                self._logger.log(logging.ERROR, *line, exc_info=unexpected)
            self._failing = True
        else:
            self._failing = False
        return not self._failing

    def _run(self) -> None:
        while not self._stopping.wait(self.interval_s):
            self.poll_now()
