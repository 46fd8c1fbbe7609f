"""Files that have reached the disk, and appear under their name whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["new_file", "sync_folder", "whole_file"]


@contextmanager
def whole_file(path: Path, permissions: int = 0o666) -> Iterator[BinaryIO]:
    """Open a file that gets its name at the end of the block, in place of a file of this name.

    Until then it is a hidden file beside `path`, which is removed when the block fails; a process
    that is killed leaves it behind.

    Parameters
    ----------
    path : Path
    permissions : int
        Of the file, less those that the umask takes away.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with new_file(unfinished, permissions) as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def new_file(path: Path, permissions: int = 0o666) -> Iterator[BinaryIO]:
    """Create a file whose content has reached the disk at the end of the block.

    Raises
    ------
    FileExistsError
        There is a file of this name.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, permissions)
    with os.fdopen(descriptor, "w+b") as file:
        yield file
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk: without this, a rename can be lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
