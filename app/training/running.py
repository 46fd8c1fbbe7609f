"""Runs a training that may be interrupted: checkpoints at an interval, and when it is told to stop.

SIGTERM and SIGINT let it stop after the batch that is being computed, write a checkpoint and leave.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from model import checkpoint
from model.training import EpochReport, Trainer

# Below the folder of the published models: on the same, lasting disk.
FOLDER = ".checkpoint"
# Where no interval is given: seldom enough to cost nothing, often enough to lose little.
SECONDS_BETWEEN = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class TrainingStoppedError(Exception):
    """The training was told to stop; what it had done lies in a checkpoint."""

    def __init__(self, signal_number: int, epoch: int) -> None:
        name = signal.Signals(signal_number).name
        super().__init__(
            f"stopped by {name} after {epoch} whole epochs; "
            "`recommender train --resume` with the same options goes on from here"
        )
        self.exit_code = 128 + signal_number  # as a shell reports it


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Epochs between two checkpoints (default: a minute), and whether to go on from the last."""

    every: int | None = None
    resume: bool = False


def run(
    trainer: Trainer,
    models_dir: Path,
    checkpoints: Checkpoints,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> float:
    """Train to the end, from the last checkpoint on if asked; the seconds spent before that one.

    Raises `TrainingStoppedError` after SIGTERM or SIGINT, and what `Trainer` raises.
    """
    folder = models_dir / FOLDER
    if checkpoints.resume:
        trainer.resume(folder)
    seconds_before = sum(report.seconds for report in trainer.curve)
    saved = time.monotonic()
    with _stopping(trainer) as received:
        for report in trainer.epochs():
            if on_epoch is not None:
                on_epoch(report)
            if _is_due(checkpoints.every, report.epoch, saved) and not trainer.finished:
                trainer.save(folder)
                saved = time.monotonic()
        if not trainer.finished:
            trainer.save(folder)
            raise TrainingStoppedError(received[0], len(trainer.curve))
    return seconds_before


def remove_checkpoints(trainer: Trainer, models_dir: Path) -> None:
    """Remove what a run has kept, once it is published."""
    checkpoint.remove(models_dir / FOLDER, trainer.identity)


def _is_due(every: int | None, epoch: int, saved: float) -> bool:
    if every is None:
        return time.monotonic() - saved >= SECONDS_BETWEEN
    return epoch % every == 0


@contextmanager
def _stopping(trainer: Trainer) -> Iterator[list[int]]:
    """Let the first SIGTERM or SIGINT stop the training; a second one acts as ever.

    Yields the signals received. Does nothing but in the main thread, where alone signals arrive.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        trainer.stop()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
