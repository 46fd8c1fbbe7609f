"""Ctrl-C and SIGTERM: a command that is stopped says what is kept."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedError(Exception):
    """A signal has stopped the command; the message says what is kept."""

    def __init__(self, number: int, kept: str) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}: {kept}")
        self.exit_code = 128 + number  # as a shell reports it


class _SignalReceived(BaseException):
    """Passes through every `except Exception`."""

    def __init__(self, number: int) -> None:
        self.number = number


@contextmanager
def stoppable(kept: Callable[[], str]) -> Iterator[None]:
    """End the block at the first signal, and say what is kept; a second one has its usual effect.

    A signal that is ignored, as in a job that goes on after its terminal, is still ignored.
    """
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: old for number, old in handlers.items() if old is not signal.SIG_IGN}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(number: int, _: FrameType | None) -> None:
        restore()
        raise _SignalReceived(number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except _SignalReceived as received:
        raise StoppedError(received.number, kept()) from None
    finally:
        restore()
