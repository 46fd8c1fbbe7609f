"""Tar archives of plain files; whatever else a tar can hold is refused."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal, Self

BLOCK = 2**20


class ArchiveError(ValueError):
    """The file is no such archive, or is damaged."""


class _PlainFile(tarfile.TarInfo):
    """The header of a plain file.

    Any other is refused before `tarfile` acts on it: links, devices, and extended headers, whose
    content it would read into memory whatever its length. So is what `tarfile` takes for the end
    of an archive: a damaged or a missing header.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            entry = super().frombuf(buf, encoding, errors)
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            if bytes(buf) == bytes(tarfile.BLOCKSIZE):  # the end of the archive
                raise
            is_cut = len(buf) < tarfile.BLOCKSIZE
            raise ArchiveError("the archive is cut off" if is_cut else "it is no tar") from error
        if entry.type != tarfile.REGTYPE or entry.size < 0:
            raise ArchiveError(f"{entry.name[:200]!r} is no plain file")
        return entry


@contextmanager
def open_tar(file: IO[bytes], mode: Literal["r:", "r|"]) -> Iterator[tarfile.TarFile]:
    """Open an archive, in mode `r|` to read its files in their order alone."""
    try:
        with tarfile.open(
            fileobj=file, mode=mode, tarinfo=_PlainFile, encoding="utf-8", errors="strict"
        ) as tar:
            yield tar
    except tarfile.TarError as error:
        raise ArchiveError("the archive is cut off") from error


def open_member(tar: tarfile.TarFile, header: tarfile.TarInfo) -> IO[bytes]:
    """Open a file of an archive to read it."""
    file = tar.extractfile(header)
    if file is None:
        raise ArchiveError(f"{header.name[:200]!r} is no plain file")
    return file


def entry(name: str, length: int, *, modified: int = 0, mode: int = 0o644) -> tarfile.TarInfo:
    """Return the header of a file."""
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = length, modified, mode
    return header


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file in blocks."""
    while block := file.read(BLOCK):
        yield block


def checked_blocks(file: IO[bytes], name: str, sha256: str) -> Iterator[bytes]:
    """Yield the content in blocks; raises `ArchiveError` at the end if its checksum is another."""
    digest = hashlib.sha256()
    for block in blocks(file):
        digest.update(block)
        yield block
    if digest.hexdigest() != sha256:
        raise ArchiveError(f"{name} is damaged: it does not have the checksum {sha256}")


def sha256_of(file: IO[bytes]) -> str:
    """Return the checksum of a file."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
