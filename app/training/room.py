"""Room on the disk of the models folder: what a training needs, and whether it is there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.jobs.checkpoints import FOLDER
from app.jobs.errors import NoRoomError
from app.jobs.failures import is_disk_full
from model.config import Config

# Copies of the weights that are on the disk at one time: the model, and two checkpoints while one
# replaces the other, each with parameters, last update and sum. One more is for the prior.
COPIES = 8
# A coupling has an index and a value.
COUPLING_BYTES = 8
# Card, report card, and what varies.
FIXED_BYTES = 16 * 2**20


def needed_bytes(n_movies: int, config: Config) -> int:
    """Return the room that a training and its model take at most."""
    weights = 4 * (2 * n_movies + 1) * (config.n_hidden + 1)
    return COPIES * weights + COUPLING_BYTES * n_movies * config.coupling_neighbours + FIXED_BYTES


def refuse_too_little(models_dir: Path, needed: int) -> None:
    """Raise `NoRoomError` where less is free; an earlier checkpoint will be replaced."""
    free = _free_bytes(models_dir) + _size(models_dir / FOLDER)
    if free < needed:
        raise NoRoomError(models_dir, needed, free)


@contextmanager
def room_for(models_dir: Path, needed: int) -> Iterator[None]:
    """Refuse a block that needs more than is free; say so too where the disk fills up within."""
    refuse_too_little(models_dir, needed)
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise NoRoomError(models_dir, needed, _free_bytes(models_dir)) from error


def _free_bytes(folder: Path) -> int:
    """Free bytes of its disk; the folder may not exist yet."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # removed since
            total += path.stat().st_size
    return total
