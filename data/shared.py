"""Files that several machines read and write: in a folder that all reach, or below an address.

An address is one that fsspec knows, such as ``s3://bucket/path``; everything else is a path.
"""

from __future__ import annotations

from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING

import fsspec  # type: ignore[import-untyped]

from data.durable import whole_file

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["exists", "local_path", "names_in", "place_of", "read", "remove", "upload", "write"]


def place_of(folder: str, name: str) -> str:
    """Return path or address of a file of a folder."""
    return f"{folder.rstrip('/')}/{name}"


def local_path(place: str) -> Path | None:
    """Return the path of a place in a file system of this machine, None for another one."""
    filesystem, path = _found(place)
    return Path(path) if "file" in filesystem.protocol else None


def read(place: str, most: int = -1) -> bytes:
    """Return the content of a file, of a longer one the first bytes; `FileNotFoundError`."""
    filesystem, path = _found(place)
    with filesystem.open(path, "rb") as file:
        content: bytes = file.read(most)
    return content


def write(place: str, content: bytes) -> None:
    """Write a file, which appears whole or not at all; its folder is made."""
    filesystem, path = _found(place)
    if "file" not in filesystem.protocol:  # stores show an object when it is whole
        filesystem.pipe_file(path, content)
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with whole_file(Path(path)) as file:
        file.write(content)


def upload(path: Path, place: str) -> None:
    """Copy a file of this machine, whole or not at all, without reading it into memory."""
    filesystem, target = _found(place)
    if "file" not in filesystem.protocol:
        filesystem.put_file(str(path), target)
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as source, whole_file(Path(target)) as file:
        copyfileobj(source, file)


def remove(folder: str) -> None:
    """Remove a folder with all that is in it."""
    filesystem, path = _found(folder)
    filesystem.rm(path, recursive=True)


def exists(place: str) -> bool:
    """Tell whether there is a file."""
    filesystem, path = _found(place)
    filesystem.invalidate_cache()
    return bool(filesystem.exists(path))


def names_in(folder: str) -> set[str]:
    """Return the names of the files in a folder, hidden ones apart; none if it is not there."""
    filesystem, path = _found(folder)
    filesystem.invalidate_cache()
    try:
        names = (found.rsplit("/", 1)[-1] for found in filesystem.ls(path, detail=False))
        return {name for name in names if name and not name.startswith(".")}
    except FileNotFoundError:
        return set()


def _found(place: str) -> tuple[AbstractFileSystem, str]:
    return fsspec.core.url_to_fs(place)  # type: ignore[no-any-return]
