"""Trains with checkpoints, and resumes from the last one."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from app.db.engine import Database
from app.ratings.user_repository import erased_since
from model import checkpoint
from model.checkpoint import CheckpointError

if TYPE_CHECKING:  # the service does not load what only a training needs
    from app.jobs.interruption import Interruption
    from model.distributed.trainer import DistributedTrainer
    from model.training import EpochReport, Trainer

    AnyTrainer = Trainer | DistributedTrainer

logger = logging.getLogger(__name__)

# Below the folder of the published models: on the same, lasting disk.
FOLDER = ".checkpoint"
# There too: shards of the database for Dask's workers on this machine.
SHARDS = ".shards"
# Where no interval is given: seldom enough to cost nothing, often enough to lose little.
INTERVAL_S = 60.0
# In the note of a checkpoint: that of the ratings which its weights may hold.
REVISION = "ratings_revision"


class Resume(Enum):
    """Whether to resume from the last checkpoint."""

    NO = auto()
    IF_POSSIBLE = auto()  # where it is of the same ratings, settings and warm start
    REQUIRED = auto()


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Epochs between two checkpoints (default: a minute), and whether to resume from the last."""

    every: int | None = None
    resume: Resume = Resume.NO


def train_with_checkpoints(
    trainer: AnyTrainer,
    models_dir: Path,
    checkpoints: Checkpoints,
    interruption: Interruption,
    on_epoch: Callable[[EpochReport], None],
    may_write: Callable[[], bool],
) -> float:
    """Train to the end, or until stopped; return the seconds spent before the resumed checkpoint.

    Leaves a checkpoint either way: where judging or publishing fails, only these are repeated.
    Nothing is written or removed where another process may be training (`may_write`).
    """
    folder = models_dir / FOLDER
    # Of a run that is never resumed; users whose ratings it was trained on may be erased by now.
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


def checkpoint_names(models_dir: Path) -> set[str]:
    """Name all checkpoints; only one run at a time has any."""
    return checkpoint.kept(models_dir / FOLDER)


def remove_checkpoints(models_dir: Path, names: Collection[str] | None = None) -> None:
    """Remove all checkpoints, or those of these names."""
    checkpoint.remove(models_dir / FOLDER, names)


def remove_outdated(database: Database, models_dir: Path) -> None:
    """Remove checkpoints whose weights may hold the ratings of a user who is erased by now.

    A training in progress that has one may not publish either.
    """
    _remove_outdated_shards(database, models_dir / SHARDS)
    found = checkpoint.notes(models_dir / FOLDER)
    revisions = {name: note[REVISION] for name, note in found.items() if REVISION in note}
    if not revisions:
        return
    with database.read() as connection:
        outdated = {name for name, each in revisions.items() if erased_since(connection, each)}
    if outdated:
        remove_checkpoints(models_dir, outdated)
        logger.info("a checkpoint was removed, since a user was erased after it was begun")


def _remove_outdated_shards(database: Database, shards: Path) -> None:
    """Remove the shards of a training on this machine that hold ratings of an erased user."""
    try:
        source = json.loads((shards / "partition.json").read_bytes())["source"]
    except FileNotFoundError:
        return
    with database.read() as connection:
        outdated = erased_since(connection, source[REVISION])
    if outdated:
        rmtree(shards, ignore_errors=True)
        logger.info("the shards of a training were removed, since a user was erased")


def _save_last(trainer: AnyTrainer, folder: Path) -> None:
    try:
        trainer.save(folder)
    except OSError:
        if not trainer.finished:
            raise
        logger.warning("cannot write a checkpoint of the finished training", exc_info=True)


def _resume(trainer: AnyTrainer, folder: Path, resume: Resume) -> bool:
    """Resume from the last checkpoint where that is wanted and possible; tell whether it was."""
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
        return time.monotonic() - saved >= INTERVAL_S
    return epoch % every == 0
