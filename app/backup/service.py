"""Makes back-ups and restores them: all of it or nothing."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as program_version
from pathlib import Path

from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.exc import DataError, IntegrityError

from app.backup import artifacts, audit_log, erasures, rows
from app.backup.archive import (
    FORMAT,
    SUFFIX,
    ArchiveReader,
    ArchiveWriter,
    BackupError,
    DamagedBackupError,
    Manifest,
    TablePart,
    open_archive,
)
from app.db import audit
from app.db import schema as migrating
from app.db.audit import Action
from app.db.engine import Database, ForeignKeyError, check_foreign_keys
from app.db.tables import erasures as erasure_rows
from app.db.tables import installation, model_versions, users
from app.registry import repository as models
from app.store.folder import ModelStore
from data.durable import whole_file
from data.progress import Progress, ignore_progress

# A model can be removed while it is copied; then the back-up starts again.
ATTEMPTS = 3
MICROSECONDS = 1_000_000

logger = logging.getLogger(__name__)


class ModelRemovedError(Exception):
    """A model of the snapshot was removed meanwhile."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A back-up."""

    path: Path
    length: int
    manifest: Manifest
    reapplied: erasures.Reapplied | None = None  # by a restore


def back_up(
    database: Database, store: ModelStore, target: Path, *, progress: Progress = ignore_progress
) -> Summary:
    """Write database and models into a new file, as they are at one moment.

    A folder as target gets a file named by the time. A back-up that fails leaves nothing. The list
    of erased users beside it is brought up to date.
    """
    created_at = datetime.now(UTC)
    named = target / f"recommender-{created_at:%Y%m%dT%H%M%SZ}{SUFFIX}"
    path = named if target.is_dir() else target
    if path.exists():
        raise BackupError(f"{path} exists already: name another file, or a folder")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with whole_file(path, 0o600) as file, ArchiveWriter(file, path.parent) as writer:
                manifest = _write(database, store, writer, created_at, progress)
            break
        except OSError as error:
            raise BackupError(f"cannot write {path}: {error.strerror}") from error
        except ModelRemovedError as error:
            if attempt == ATTEMPTS:
                raise BackupError(f"models are removed faster than copied: {error}") from error
    erasures.write(database, path.parent)
    return Summary(path, path.stat().st_size, manifest)


def verify(path: Path) -> Summary:
    """Read a back-up against its checksums; raises `BackupError` if it is damaged."""
    with open_archive(path) as reader:
        reader.verify()
        return Summary(path, path.stat().st_size, reader.manifest)


def restore(
    database: Database,
    store: ModelStore,
    path: Path,
    *,
    replace: bool = False,
    erasure_list: Path | None = None,
    by: str | None = None,
    progress: Progress = ignore_progress,
) -> Summary:
    """Restore database and models as they were, in one transaction.

    The database must be empty, unless `replace` allows to delete its content. A back-up of an older
    version is upgraded to the newest revision. Users who were erased since are erased again: those
    in the list beside the back-up, in `erasure_list`, and in the database that is replaced. What
    that one had in its audit log stays there.
    """
    with open_archive(path) as reader:
        reader.verify()
        revision = reader.manifest.revision
        if not migrating.knows(revision):
            raise BackupError(
                f"{path} is of revision {revision}, this version knows {migrating.head()}: "
                "it was made by a newer one"
            )
        # In this order: the removal of a model locks the folder, then waits for the database.
        with store.locked(), database.unit_of_work(alters_schema=True) as connection:
            found = migrating.lock(connection)
            last_used = _make_room(connection, found, replace=replace)
            replaced = erasures.of_database(connection)
            recorded = audit_log.of_database(connection)
            n_models = len(reader.manifest.models)
            with artifacts.unpacked(
                reader, store, lambda done: progress("models", done, n_models)
            ) as versions:
                _restore_tables(connection, reader, found, progress)
                migrating.bring_up(connection)
                again = erasures.reapply(connection, replaced, path.parent, erasure_list)
                _raise_revisions(connection, last_used)
                _refuse_dangling(connection, path)
                audit_log.keep(connection, recorded)
                made = reader.manifest.created_at
                audit.record(connection, by, Action.BACKUP_RESTORED, path.name, made=made)
                # Last, so that a back-up whose rows do not fit changes no file; but before the
                # commit, so that no row refers to missing files.
                artifacts.put_in_place(store, versions)
        for version in versions:
            store.settled(version)
        for erasure in again.erased:
            moment = erasure.erased_at.isoformat(timespec="seconds")
            logger.warning("erased again: user %.12s…, erased %s", erasure.key_hmac, moment)
        return Summary(path, path.stat().st_size, reader.manifest, again)


def _write(
    database: Database,
    store: ModelStore,
    writer: ArchiveWriter,
    created_at: datetime,
    report: Progress,
) -> Manifest:
    with database.read() as connection:
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
            if artifacts.pack(writer, store, version, sha256):
                packed.append(version)
            elif _is_removed(database, store, version):
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


def _is_removed(database: Database, store: ModelStore, version: str) -> bool:
    # The files are removed before the row is: wait for a process that is between the two. From a
    # read-only folder nothing is removed.
    with suppress(OSError), store.locked():
        pass
    with database.read() as connection:
        return models.find(connection, version) is None


def _write_table(
    connection: Connection, writer: ArchiveWriter, table: Table, report: Progress
) -> TablePart:
    total = connection.execute(select(func.count()).select_from(table)).scalar_one()
    lines = rows.dump(connection, table, lambda done: report(table.name, done, total))
    writer.add_lines(f"tables/{table.name}.jsonl.gz", lines)
    return TablePart(columns=table.columns.keys(), rows=total)


def _make_room(connection: Connection, found: str | None, *, replace: bool) -> int:
    """Check that rows may be deleted; return the last revision of ratings that was used."""
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
    rows.clear(connection, tables)  # also rows of the migrations
    kept = {table.name: table for table in tables if table.name not in rows.FORGOTTEN}
    held = {name: set(part.columns) for name, part in reader.manifest.tables.items()}
    if held != {name: set(table.columns.keys()) for name, table in kept.items()}:
        raise BackupError(f"{reader.path} does not have the tables of revision {revision}")
    for name, table in kept.items():
        part = reader.manifest.tables[name]
        if name in rows.SINGLE_ROWS and part.rows != 1:
            raise DamagedBackupError(f"{reader.path} is damaged: {name} has {part.rows} rows")
        try:
            for done in rows.load(connection, table, part.columns, reader.rows(name)):
                report(name, done, part.rows)
        except rows.RowError as error:
            raise DamagedBackupError(f"{reader.path} is damaged: {error}") from error
        except _refusals(connection) as error:
            reason = str(getattr(error, "orig", error)).partition("\n")[0]
            raise DamagedBackupError(
                f"{reader.path} is damaged: the rows of {name} do not fit: {reason}"
            ) from error


def _refuse_dangling(connection: Connection, path: Path) -> None:
    """Refuse rows that refer to none; SQLite checks that when told to, PostgreSQL at once."""
    if connection.dialect.name == "sqlite":
        try:
            check_foreign_keys(connection)
        except ForeignKeyError as error:
            raise DamagedBackupError(f"{path} is damaged: {error}") from error


def _refusals(connection: Connection) -> tuple[type[Exception], ...]:
    """Return the errors of a database that refuses a value; `COPY` raises those of the driver."""
    driver = connection.dialect.loaded_dbapi
    return IntegrityError, DataError, driver.IntegrityError, driver.DataError


def _raise_revisions(connection: Connection, last_used: int) -> None:
    """Raise the revisions above all used before: caches and cursors identify states by them.

    The database of the back-up went on counting, and may be gone. The clock in microseconds is
    above every revision that it can have used, and above those of earlier restores.
    """
    restored = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    last_erasure = connection.scalar(select(func.max(erasure_rows.c.ratings_revision)))
    last_used = max(last_used, last_erasure or 0)
    revision = max(int(time.time() * MICROSECONDS), restored + 1, last_used + 1)
    connection.execute(
        update(installation).values(
            ratings_revision=revision, movies_revision=revision, rules_revision=revision
        )
    )
    connection.execute(update(users).values(ratings_revision=revision))
