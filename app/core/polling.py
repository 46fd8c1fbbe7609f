"""A thread that looks at the database again and again for as long as the service runs."""

import logging
from collections.abc import Callable
from threading import Event, Thread

# What a look is doing may be slow and cannot be interrupted; the process need not wait for it.
STOP_S = 5.0


class Poller:
    """Looks once when it starts, and then every so many seconds.

    A look that fails, whatever the reason, is logged as `trouble`, once and not every time, and
    the next one comes as usual.
    """

    def __init__(self, name: str, look: Callable[[], None], every_s: float, trouble: str) -> None:
        self.look = look
        self.every_s = every_s
        self.trouble = trouble
        self._failing = False
        self._stopping = Event()
        self._thread = Thread(target=self._follow, name=name, daemon=True)
        self._logger = logging.getLogger(look.__module__)

    def start(self, *, poll_now: bool = True) -> None:
        """Look now, unless the first look can wait, and follow from now on."""
        if poll_now:
            self.poll_now()
        self._thread.start()

    def stop(self) -> None:
        """End following."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def poll_now(self) -> None:
        """Look; a failure is logged, not raised."""
        try:
            self.look()
        except Exception:
            if not self._failing:
                self._logger.exception(self.trouble)
            self._failing = True
        else:
            self._failing = False

    def _follow(self) -> None:
        while not self._stopping.wait(self.every_s):
            self.poll_now()
