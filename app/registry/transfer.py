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
from app.registry import archive, removal, repository, service
from app.registry.archive import SUFFIX, Export, Received
from app.registry.errors import ModelExistsError
from app.registry.schemas import ImportedModel, Outcome
from app.registry.validation import validate
from app.store.folder import ModelStore
from data.durable import whole_file
from model import artifact


class TransferError(Exception):
    """The file cannot be written or imported; the message names it."""


def export_model(database: Database, store: ModelStore, version: str) -> Export:
    """Return a model as one file; raises `ModelNotFoundError` and `ModelDamagedError`."""
    with database.read() as connection:
        row = repository.get(connection, version)
    try:
        with store.reading(version, row.sha256) as folder:
            return archive.pack(folder, row.sha256)
    except artifact.ArtifactError as error:
        raise service.damaged(store, version, str(error)) from error


def write_export(database: Database, store: ModelStore, version: str, path: Path | None) -> Path:
    """Write a model into a new file, whole or not at all; return its path."""
    chunks = export_model(database, store, version).chunks
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
    database: Database, store: ModelStore, path: Path, *, activate: bool, by: str
) -> ImportedModel:
    """Import a model from a file; raises `TransferError`, and what `import_model` raises."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise TransferError(f"cannot read {path}: {error.strerror}") from error
    try:
        with file:
            return import_model(database, store, file, activate=activate, by=by)
    except ArchiveError as error:
        raise TransferError(f"{path} cannot be imported: {error}") from error


def import_model(
    database: Database,
    store: ModelStore,
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
    with store.locked():
        store.remove_unfinished()
        removal.settle(database, store)
        temporary = store.beside("import")
        try:
            received = archive.unpack(file, temporary)
            state = validate(temporary, received)
            outcome = _record(database, store, temporary, received, state, by)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    if activate:
        service.activate(database, store, received.version, by=by)
    active = service.find_active(database).version == received.version
    return ImportedModel(version=received.version, outcome=outcome, active=active)


def upload_models(database: Database, store: ModelStore, source: ModelStore) -> list[str]:
    """Copy the models of a folder into the store that takes its place; return their versions.

    Those that the store has already, and those of which the folder has no whole files, are left.
    """
    with database.read() as connection:
        rows = repository.versions(connection)
    uploaded = []
    with store.locked():
        store.remove_unfinished()
        for version, sha256 in ((row.version, row.sha256) for row in rows):
            try:
                files = source.load(version, sha256).card["files"]
            except artifact.ArtifactError:
                continue
            if not store.is_whole(version, {**files, artifact.CARD: sha256}):
                shutil.copytree(source.folder / version, store.beside(version))
                store.put(store.beside(version), version)
                store.settled(version)
                uploaded.append(version)
    return uploaded


def _record(
    database: Database,
    store: ModelStore,
    temporary: Path,
    received: Received,
    state: str,
    by: str | None,
) -> Outcome:
    version, sha256, card = received
    with database.read() as connection:
        row = repository.find(connection, version)
    if row is None:
        store.put(temporary, version)
        with database.unit_of_work() as connection:
            repository.add(connection, version, card, sha256, datetime.now(UTC), state)
            audit.record(connection, by, Action.MODEL_IMPORTED, version)
        store.settled(version)
        return Outcome.IMPORTED
    if row.sha256 != sha256:
        raise ModelExistsError(version=version)
    if store.is_whole(version, {**card["files"], artifact.CARD: sha256}):
        return Outcome.UNCHANGED
    store.put(temporary, version)
    store.settled(version)
    return Outcome.REPAIRED
