"""The file of a back-up: a zip with a manifest that holds the checksum of everything else.

manifest.json              format, revision of the schema, rows and columns of each table,
                           length and SHA-256 of each file below
tables/<table>.jsonl       one JSON array a row
models/<version>/<file>    the artifacts, as they lie in the models folder
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1
MANIFEST = "manifest.json"
# Of a database with thousands of models; a longer one is none of ours.
MAX_MANIFEST_LENGTH = 64 * 2**20
# The longest row has a card of a model, some ten kilobytes.
MAX_LINE_LENGTH = 64 * 2**20
BLOCK = 2**20

# Nothing else is ever in a back-up, so no name in it can lead out of the models folder.
PLAIN = "[A-Za-z0-9][A-Za-z0-9._-]*"
MODEL_FILE = re.compile(f"models/(?P<version>{PLAIN})/(?P<file>{PLAIN})")


class BackupError(Exception):
    """The back-up cannot be made or used; nothing was changed."""


class DamagedBackupError(BackupError):
    """The file is no back-up, or not as it was written."""


class Part(BaseModel):
    """A file within the archive."""

    model_config = ConfigDict(frozen=True)

    length: int = Field(ge=0)
    sha256: str


class TablePart(BaseModel):
    """What a table holds."""

    model_config = ConfigDict(frozen=True)

    columns: list[str]
    rows: int = Field(ge=0)


class Manifest(BaseModel):
    """What a back-up holds."""

    model_config = ConfigDict(frozen=True)

    format: int
    program: str = Field(description="Version that wrote it")
    created_at: str
    revision: str = Field(description="Of the schema, as Alembic names it")
    tables: dict[str, TablePart]
    models: list[str] = Field(description="Versions whose files are in the back-up")
    missing_models: list[str] = Field(description="Versions whose files were damaged or away")
    files: dict[str, Part]


class ArchiveWriter:
    """Writes files into an archive, and remembers their checksums."""

    def __init__(self, file: IO[bytes]) -> None:
        self.files: dict[str, Part] = {}
        self._zip = zipfile.ZipFile(file, "w")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the end of the archive."""
        self._zip.close()

    def add(self, name: str, chunks: Iterable[bytes], *, compress: bool) -> None:
        """Write a file as its parts come, however long it is."""
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o600 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        digest, length = hashlib.sha256(), 0
        with self._zip.open(entry, "w", force_zip64=True) as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
                length += len(chunk)
        self.files[name] = Part(length=length, sha256=digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, which comes last since it knows all others."""
        self.add(MANIFEST, [manifest.model_dump_json(indent=2).encode()], compress=True)


class ArchiveReader:
    """Reads the files of an archive, each against its checksum."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
        self.manifest = manifest
        self.path = path
        self._zip = archive

    def chunks(self, name: str) -> Iterator[bytes]:
        """Give a file in parts; raises at its end when it is not what was written."""
        part = self.manifest.files[name]
        digest, length = hashlib.sha256(), 0
        for block in self._blocks(name):
            digest.update(block)
            length += len(block)
            yield block
        if (length, digest.hexdigest()) != (part.length, part.sha256):
            raise DamagedBackupError(f"{self.path} is damaged: {name} is not what was written")

    def _blocks(self, name: str) -> Iterator[bytes]:
        with _naming(self.path):
            file = self._zip.open(name)
        with file:
            while True:
                with _naming(self.path):
                    block = file.read(BLOCK)
                if not block:
                    return
                yield block

    def lines(self, name: str) -> Iterator[bytes]:
        """Give a file line by line; raises where one has no end."""
        begun: list[bytes] = []  # the parts of the last line
        length = 0
        for chunk in self.chunks(name):
            first, *others = chunk.split(b"\n")
            begun.append(first)
            length += len(first)
            if length > MAX_LINE_LENGTH:
                raise DamagedBackupError(f"{self.path} is damaged: {name} has a line without end")
            if others:
                yield b"".join(begun)
                yield from others[:-1]
                begun = [others[-1]]
                length = len(others[-1])
        if length:
            yield b"".join(begun)

    def verify(self) -> None:
        """Read everything; raises `DamagedBackupError` where a checksum or a count is wrong."""
        tables = {table_file(table): part for table, part in self.manifest.tables.items()}
        for name in self.manifest.files:
            if name not in tables:
                for _ in self.chunks(name):
                    pass
                continue
            n_rows = sum(1 for _ in self.lines(name))
            if n_rows != tables[name].rows:
                raise DamagedBackupError(
                    f"{self.path} is damaged: {name} has {n_rows} rows, not {tables[name].rows}"
                )

    def model_files(self, version: str) -> Mapping[str, str]:
        """Give the files of a model, with their names in the archive."""
        found = (MODEL_FILE.fullmatch(name) for name in self.manifest.files)
        return {m["file"]: m[0] for m in found if m is not None and m["version"] == version}


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open a back-up, whose manifest is then known to be of this form."""
    with path.open("rb") as file:
        with _naming(path):
            archive = zipfile.ZipFile(file)
            manifest = _read_manifest(archive, path)
        yield ArchiveReader(archive, manifest, path)


def table_file(table: str) -> str:
    """Name the file of a table."""
    return f"tables/{table}.jsonl"


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        entry = archive.getinfo(MANIFEST)
        if entry.file_size > MAX_MANIFEST_LENGTH:
            raise DamagedBackupError(f"{path} is no back-up: its manifest is too long")
        document: dict[str, Any] = json.loads(archive.read(entry))
        if document["format"] != FORMAT:
            raise BackupError(
                f"{path} has format {document['format']!r}, this version reads {FORMAT}"
            )
        manifest = Manifest.model_validate(document)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedBackupError(f"{path} is no back-up: it has no manifest of ours") from error
    held = sorted(name for name in archive.namelist() if name != MANIFEST)
    tables = {table_file(table) for table in manifest.tables}
    others = [MODEL_FILE.fullmatch(name) for name in held if name not in tables]
    versions = {found["version"] for found in others if found}
    whole = held == sorted(manifest.files) and tables <= set(held) and None not in others
    if not whole or versions != set(manifest.models):
        raise DamagedBackupError(f"{path} is damaged: its files are not those of its manifest")
    return manifest


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except BackupError:
        raise
    except Exception as error:
        # Of a damaged zip nearly anything comes: an offset before its begin, a method unknown.
        raise DamagedBackupError(f"{path} is damaged, or no back-up: {error}") from error
