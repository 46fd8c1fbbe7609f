"""The file of a back-up: a tar of plain files.

models/<version>/<file>    the artifacts, as they are in the models folder
tables/<table>.jsonl.gz    one JSON array per row
manifest.json              format, revision of the schema, rows and columns of each table,
                           length and SHA-256 of each file above

Format 1 was a zip of the same files, its tables compressed by the zip itself.
"""

import gzip
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from app.core.archive import ArchiveError, checked_blocks, entry, open_member, open_tar, sha256_of
from data.documents import MAX_DOCUMENT_BYTES
from data.rules import brief
from data.source import MAX_EXPANSION, MeteredStream, max_unpacked

FORMAT = 2
ZIP_FORMAT = 1
SUFFIX = ".tar"
MANIFEST = "manifest.json"
# Enough for a database with thousands of models.
MAX_MEMBERS = 100_000
MAX_MANIFEST_LENGTH = 16 * 2**20
# The longest row has the card of a model.
MAX_LINE_LENGTH = MAX_DOCUMENT_BYTES + 2**16
ZIP_MAGIC = b"PK\x03\x04"

# No other file is ever in a back-up, so no name in it can lead out of the models folder.
PLAIN = "[A-Za-z0-9][A-Za-z0-9._-]*"
MODEL_FILE = re.compile(f"models/(?P<version>{PLAIN})/(?P<file>{PLAIN})")

Open = Callable[[], IO[bytes]]
Files = Mapping[str, Open]
Members = list[tuple[str, int, Open]]  # name, length


class BackupError(Exception):
    """The back-up cannot be made or used; nothing was changed."""


class DamagedBackupError(BackupError):
    """The file is no back-up, or is damaged."""


class Part(BaseModel):
    """A file within the archive."""

    model_config = ConfigDict(frozen=True)

    length: int = Field(ge=0)
    sha256: str


class TablePart(BaseModel):
    """The columns of a table, and the number of its rows."""

    model_config = ConfigDict(frozen=True)

    columns: list[str]
    rows: int = Field(ge=0)


class Manifest(BaseModel):
    """The content of a back-up."""

    model_config = ConfigDict(frozen=True)

    format: int
    program: str = Field(description="Version that wrote it")
    created_at: str
    revision: str = Field(description="Of the schema, as Alembic names it")
    tables: dict[str, TablePart]
    models: list[str] = Field(description="Versions whose files are in the back-up")
    missing_models: list[str] = Field(description="Versions whose files were damaged or missing")
    files: dict[str, Part]

    def table_file(self, table: str) -> str:
        """Return the name of the file of a table."""
        return f"tables/{table}.jsonl" + ("" if self.format == ZIP_FORMAT else ".gz")


class ArchiveWriter:
    """Writes files into an archive; `files` has their lengths and checksums."""

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        """Write to `file`; temporary files are in `folder`."""
        self.files: dict[str, Part] = {}
        self._folder = folder
        self._tar = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.GNU_FORMAT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the end of the archive."""
        self._tar.close()

    def add(self, name: str, file: IO[bytes], sha256: str) -> None:
        """Write a file."""
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._tar.addfile(entry(name, length, mode=0o600), file)
        self.files[name] = Part(length=length, sha256=sha256)

    def add_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Compress and write a file, whose length is not known before."""
        with TemporaryFile(dir=self._folder) as packed:
            with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as out:
                out.writelines(lines)
            packed.seek(0)
            self.add(name, packed, sha256_of(packed))

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, which comes last since it describes the others."""
        content = manifest.model_dump_json(indent=2).encode()
        self._tar.addfile(entry(MANIFEST, len(content), mode=0o600), BytesIO(content))


class ArchiveReader:
    """Reads the files of an archive, each against its checksum."""

    def __init__(self, files: Files, manifest: Manifest, path: Path) -> None:
        self.manifest = manifest
        self.path = path
        self._files = files

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file in blocks; raises `DamagedBackupError` at its end if it is damaged."""
        with _naming(self.path), self._files[name]() as file:
            yield from checked_blocks(file, name, self.manifest.files[name].sha256)

    def rows(self, table: str) -> Iterator[bytes]:
        """Yield the lines of a table; raises `DamagedBackupError` at its end if it is damaged."""
        name = self.manifest.table_file(table)
        with _naming(self.path), self._files[name]() as file:
            metered = MeteredStream(file)
            lines = gzip.GzipFile(fileobj=metered) if name.endswith(".gz") else metered
            limit, unpacked = max_unpacked(self.manifest.files[name].length), 0
            while line := lines.readline(MAX_LINE_LENGTH + 1):
                if len(line) > MAX_LINE_LENGTH:
                    raise ArchiveError(f"{name} has a line without end")
                unpacked += len(line)
                if unpacked > limit:
                    raise ArchiveError(f"{name} unpacks to over {MAX_EXPANSION} times its size")
                yield line.removesuffix(b"\n")
            if metered.sha256() != self.manifest.files[name].sha256:
                raise ArchiveError(f"{name} does not have its checksum")

    def verify(self) -> None:
        """Read everything; raises `DamagedBackupError` if a checksum or a count is wrong."""
        for name in self.manifest.files:
            if MODEL_FILE.fullmatch(name):
                for _ in self.chunks(name):
                    pass
        for table, part in self.manifest.tables.items():
            n_rows = sum(1 for _ in self.rows(table))
            if n_rows != part.rows:
                raise DamagedBackupError(
                    f"{self.path} is damaged: {table} has {n_rows} rows, not {part.rows}"
                )

    def model_files(self, version: str) -> Mapping[str, str]:
        """Return the files of a model, with their names in the archive."""
        found = (MODEL_FILE.fullmatch(name) for name in self.manifest.files)
        return {m["file"]: m[0] for m in found if m is not None and m["version"] == version}


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open a back-up and check that its manifest is valid and names all files."""
    with path.open("rb") as file, ExitStack() as stack:
        with _naming(path):
            is_zip = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
            members = _zip_members(file) if is_zip else _tar_members(file, stack)
            files = {name: content for name, _, content in members}
            manifest = _read_manifest(files, ZIP_FORMAT if is_zip else FORMAT, path)
            _check_members([(name, n) for name, n, _ in members if name != MANIFEST], manifest)
        yield ArchiveReader(files, manifest, path)


def _tar_members(file: IO[bytes], stack: ExitStack) -> Members:
    if file.seek(0, os.SEEK_END) % tarfile.RECORDSIZE:
        raise ArchiveError("it is cut off")
    file.seek(0)
    tar = stack.enter_context(open_tar(file, "r:"))
    members: Members = []
    for header in tar:
        if len(members) == MAX_MEMBERS:
            raise ArchiveError(f"it has more than {MAX_MEMBERS} files")
        members.append((header.name, header.size, partial(open_member, tar, header)))
    return members


def _zip_members(file: IO[bytes]) -> Members:
    archive = zipfile.ZipFile(file)
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise ArchiveError(f"it has more than {MAX_MEMBERS} files")
    if sum(entry.file_size for entry in entries) > max_unpacked(file.seek(0, os.SEEK_END)):
        raise ArchiveError(f"it unpacks to over {MAX_EXPANSION} times its size")
    return [(entry.filename, entry.file_size, partial(archive.open, entry)) for entry in entries]


def _read_manifest(files: Files, format_: int, path: Path) -> Manifest:
    try:
        with files[MANIFEST]() as file:
            content = file.read(MAX_MANIFEST_LENGTH + 1)
        if len(content) > MAX_MANIFEST_LENGTH:
            raise DamagedBackupError(f"{path} is no back-up: its manifest is too long")
        document: dict[str, Any] = json.loads(content)
        if document["format"] != format_:
            raise BackupError(
                f"{path} has format {document['format']!r:.60}, this version reads {FORMAT}"
            )
        return Manifest.model_validate(document)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedBackupError(f"{path} is no back-up: it has no valid manifest") from error


def _check_members(held: list[tuple[str, int]], manifest: Manifest) -> None:
    tables = {manifest.table_file(table) for table in manifest.tables}
    names = {name for name, _ in held}
    others = [MODEL_FILE.fullmatch(name) for name in names - tables]
    versions = {found["version"] for found in others if found}
    stated = [(name, part.length) for name, part in manifest.files.items()]
    whole = sorted(held) == sorted(stated) and tables <= names and None not in others
    if not whole or versions != set(manifest.models):
        raise ArchiveError("its files are not those of its manifest")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except BackupError:
        raise
    except Exception as error:
        # A damaged zip or gzip raises nearly anything: an unknown method, a negative offset.
        raise DamagedBackupError(f"{path} is damaged, or no back-up: {brief(error)}") from error
