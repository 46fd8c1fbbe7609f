"""Models that go to another installation, or come from one."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from app.core.errors import ModelDamagedError, ModelExistsError, ModelNotFoundError
from app.db.engine import Database
from app.registry import archive, folder, removal, repository, service
from app.registry import validation as checking
from app.registry.archive import ArchiveError, Export, Received
from app.registry.schemas import ImportedModel, Outcome
from model import artifact


class TransferError(Exception):
    """The file cannot be written or taken over; the message names it."""


def export_model(database: Database, models_dir: Path, version: str) -> Export:
    """Give a model as one file; raises `ModelNotFoundError` and `ModelDamagedError`."""
    with database.read() as connection:
        row = repository.find(connection, version)
    if row is None:
        raise ModelNotFoundError(version)
    try:
        return archive.pack(models_dir / version, row.sha256)
    except artifact.ArtifactError as error:
        raise ModelDamagedError(version, str(error)) from error


def write_export(database: Database, models_dir: Path, version: str, path: Path | None) -> Path:
    """Write a model into a new file, whole or not at all; return where it is."""
    export = export_model(database, models_dir, version)
    target = path or Path(f"{version}{archive.SUFFIX}")
    if target.is_dir():
        target /= f"{version}{archive.SUFFIX}"
    if target.exists():
        raise TransferError(f"{target} exists already: name another file")
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.writelines(export.chunks)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    except OSError as error:
        raise TransferError(f"cannot write {target}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    artifact.sync_folder(target.parent)
    return target


def read_import(
    database: Database, models_dir: Path, path: Path, *, activate: bool, by: str
) -> ImportedModel:
    """Take over a model from a file; raises `TransferError`, and what `import_model` raises."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise TransferError(f"cannot read {path}: {error.strerror}") from error
    try:
        with file:
            return import_model(database, models_dir, file, activate=activate, by=by)
    except ArchiveError as error:
        raise TransferError(f"{path} cannot be imported: {error}") from error


def import_model(
    database: Database,
    models_dir: Path,
    file: IO[bytes],
    *,
    activate: bool = False,
    by: str | None = None,
) -> ImportedModel:
    """Take over a model from the file that `export_model` has given, under its own version.

    It is not served, unless `activate` says so. A model that is here already stays as it is; if its
    files are damaged or away, they are replaced. Raises `ArchiveError` and `ModelExistsError`, and
    with `activate` what that raises.
    """
    with folder.locked(models_dir):
        folder.remove_left_over(models_dir)
        removal.settle(database, models_dir)
        temporary = models_dir / f"{folder.TEMPORARY}import"
        try:
            received = archive.unpack(file, temporary)
            state = checking.check(temporary, received)
            outcome = _reload(database, models_dir, temporary, received, state)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    if activate:
        service.activate(database, models_dir, received.version, by=by)
    active = service.find_active(database).version == received.version
    return ImportedModel(version=received.version, outcome=outcome, active=active)


def _reload(
    database: Database, models_dir: Path, temporary: Path, received: Received, state: str
) -> Outcome:
    version, sha256, card = received
    with database.read() as connection:
        row = repository.find(connection, version)
    if row is None:
        folder.put_in_place(temporary, models_dir, version)
        with database.unit_of_work() as connection:
            repository.add(connection, version, card, sha256, datetime.now(UTC), state)
        return Outcome.IMPORTED
    if row.sha256 != sha256:
        raise ModelExistsError(version)
    try:
        archive.pack(models_dir / version, sha256).chunks.close()
    except artifact.ArtifactError:
        folder.put_in_place(temporary, models_dir, version)
        return Outcome.REPAIRED
    return Outcome.UNCHANGED
