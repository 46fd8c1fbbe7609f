"""Export of models to other installations, and import from them."""

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from app.core.archive import ArchiveError
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.registry import archive, folder, removal, repository, service
from app.registry.archive import SUFFIX, Export, Received
from app.registry.errors import ModelExistsError
from app.registry.schemas import ImportedModel, Outcome
from app.registry.validation import validate
from data.durable import whole_file
from model import artifact


class TransferError(Exception):
    """The file cannot be written or imported; the message names it."""


def export_model(database: Database, models_dir: Path, version: str) -> Export:
    """Return a model as one file; raises `ModelNotFoundError` and `ModelDamagedError`."""
    with database.read() as connection:
        row = repository.get(connection, version)
    try:
        return archive.pack(models_dir / version, row.sha256)
    except artifact.ArtifactError as error:
        raise service.damaged(models_dir, version, str(error)) from error


def write_export(database: Database, models_dir: Path, version: str, path: Path | None) -> Path:
    """Write a model into a new file, whole or not at all; return its path."""
    chunks = export_model(database, models_dir, version).chunks
    target = path or Path(f"{version}{SUFFIX}")
    if target.is_dir():
        target /= f"{version}{SUFFIX}"
    with closing(chunks):
        if target.exists():
            raise TransferError(f"{target} exists already: name another file")
        try:
            with whole_file(target) as file:
                file.writelines(chunks)
        except OSError as error:
            raise TransferError(f"cannot write {target}: {error.strerror}") from error
    return target


def read_import(
    database: Database, models_dir: Path, path: Path, *, activate: bool, by: str
) -> ImportedModel:
    """Import a model from a file; raises `TransferError`, and what `import_model` raises."""
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
    """Import a model from an archive of `export_model`, under its own version.

    It is served only with `activate`. A model that exists already stays as it is; if its files are
    damaged or missing, they are replaced. Raises `ArchiveError` and `ModelExistsError`, and with
    `activate` what that raises.
    """
    with folder.locked(models_dir):
        folder.remove_unfinished(models_dir)
        removal.settle(database, models_dir)
        temporary = models_dir / f"{folder.TEMPORARY}import"
        try:
            received = archive.unpack(file, temporary)
            state = validate(temporary, received)
            outcome = _record(database, models_dir, temporary, received, state, by)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    if activate:
        service.activate(database, models_dir, received.version, by=by)
    active = service.find_active(database).version == received.version
    return ImportedModel(version=received.version, outcome=outcome, active=active)


def _record(
    database: Database,
    models_dir: Path,
    temporary: Path,
    received: Received,
    state: str,
    by: str | None,
) -> Outcome:
    version, sha256, card = received
    with database.read() as connection:
        row = repository.find(connection, version)
    if row is None:
        folder.put_in_place(temporary, models_dir, version)
        with database.unit_of_work() as connection:
            repository.add(connection, version, card, sha256, datetime.now(UTC), state)
            audit.record(connection, by, Action.MODEL_IMPORTED, version)
        return Outcome.IMPORTED
    if row.sha256 != sha256:
        raise ModelExistsError(version=version)
    try:
        artifact.load_whole(models_dir / version, sha256=sha256)
    except artifact.ArtifactError:
        folder.put_in_place(temporary, models_dir, version)
        return Outcome.REPAIRED
    return Outcome.UNCHANGED
