"""The models folder: one folder per version, and temporary names for what is incomplete."""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.registry.errors import VersionTakenError
from data.durable import sync_folder
from model import artifact
from model.rbm import RBM

# Locked while files are written or removed; the system unlocks it when the process ends.
LOCK = ".publishing"
TEMPORARY = ".unfinished-"
REMOVED = ".removed-"


@contextmanager
def locked(models_dir: Path) -> Iterator[None]:
    """Keep other processes from writing into the folder."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(
    models_dir: Path, version: str, rbm: RBM, card: Mapping[str, Any], documents: Mapping[str, str]
) -> str:
    """Write the folder of a version to the disk, whole or not at all; return its checksum.

    Raises `VersionTakenError` if there is a folder of this name.
    """
    with locked(models_dir):
        if (models_dir / version).exists():
            raise VersionTakenError(version)
        remove_unfinished(models_dir)
        temporary = models_dir / f"{TEMPORARY}{version}"
        try:
            sha256 = artifact.save(temporary, rbm, card, documents)
            temporary.rename(models_dir / version)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(models_dir)
    return sha256


def put_in_place(temporary: Path, models_dir: Path, version: str) -> None:
    """Rename a complete folder to its version, in place of any folder of this name."""
    final = models_dir / version
    aside = models_dir / f"{TEMPORARY}damaged-{version}"
    if final.exists():
        final.rename(aside)
    temporary.rename(final)
    sync_folder(models_dir)
    shutil.rmtree(aside, ignore_errors=True)


def remove_unfinished(models_dir: Path) -> None:
    """Remove what killed processes have left; the caller has the lock, so none of it is in use."""
    for path in models_dir.glob(f"{TEMPORARY}*"):
        shutil.rmtree(path)
