"""Stops a training at SIGTERM or SIGINT, after the batch that is being computed."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from app.jobs.errors import TrainingStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from app.jobs.checkpoints import AnyTrainer

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGTERM and SIGINT within the block."""
    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interruption:
    """Handles the first SIGTERM or SIGINT within the block; a second one has its usual effect.

    A training stops after its batch, anything else ends at once. Without effect outside the main
    thread, the only one that receives signals.
    """

    def __init__(self) -> None:
        self.when = "before its first epoch"  # of a signal, unless it trains
        self._trainer: AnyTrainer | None = None
        self._received: int | None = None
        self._handlers = ExitStack()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handlers.enter_context(stop_signals(self._receive))
        return self

    def __exit__(self, *_: object) -> None:
        self._handlers.close()

    @contextmanager
    def of(self, trainer: AnyTrainer) -> Iterator[None]:
        """Let a training finish its batch, within the block."""
        self._trainer = trainer
        try:
            yield
        finally:
            self._trainer = None

    def stop_training(self) -> None:
        """Let the training in progress end after its batch; from any thread."""
        trainer = self._trainer
        if trainer is not None:
            trainer.stop()

    def error(self, when: str) -> TrainingStoppedError:
        """Make the error of a training that was stopped."""
        return TrainingStoppedError(self._received or signal.SIGTERM, when)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self._received = number
        self._handlers.close()
        if self._trainer is None:
            raise TrainingStoppedError(number, self.when)
        self._trainer.stop()
