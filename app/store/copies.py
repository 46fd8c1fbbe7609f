"""Copies of models on this machine: made by one process, read by all, the latest used are kept.

<version>/             a whole copy; who reads it holds a shared lock of this folder
.copying-<version>/    one that is being made, by the process that holds an exclusive lock of it

The system releases the locks of a process that ends.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from app.store.folder import REMOVED, Copy
from data.durable import sync_folder

COPYING = ".copying-"


class Copies:
    """A folder with copies; of those that nobody reads, it keeps `room` bytes."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder = folder
        self.room = room

    def find(self, version: str) -> Copy | None:
        """Return a copy, held from now on; None if there is none."""
        path = self.folder / version
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return None
        copy = Copy(path, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if not _is_at(descriptor, path):
            copy.close()
            return None
        with suppress(OSError):
            os.utime(descriptor)  # used last
        return copy

    def make(self, version: str, fill: Callable[[Path], None]) -> Copy | None:
        """Make a copy, held from now on; None where another process did so meanwhile.

        `fill` is given a new folder.
        """
        temporary = self.folder / f"{COPYING}{version}"
        temporary.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # another process has just finished
            return None
        copy = Copy(self.folder / version, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not _is_at(descriptor, temporary) or copy.folder.exists():
            copy.close()
            return None
        try:
            self._fill(temporary, version, fill)
        except BaseException:
            copy.close()
            raise
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # of the same folder, which has its name now
        self.trim()
        return copy

    def drop(self, version: str) -> None:
        """Remove a copy, whoever reads it."""
        aside = self.folder / f"{REMOVED}{version}-{token_hex(4)}"
        with suppress(FileNotFoundError):
            (self.folder / version).rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def trim(self) -> None:
        """Remove the copies that were used longest ago, as far as there is no room for them."""
        for path in self.folder.glob(f"{REMOVED}*"):  # of a process that was killed
            shutil.rmtree(path, ignore_errors=True)
        kept = 0
        for path in sorted(self.folder.glob("[!.]*"), key=_used_at, reverse=True):
            kept += self._drop_unused(path, self.room - kept)

    def _fill(self, temporary: Path, version: str, fill: Callable[[Path], None]) -> None:
        for path in temporary.iterdir():  # of a process that was killed
            path.unlink()
        try:
            fill(temporary)
            temporary.rename(self.folder / version)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(self.folder)

    def _drop_unused(self, path: Path, room: int) -> int:
        """Remove a copy that nobody reads, if it is larger than the room; return what it takes."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return 0
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = sum(file.stat().st_size for file in path.iterdir())
            if size <= room:
                return size
            self.drop(path.name)
        except OSError:
            pass  # it is in use, or another process removes it
        finally:
            os.close(descriptor)
        return 0


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open folder still has this name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _used_at(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0
