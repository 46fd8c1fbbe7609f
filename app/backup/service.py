"""Makes back-ups and restores them: all of it or nothing."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as program_version
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Table, func, select, update

from app.backup import artifacts, rows
from app.backup.archive import (
    FORMAT,
    ArchiveReader,
    ArchiveWriter,
    BackupError,
    DamagedBackupError,
    Manifest,
    TablePart,
    open_archive,
    table_file,
)
from app.db import schema as migrating
from app.db.engine import Database
from app.db.tables import installation, model_versions, users
from app.registry import folder
from app.registry import repository as models
from model.artifact import sync_folder

# Called with what is being read or written, how much of it is done, and how much there is.
Progress = Callable[[str, int, int | None], None]

# A model can be removed while it is copied; then the whole is begun anew.
ATTEMPTS = 3
MICROSECONDS = 1_000_000


class ModelRemovedError(Exception):
    """A model that the snapshot names was removed meanwhile."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a back-up holds."""

    path: Path
    length: int
    manifest: Manifest


def back_up(
    database: Database, models_dir: Path, target: Path, *, progress: Progress | None = None
) -> Summary:
    """Write database and models into a new file, as they are at one moment.

    A folder as target gets a file named by the time. Nothing is left behind when it fails.
    """
    created_at = datetime.now(UTC)
    path = target / f"recommender-{created_at:%Y%m%dT%H%M%SZ}.zip" if target.is_dir() else target
    if path.exists():
        raise BackupError(f"{path} exists already: name another file, or a folder")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _appearing(path) as file:
                manifest = _write(database, models_dir, file, created_at, progress or _silent)
            break
        except ModelRemovedError as error:
            if attempt == ATTEMPTS:
                raise BackupError(f"models are removed faster than copied: {error}") from error
    return Summary(path, path.stat().st_size, manifest)


def verify(path: Path) -> Summary:
    """Read a back-up against its checksums; raises `BackupError` where it is not whole."""
    with open_archive(path) as reader:
        reader.verify()
        return Summary(path, path.stat().st_size, reader.manifest)


def restore(
    database: Database,
    models_dir: Path,
    path: Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Make database and models what they were when the back-up was made, in one transaction.

    What the database holds is refused, unless `replace` says that it may go. A back-up of an older
    version is brought to the newest revision.
    """
    with open_archive(path) as reader:
        reader.verify()
        revision = reader.manifest.revision
        if not migrating.knows(revision):
            raise BackupError(
                f"{path} is of revision {revision}, this version knows {migrating.head()}: "
                "it was made by a newer one"
            )
        # In this order: whoever removes a model has the folder, and waits for the database.
        with folder.locked(models_dir), database.unit_of_work(alters_schema=True) as connection:
            found = migrating.lock(connection)
            handed_out = _make_room(connection, found, replace=replace)
            report = progress or _silent
            n_models = len(reader.manifest.models)
            with artifacts.unpacked(
                reader, models_dir, lambda done: report("models", done, n_models)
            ) as versions:
                _restore_tables(connection, reader, found, report)
                migrating.bring_up(connection)
                _go_on_counting(connection, handed_out)
                # Last, so that a back-up whose rows do not fit changes no file; but before the
                # rows are there for all to see, so that none names what is not there.
                artifacts.put_in_place(models_dir, versions)
        return Summary(path, path.stat().st_size, reader.manifest)


def _silent(_stage: str, _done: int, _total: int | None) -> None:
    """Report nothing."""


def _write(
    database: Database, models_dir: Path, file: BinaryIO, created_at: datetime, report: Progress
) -> Manifest:
    with ArchiveWriter(file) as writer, database.read() as connection:
        revision = migrating.current_of(connection)
        if revision is None:
            raise BackupError("the database has no tables: there is nothing to back up")
        if not migrating.knows(revision):
            raise BackupError(
                f"the database is at revision {revision}, made by a newer version: "
                "back it up with that one"
            )
        missing: list[str] = []
        packed: list[str] = []
        for version, sha256 in _versions(connection):
            report("models", len(packed) + len(missing), None)
            if artifacts.pack(writer, models_dir, version, sha256):
                packed.append(version)
            elif _is_removed(database, models_dir, version):
                raise ModelRemovedError(version)
            else:
                missing.append(version)
        tables = {
            table.name: _write_table(connection, writer, table, report)
            for table in rows.tables_of(connection)
            if table.name not in rows.FORGOTTEN
        }
        manifest = Manifest(
            format=FORMAT,
            program=program_version("recommender"),
            created_at=created_at.isoformat(timespec="seconds"),
            revision=revision,
            tables=tables,
            models=packed,
            missing_models=missing,
            files=writer.files,
        )
        writer.finish(manifest)
        return manifest


def _versions(connection: Connection) -> list[tuple[str, str]]:
    query = select(model_versions.c.version, model_versions.c.sha256).order_by(
        model_versions.c.version
    )
    return [(row.version, row.sha256) for row in connection.execute(query)]


def _is_removed(database: Database, models_dir: Path, version: str) -> bool:
    # The files go before the row is gone for all to see: wait for whoever is between the two. A
    # folder that may not be written to is one that nobody removes from.
    with suppress(OSError), folder.locked(models_dir):
        pass
    with database.read() as connection:
        return not models.exists(connection, version)


def _write_table(
    connection: Connection, writer: ArchiveWriter, table: Table, report: Progress
) -> TablePart:
    total = connection.execute(select(func.count()).select_from(table)).scalar_one()
    lines = rows.dump(connection, table, lambda done: report(table.name, done, total))
    writer.add(table_file(table.name), lines, compress=True)
    return TablePart(columns=table.columns.keys(), rows=total)


class _Counted:
    """Lines, and which of them was read last."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.number = 0
        self._lines = lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            yield line


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file, for this account alone, that gets its name once it is on the disk."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _make_room(connection: Connection, found: str | None, *, replace: bool) -> int:
    """See that rows may go; return the last number of a change of ratings that was handed out."""
    if found is None:
        return 0
    if not migrating.knows(found):
        raise BackupError(
            f"the database is at revision {found}, made by a newer version: restore with that one"
        )
    tables = rows.tables_of(connection)
    rows.lock(connection, tables)
    taken = rows.filled(connection, tables)
    if taken and not replace:
        raise BackupError(
            f"the database is not empty, it has {', '.join(taken)}: restore into an empty one, "
            "or say --replace to lose what is there"
        )
    return connection.execute(select(installation.c.ratings_revision)).scalar_one()


def _restore_tables(
    connection: Connection, reader: ArchiveReader, found: str | None, report: Progress
) -> None:
    revision = reader.manifest.revision
    if found is not None and found > revision:
        migrating.bring_down(connection, revision)
    else:
        migrating.bring_up(connection, revision)
    tables = rows.tables_of(connection)
    rows.clear(connection, tables)  # also what the migrations have put there
    kept = {table.name: table for table in tables if table.name not in rows.FORGOTTEN}
    held = {name: set(part.columns) for name, part in reader.manifest.tables.items()}
    if held != {name: set(table.columns.keys()) for name, table in kept.items()}:
        raise BackupError(f"{reader.path} does not have the tables of revision {revision}")
    for name, table in kept.items():
        part, lines = reader.manifest.tables[name], _Counted(reader.lines(table_file(name)))
        try:
            for done in rows.load(connection, table, part.columns, lines):
                report(name, done, part.rows)
        except (LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise DamagedBackupError(
                f"{reader.path} is damaged: {table_file(name)} line {lines.number} is no row "
                f"of {name}: {error}"
            ) from error


def _go_on_counting(connection: Connection, handed_out: int) -> None:
    """Let no number of a change mean two states: caches and cursors tell states apart by it.

    The database whose back-up this is went on counting, and may be gone. The clock in microseconds
    is beyond all that it can have handed out, and beyond any restore before this one.
    """
    restored = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    revision = max(int(time.time() * MICROSECONDS), restored + 1, handed_out + 1)
    connection.execute(
        update(installation).values(ratings_revision=revision, movies_revision=revision)
    )
    connection.execute(update(users).values(ratings_revision=revision))
