"""A model as one file, to be carried to another installation: an uncompressed tar of its folder.

    <version>/SHA256       the checksum of card.json, as `sha256sum --check` reads it
    <version>/card.json    holds the checksums of all that follow
    <version>/W.npy        and so on

It is read by the few lines below. A tar can hold links, devices, names that lead out of a folder
and headers of any length; nothing of that is followed or passed over: what is no plain file of a
model is refused.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from model import artifact

SUFFIX = ".tar"
SUM = "SHA256"
BLOCK = tarfile.BLOCKSIZE
CHUNK = 2**20
# A card has a line an epoch and a figure a group of movies: some ten kilobytes.
MAX_CARD_LENGTH = 16 * 2**20
# A model has six files.
MAX_FILES = 32

MEMBER = re.compile(
    r"(?P<version>[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4})/(?P<file>[A-Za-z0-9][A-Za-z0-9._-]{0,63})"
)
SUM_LINE = re.compile(rb"([0-9a-f]{64})  card\.json\n")


class ArchiveError(ValueError):
    """The file is no archive of a model, or not as it was written."""


class Export(NamedTuple):
    """An archive that is written while it is read."""

    length: int
    chunks: Generator[bytes]


class Received(NamedTuple):
    """What an archive has brought."""

    version: str
    sha256: str
    card: dict[str, Any]


class _Member(NamedTuple):
    version: str
    file: str
    length: int


def pack(folder: Path, sha256: str) -> Export:
    """Write the folder of a model as an archive; raises `ArtifactError` where it is not whole.

    All files are open on return, so that the model can be removed while the archive is sent.
    """
    chunks = _pack(folder, sha256)
    length = int.from_bytes(next(chunks))
    return Export(length, chunks)


def unpack(file: IO[bytes], folder: Path) -> Received:
    """Read an archive into a new folder, each file against its checksum; raises `ArchiveError`."""
    folder.mkdir()
    version, sha256 = _read_sum(file)
    card = _read_card(file, folder, version, sha256)
    missing = dict(card["files"])
    while member := _next_member(file):
        if member.version != version or member.file not in missing:
            raise ArchiveError(f"{member.version}/{member.file} is not one of the model's files")
        found = _copy(file, folder / member.file, member.length)
        if found != missing.pop(member.file):
            raise ArchiveError(f"{member.file} is damaged: its checksum is not the card's")
    if missing:
        raise ArchiveError(f"the archive ends before {min(missing)}")
    artifact.sync_folder(folder)
    return Received(version, sha256, card)


def _pack(folder: Path, sha256: str) -> Generator[bytes]:
    """Give the length of the archive in 8 bytes, and then the archive."""
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {SUM: BytesIO(f"{sha256}  {artifact.CARD}\n".encode())}
        files |= _open_whole(folder, sha256, stack)
        lengths = {name: file.seek(0, os.SEEK_END) for name, file in files.items()}
        padded = [BLOCK + length + -length % BLOCK for length in lengths.values()]
        yield (sum(padded) + 2 * BLOCK).to_bytes(8)
        modified = int(os.fstat(files[artifact.CARD].fileno()).st_mtime)
        for name, file in files.items():
            entry = tarfile.TarInfo(f"{folder.name}/{name}")
            entry.size, entry.mtime = lengths[name], modified
            yield entry.tobuf(tarfile.GNU_FORMAT)
            file.seek(0)
            while part := file.read(CHUNK):
                yield part
            yield bytes(-lengths[name] % BLOCK)
        yield bytes(2 * BLOCK)


def _open_whole(folder: Path, sha256: str, stack: ExitStack) -> dict[str, IO[bytes]]:
    """Open the files of a model, the card first."""
    card = _open_checked(folder / artifact.CARD, sha256, stack)
    card.seek(0)
    checksums: dict[str, str] = json.load(card)["files"]
    others = {name: _open_checked(folder / name, checksums[name], stack) for name in checksums}
    return {artifact.CARD: card, **others}


def _open_checked(path: Path, sha256: str, stack: ExitStack) -> IO[bytes]:
    try:
        file = stack.enter_context(path.open("rb"))
        found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise artifact.ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if found != sha256:
        raise artifact.ArtifactError(f"{path} is damaged: its checksum is not the published one")
    return file


def _read_sum(file: IO[bytes]) -> tuple[str, str]:
    member = _next_member(file)
    if member is None or member.file != SUM or member.length > BLOCK:
        raise ArchiveError("it is no archive of a model")
    line = SUM_LINE.fullmatch(b"".join(_content(file, member.length)))
    if line is None:
        raise ArchiveError(f"{SUM} holds no checksum of {artifact.CARD}")
    return member.version, line[1].decode()


def _read_card(file: IO[bytes], folder: Path, version: str, sha256: str) -> dict[str, Any]:
    member = _next_member(file)
    if member is None or member[:2] != (version, artifact.CARD) or member.length > MAX_CARD_LENGTH:
        raise ArchiveError(f"{artifact.CARD} is not the second file")
    path = folder / artifact.CARD
    if _copy(file, path, member.length) != sha256:
        raise ArchiveError(f"{artifact.CARD} is damaged: its checksum is not that of {SUM}")
    return _parse_card(path.read_bytes())


def _parse_card(content: bytes) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(content)
        # Raises for what no database takes: numbers that are not finite, halves of a character.
        text = json.dumps(card, ensure_ascii=False, allow_nan=False).encode()
        names, found = card["files"].keys(), card["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArchiveError(f"{artifact.CARD} is no card of a model") from error
    if found != artifact.FORMAT:
        raise ArchiveError(
            f"{artifact.CARD} has format {found!r}, this version reads {artifact.FORMAT}"
        )
    if len(names) > MAX_FILES or {SUM, artifact.CARD} & names or b"\\u0000" in text:
        raise ArchiveError(f"{artifact.CARD} is no card of a model")
    return card


def _next_member(file: IO[bytes]) -> _Member | None:
    """Read the header of the next file; None at the end of the archive."""
    block = b"".join(_content(file, BLOCK))
    if block == bytes(BLOCK):
        return None
    try:
        entry = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise ArchiveError("it is no archive of a model") from error
    name = MEMBER.fullmatch(entry.name)
    if name is None or entry.type != tarfile.REGTYPE or entry.size < 0:
        raise ArchiveError(f"{entry.name[:200]!r} is no file of a model")
    return _Member(name["version"], name["file"], entry.size)


def _content(file: IO[bytes], length: int) -> Iterator[bytes]:
    """Give so many bytes in parts, and pass over what fills up their last block."""
    left = length
    while left:
        part = file.read(min(left, CHUNK))
        if not part:
            raise ArchiveError("the archive is cut off")
        left -= len(part)
        yield part
    file.read(-length % BLOCK)


def _copy(file: IO[bytes], path: Path, length: int) -> str:
    """Write the content of a file to the disk; return its checksum."""
    digest = hashlib.sha256()
    with artifact.durable(path) as out:
        for part in _content(file, length):
            out.write(part)
            digest.update(part)
    return digest.hexdigest()
