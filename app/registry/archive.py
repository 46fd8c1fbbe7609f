"""A model as one file, for another installation: an uncompressed tar of its folder.

<version>/SHA256       the checksum of card.json, as `sha256sum --check` reads it
<version>/card.json    holds the checksums of the files that follow
<version>/W.npy        and so on
"""

import json
import os
import re
import tarfile
from collections.abc import Generator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from app.core.archive import (
    ArchiveError,
    blocks,
    checked_blocks,
    entry,
    open_member,
    open_tar,
    sha256_of,
)
from data.documents import MAX_DOCUMENT_BYTES, parse
from data.durable import new_file, sync_folder
from model import artifact

SUFFIX = ".tar"
SUM = "SHA256"
BLOCK = tarfile.BLOCKSIZE
# A model has six files.
MAX_FILES = 32

MEMBER = re.compile(
    r"(?P<version>[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4,16})/(?P<file>[A-Za-z0-9][A-Za-z0-9._-]{0,63})"
)
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SHA256 = re.compile("[0-9a-f]{64}")
SUM_LINE = re.compile(rb"([0-9a-f]{64})  card\.json\n")


class Export(NamedTuple):
    """An archive that is written while it is read."""

    length: int
    chunks: Generator[bytes]


class Received(NamedTuple):
    """The model of an archive."""

    version: str
    sha256: str
    card: dict[str, Any]


class _Member(NamedTuple):
    version: str
    file: str
    length: int
    content: IO[bytes]


def pack(folder: Path, sha256: str) -> Export:
    """Write the folder of a model as an archive; raises `ArtifactError` if it is damaged.

    All files are open on return, so the model can be removed while the archive is sent.
    """
    chunks = _pack(folder, sha256)
    length = int.from_bytes(next(chunks))
    return Export(length, chunks)


def unpack(file: IO[bytes], folder: Path) -> Received:
    """Read an archive into a new folder, each file against its checksum; raises `ArchiveError`."""
    folder.mkdir()
    with open_tar(file, "r|") as tar:
        version, sha256 = _read_sum(_next_member(tar))
        card = _read_card(_next_member(tar), folder, version, sha256)
        missing = dict(card["files"])
        while member := _next_member(tar):
            if member.version != version or member.file not in missing:
                name = f"{member.version}/{member.file}"
                raise ArchiveError(f"{name} is not one of the model's files")
            _copy(member, folder, missing.pop(member.file))
    if missing:
        raise ArchiveError(f"the archive is cut off: it ends before {min(missing)}")
    sync_folder(folder)
    return Received(version, sha256, card)


def open_whole(folder: Path, sha256: str, stack: ExitStack) -> dict[str, tuple[IO[bytes], str]]:
    """Open the files of a model, the card first, with their checksums.

    Raises `ArtifactError` if a file is missing or damaged.
    """
    card = _open_checked(folder / artifact.CARD, sha256, stack)
    card.seek(0)
    checksums: dict[str, str] = json.load(card)["files"]
    others = {
        name: (_open_checked(folder / name, expected, stack), expected)
        for name, expected in checksums.items()
    }
    return {artifact.CARD: (card, sha256), **others}


def _pack(folder: Path, sha256: str) -> Generator[bytes]:
    """Yield the length of the archive in 8 bytes, and then the archive."""
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {SUM: BytesIO(f"{sha256}  {artifact.CARD}\n".encode())}
        files |= {name: file for name, (file, _) in open_whole(folder, sha256, stack).items()}
        lengths = {name: file.seek(0, os.SEEK_END) for name, file in files.items()}
        padded = [BLOCK + length + -length % BLOCK for length in lengths.values()]
        yield (sum(padded) + 2 * BLOCK).to_bytes(8)
        modified = int(os.fstat(files[artifact.CARD].fileno()).st_mtime)
        for name, file in files.items():
            header = entry(f"{folder.name}/{name}", lengths[name], modified=modified)
            yield header.tobuf(tarfile.GNU_FORMAT)
            file.seek(0)
            yield from blocks(file)
            yield bytes(-lengths[name] % BLOCK)
        yield bytes(2 * BLOCK)


def _open_checked(path: Path, sha256: str, stack: ExitStack) -> IO[bytes]:
    try:
        file = stack.enter_context(path.open("rb"))
        found = sha256_of(file)
    except OSError as error:
        raise artifact.ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if found != sha256:
        raise artifact.ArtifactError(f"{path} is damaged: its checksum is not the published one")
    return file


def _next_member(tar: tarfile.TarFile) -> _Member | None:
    """Read the header of the next file; None at the end of the archive."""
    header = tar.next()
    if header is None:
        return None
    name = MEMBER.fullmatch(header.name)
    if name is None:
        raise ArchiveError(f"{header.name[:200]!r} is no file of a model")
    return _Member(name["version"], name["file"], header.size, open_member(tar, header))


def _read_sum(member: _Member | None) -> tuple[str, str]:
    if member is None or member.file != SUM or member.length > BLOCK:
        raise ArchiveError("it is no archive of a model")
    line = SUM_LINE.fullmatch(member.content.read())
    if line is None:
        raise ArchiveError(f"{SUM} holds no checksum of {artifact.CARD}")
    return member.version, line[1].decode()


def _read_card(member: _Member | None, folder: Path, version: str, sha256: str) -> dict[str, Any]:
    if (
        member is None
        or member[:2] != (version, artifact.CARD)
        or member.length > MAX_DOCUMENT_BYTES
    ):
        raise ArchiveError(f"the archive is cut off, or {artifact.CARD} is not its second file")
    _copy(member, folder, sha256)
    return _parse_card((folder / artifact.CARD).read_bytes())


def _parse_card(content: bytes) -> dict[str, Any]:
    try:
        card = parse(content)
        files = card["files"].items()
    except (ValueError, KeyError, AttributeError) as error:
        raise ArchiveError(f"{artifact.CARD} is no card of a model") from error
    named = all(
        FILE.fullmatch(name) and isinstance(sha256, str) and SHA256.fullmatch(sha256)
        for name, sha256 in files
    )
    if not named or len(files) > MAX_FILES or {SUM, artifact.CARD} & card["files"].keys():
        raise ArchiveError(f"{artifact.CARD} is no card of a model")
    return card


def _copy(member: _Member, folder: Path, sha256: str) -> None:
    with new_file(folder / member.file) as out:
        out.writelines(checked_blocks(member.content, member.file, sha256))
