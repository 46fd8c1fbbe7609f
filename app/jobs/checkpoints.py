"""Runs a training that may be interrupted: checkpoints at an interval, and when it is told to stop.

SIGTERM and SIGINT let it stop after the batch that is being computed, write a checkpoint and leave.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import FrameType
from typing import Self

from model import checkpoint
from model.checkpoint import CheckpointError
from model.training import EpochReport, Trainer

logger = logging.getLogger(__name__)

# Below the folder of the published models: on the same, lasting disk.
FOLDER = ".checkpoint"
# Where no interval is given: seldom enough to cost nothing, often enough to lose little.
SECONDS_BETWEEN = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class TrainingStoppedError(Exception):
    """The training was told to stop; what it had done lies in a checkpoint."""

    def __init__(self, signal_number: int, done: str) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name} {done}")
        self.exit_code = 128 + signal_number  # as a shell reports it


class Resume(Enum):
    """Whether to go on from the last checkpoint."""

    NO = auto()
    IF_POSSIBLE = auto()  # where it is of this very run: the same ratings, settings and start
    REQUIRED = auto()


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Epochs between two checkpoints (default: a minute), and whether to go on from the last."""

    every: int | None = None
    resume: Resume = Resume.NO


class Interruption:
    """Lets the first SIGTERM or SIGINT end a job, within the block; a second one acts as ever.

    A training is told to stop, anything else ends at once. Does nothing but in the main thread,
    where alone signals arrive.
    """

    def __init__(self) -> None:
        self._trainer: Trainer | None = None
        self._received: int | None = None
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
            for number in STOP_SIGNALS:
                signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    @contextmanager
    def of(self, trainer: Trainer) -> Iterator[None]:
        """Let a training finish its batch, within the block."""
        self._trainer = trainer
        try:
            yield
        finally:
            self._trainer = None

    def stop_training(self) -> None:
        """Let the training that is under way end after its batch; from any thread."""
        trainer = self._trainer
        if trainer is not None:
            trainer.stop()

    def error(self, done: str) -> TrainingStoppedError:
        """Give what to raise when a training has been stopped."""
        return TrainingStoppedError(self._received or signal.SIGTERM, done)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self._received = number
        self._restore()
        if self._trainer is None:
            raise TrainingStoppedError(number, "before its model was published")
        self._trainer.stop()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def run(
    trainer: Trainer,
    models_dir: Path,
    checkpoints: Checkpoints,
    interruption: Interruption,
    on_epoch: Callable[[EpochReport], None],
    may_write: Callable[[], bool],
) -> float:
    """Train to the end, or until told to stop; the seconds spent before a checkpoint.

    Leaves a checkpoint either way, so that only judging and publishing is to be done again where
    that fails. Nothing is written or removed where somebody else may be training (`may_write`).
    """
    folder = models_dir / FOLDER
    # Of a run that nobody goes on with; it may have been trained on people who were erased since.
    if not _resume(trainer, folder, checkpoints.resume) and may_write():
        checkpoint.remove(folder)
    seconds_before = sum(report.seconds for report in trainer.curve)
    saved = time.monotonic()
    with interruption.of(trainer):
        for report in trainer.epochs():
            on_epoch(report)
            if trainer.finished:
                break
            if _is_due(checkpoints.every, report.epoch, saved) and may_write():
                trainer.save(folder)
                saved = time.monotonic()
        if may_write():
            _save_last(trainer, folder)
    return seconds_before


def kept_checkpoints(models_dir: Path) -> set[str]:
    """Name all checkpoints that there are: only one run at a time keeps any."""
    return checkpoint.kept(models_dir / FOLDER)


def remove_checkpoints(models_dir: Path, names: Collection[str] | None = None) -> None:
    """Remove all checkpoints, or those of these names."""
    checkpoint.remove(models_dir / FOLDER, names)


def _save_last(trainer: Trainer, folder: Path) -> None:
    try:
        trainer.save(folder)
    except OSError:
        if not trainer.finished:
            raise
        logger.warning("cannot keep a checkpoint of the finished training", exc_info=True)


def _resume(trainer: Trainer, folder: Path, resume: Resume) -> bool:
    """Go on from the last checkpoint, where that is wanted and possible; say whether it was."""
    if resume is Resume.NO:
        return False
    try:
        trainer.resume(folder)
    except CheckpointError:
        if resume is Resume.REQUIRED:
            raise
        return False
    return True


def _is_due(every: int | None, epoch: int, saved: float) -> bool:
    if every is None:
        return time.monotonic() - saved >= SECONDS_BETWEEN
    return epoch % every == 0
