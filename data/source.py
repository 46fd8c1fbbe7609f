"""Files of a data set: a file, a folder or a zip.

A zip is read in place, member by member: no unpacked files can be left behind. Its table of
contents is checked all the same.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import stat
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol, cast

from data.release import DatasetError
from data.rules import brief, flaw, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data.progress import Progress

__all__ = [
    "STANDARD_INPUT",
    "ByteStream",
    "DataFile",
    "MeteredStream",
    "checksum",
    "data_file",
    "files_of",
    "max_unpacked",
    "spooled",
]

STANDARD_INPUT = "standard input"

# The largest release (33 million ratings with its tag genome) unpacks to about 1.5 GB.
MAX_UNPACKED_BYTES = 4 * 1024**3
# Ratings pack to a fourth or fifth, very regular ones to a twentieth; one repeated line to a
# thousandth.
MAX_EXPANSION = 100
# What any file may unpack to.
HARMLESS_BYTES = 64 * 1024**2
# A release has at most a few dozen files.
MAX_ZIP_ENTRIES = 1_000
MAX_ENTRY_NAME_LENGTH = 255
_READABLE_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class ByteStream(Protocol):
    """A stream to read: a file, a member of a zip or a `MeteredStream`."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all that is left where `size` is negative."""
        ...

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line, or its first `size` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class DataFile:
    """One readable file, on its own or inside a zip.

    Parameters
    ----------
    label : str
        Its name in error messages: its path, for a member of a zip after the path of the zip.
    size : int
        Bytes, of a member of a zip unpacked.
    path : Path, optional
        Where it lies, if it is not inside a zip.
    is_packed : bool
        Whether what is read is longer than `size`, by gzip.
    """

    label: str
    size: int
    _opener: Callable[[], IO[bytes]]
    path: Path | None = None
    is_packed: bool = False

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.label).name

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the file as a stream.

        Raises
        ------
        DatasetError
            The file, or its part of the zip, is missing, truncated or damaged.
        """
        try:
            with self._opener() as stream:
                yield stream
        # NotImplementedError: a version of the format that the standard library does not know.
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise DatasetError(f"{self.label} cannot be read: {brief(error)}") from error


class MeteredStream(io.RawIOBase):
    """A stream that is hashed and counted while it is read.

    Parameters
    ----------
    stream : ByteStream
        The stream to read.
    on_read : callable, optional
        Called with the number of bytes read so far.
    """

    def __init__(self, stream: ByteStream, on_read: Callable[[int], None] | None = None) -> None:
        self._stream = stream
        self._on_read = on_read
        self._sha256 = hashlib.sha256()
        self._done = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all that is left where `size` is negative."""
        return self._metered(self._stream.read(size))

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the next line, or its first `size` bytes."""
        return self._metered(self._stream.readline(-1 if size is None else size))

    def sha256(self) -> str:
        """Read to the end and return the checksum of the whole stream, in hexadecimal."""
        while self.read(1 << 20):
            pass
        return self._sha256.hexdigest()

    def _metered(self, block: bytes) -> bytes:
        self._sha256.update(block)
        self._done += len(block)
        if self._on_read is not None:
            self._on_read(self._done)
        return block


def max_unpacked(packed: int) -> int:
    """Return the number of bytes that a file of so many bytes may unpack to."""
    return max(HARMLESS_BYTES, MAX_EXPANSION * packed)


def checksum(**sha256_by_role: str | None) -> str:
    """Combine the checksums of files into one, as `data.release.Release.sha256` says."""
    lines = (f"{role} {value}\n" for role, value in sha256_by_role.items() if value is not None)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def data_file(path: Path) -> DataFile:
    """Return a plain file.

    Raises
    ------
    DatasetError
        There is no such file, or it is empty.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is not a file")
    if path.stat().st_size == 0:
        raise DatasetError(f"{path} is empty")
    return _plain_file(path)


@contextmanager
def spooled(stream: IO[bytes], progress: Progress) -> Iterator[DataFile]:
    """Write standard input to a temporary file, which is removed at the end of the block.

    Raises
    ------
    DatasetError
        It is a terminal, empty or unreasonably large, or there is no room for it.
    """
    if stream.isatty():
        raise DatasetError(f"{STANDARD_INPUT} is a terminal: pipe a file to it")
    with tempfile.NamedTemporaryFile(prefix="recommender-") as file:
        try:
            size = _received(stream, cast("IO[bytes]", file), progress)
        except OSError as error:
            raise DatasetError(f"{STANDARD_INPUT} cannot be read: {brief(error)}") from error
        if size == 0:
            raise DatasetError(f"{STANDARD_INPUT} is empty")
        path = Path(file.name)
        yield DataFile(STANDARD_INPUT, size, partial(_open_file, path), path)


def _received(stream: IO[bytes], file: IO[bytes], progress: Progress) -> int:
    size = 0
    while block := stream.read(1 << 20):
        size += file.write(block)
        if size > MAX_UNPACKED_BYTES:
            raise DatasetError(f"{STANDARD_INPUT} is longer than {MAX_UNPACKED_BYTES} bytes")
        progress("receive", size, None)
    file.flush()
    return size


def _plain_file(path: Path) -> DataFile:
    size = path.stat().st_size
    if path.suffix.lower() == ".gz":
        return DataFile(str(path), size, partial(_open_packed, path), path, is_packed=True)
    return DataFile(str(path), size, partial(_open_file, path), path)


def files_of(path: Path) -> dict[str, DataFile]:
    """List the files of a folder or a zip, and of the folders directly in it.

    Returns
    -------
    dict
        Files by their path relative to `path`, with ``/`` between the parts.

    Raises
    ------
    DatasetError
        `path` is neither a folder nor a zip, or the zip is damaged, encrypted, unreasonably large
        or has an entry that would leave the folder that it is unpacked to.
    """
    if path.is_dir():
        found = [*path.glob("*"), *path.glob("*/*")]
        return {
            file.relative_to(path).as_posix(): _plain_file(file)
            for file in sorted(found)
            if file.is_file()
        }
    return _zip_members(path)


def _open_file(path: Path) -> IO[bytes]:
    return path.open("rb")


def _open_packed(path: Path) -> IO[bytes]:
    limit = min(max_unpacked(path.stat().st_size), MAX_UNPACKED_BYTES)
    return cast("IO[bytes]", _Unpacked(path, limit))


class _Unpacked(gzip.GzipFile):
    """A file packed by gzip that ends with an error where it unpacks to more than `limit`."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self._limit = limit

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes."""
        return self._within(super().read(size))

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line, or its first `size` bytes."""
        return self._within(super().readline(size))

    def _within(self, block: bytes) -> bytes:
        if self.tell() > self._limit:
            raise gzip.BadGzipFile(f"it unpacks to more than {MAX_EXPANSION} times its size")
        return block


def _zip_members(path: Path) -> dict[str, DataFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception as error:  # a damaged table of contents raises nearly anything
        raise DatasetError(f"{path} cannot be read as a zip: {brief(error)}") from error
    _check_entries(path, entries)
    return {
        entry.filename: DataFile(
            f"{path}/{entry.filename}",
            entry.file_size,
            partial(_open_member, path, entry),
        )
        for entry in entries
        if not entry.is_dir() and entry.filename.count("/") <= 1
    }


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ZIP_ENTRIES:
        raise DatasetError(f"{path} has {len(entries)} entries, more than {MAX_ZIP_ENTRIES}")
    names: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        what = _problem(entry) or ("is there twice" if entry.filename in names else None)
        if what:
            raise DatasetError(f"{path} has the entry {shown(name)}, which {what}")
        names.add(entry.filename)
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED_BYTES:
        raise DatasetError(f"{path} unpacks to {size} bytes, more than {MAX_UNPACKED_BYTES}")
    # Entries that share their bytes would pass the check of each by itself.
    if size > max_unpacked(path.stat().st_size):
        raise DatasetError(f"{path} unpacks to more than {MAX_EXPANSION} times its size")


def _problem(entry: zipfile.ZipInfo) -> str | None:
    name = entry.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        return "escapes its folder"
    if not name or flaw(name, MAX_ENTRY_NAME_LENGTH):
        return "has no name of a file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if entry.file_size > max_unpacked(entry.compress_size):
        return f"unpacks to more than {MAX_EXPANSION} times its size"
    return None


def _open_member(path: Path, entry: zipfile.ZipInfo) -> IO[bytes]:
    """Open a member of a zip; the archive is closed with it."""
    if entry.compress_type not in _READABLE_COMPRESSION:
        raise zipfile.BadZipFile(f"compression method {entry.compress_type} is not supported")
    with zipfile.ZipFile(path) as archive:  # its file stays open as long as the member does
        try:
            return archive.open(entry)
        except ValueError as error:  # a name in the header that is no text
            raise zipfile.BadZipFile(brief(error)) from error
