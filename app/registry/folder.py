"""The folder of the models: a folder for each version, and names for what is on its way."""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model import artifact
from model.rbm import RBM

# Held while files are written or removed; the system lets go of it when the process dies.
LOCK = ".publishing"
TEMPORARY = ".unfinished-"
REMOVED = ".removed-"


@contextmanager
def locked(models_dir: Path, *, wait: bool = True) -> Iterator[None]:
    """Let nobody else write into the folder; raises `BlockingIOError` where it may not wait."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def write(
    models_dir: Path, version: str, rbm: RBM, card: Mapping[str, Any], documents: Mapping[str, str]
) -> str:
    """Make the folder of a version appear as a whole, on the disk; return its checksum."""
    with locked(models_dir):
        remove_left_over(models_dir)
        temporary = models_dir / f"{TEMPORARY}{version}"
        try:
            sha256 = artifact.save(temporary, rbm, card, documents)
            temporary.rename(models_dir / version)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        artifact.sync_folder(models_dir)
    return sha256


def put_in_place(temporary: Path, models_dir: Path, version: str) -> None:
    """Give a folder that is whole the name of its version, in place of what is left under it."""
    final = models_dir / version
    aside = models_dir / f"{TEMPORARY}damaged-{version}"
    if final.exists():
        final.rename(aside)
    temporary.rename(final)
    artifact.sync_folder(models_dir)
    shutil.rmtree(aside, ignore_errors=True)


def remove_strays(models_dir: Path) -> list[str]:
    """Remove what killed publications have left half-written, unless one is under way now."""
    if not models_dir.is_dir():
        return []
    try:
        with locked(models_dir, wait=False):
            return remove_left_over(models_dir)
    except BlockingIOError:
        return []


def remove_left_over(models_dir: Path) -> list[str]:
    """Do so for a process that holds the lock: whoever made these held it, and is dead."""
    strays = sorted(models_dir.glob(f"{TEMPORARY}*"))
    for stray in strays:
        shutil.rmtree(stray)
    return [stray.name for stray in strays]
