"""Publication: first the files, then the row that names them, so that a row never lies."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from app.database import Database
from app.errors import ModelNotFoundError, ReportNotFoundError
from app.models import repository
from app.models.schemas import Model, ModelSummary
from model import artifact
from model.rbm import RBM

# Held while files are written; the system lets go of it when the process dies.
LOCK = ".publishing"
TEMPORARY = ".unfinished-"


class UnknownModelError(LookupError):
    """No model was published under this version."""

    def __init__(self, version: str) -> None:
        super().__init__(f"there is no model version {version!r}")


def publish(
    database: Database,
    models_dir: Path,
    rbm: RBM,
    card: Mapping[str, Any],
    *,
    report: Callable[[str], str] | None = None,
    unless: Callable[[Connection], None] | None = None,
    activate: bool = True,
) -> str:
    """Write a model into the folder, record it, serve it if `activate`; return its version.

    `report` draws the report card of a version; it is kept beside the weights. `unless` is asked
    in the transaction that publishes, and raises where the model must not be published any more.
    """
    created_at = datetime.now(UTC)
    version = f"{created_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    documents = {artifact.REPORT: report(version)} if report else {}
    sha256 = _write_files(models_dir, version, rbm, card, documents)
    stored = json.loads((models_dir / version / artifact.CARD).read_bytes())
    # Files without a row, from here to the commit, are never served and do no harm. Nor are they
    # removed when it fails: a lost connection does not tell whether it did.
    with database.write() as connection:
        if unless:
            unless(connection)
        repository.add(connection, version, stored, sha256, created_at)
        if activate:
            repository.activate(connection, version)
    return version


def activate(database: Database, version: str) -> None:
    """Serve another published model from now on."""
    with database.write() as connection:
        if not repository.exists(connection, version):
            raise UnknownModelError(version)
        repository.activate(connection, version)


def remove_strays(models_dir: Path) -> list[str]:
    """Remove what killed publications have left half-written, unless one is under way now."""
    if not models_dir.is_dir():
        return []
    try:
        with _publishing(models_dir, wait=False):
            return _remove_strays(models_dir)
    except BlockingIOError:
        return []


def list_models(database: Database) -> list[ModelSummary]:
    """Describe the published models, the newest first."""
    with database.read() as connection:
        active = repository.active_version(connection).version
        rows = repository.versions(connection)
    return [ModelSummary(**_summary(row, active)) for row in rows]


def find_model(database: Database, version: str) -> Model:
    """Return a published model with its card; raises `ModelNotFoundError`."""
    with database.read() as connection:
        active = repository.active_version(connection).version
        row = repository.find(connection, version)
    if row is None:
        raise ModelNotFoundError(version)
    return Model(**_summary(row, active), card=row.card)


def read_report(models_dir: Path, version: str) -> bytes:
    """Return the report card of a published model; raises `ReportNotFoundError`."""
    try:
        return (models_dir / version / artifact.REPORT).read_bytes()
    except OSError as error:
        raise ReportNotFoundError(version) from error


def servable_version(database: Database, models_dir: Path) -> str | None:
    """Return the active model, None where there is none or its files are damaged."""
    with database.read() as connection:
        version = repository.active_version(connection).version
        if version is None:
            return None
        sha256 = repository.checksum(connection, version)
    try:
        artifact.load(models_dir / version, sha256=sha256)
    except artifact.ArtifactError:
        return None
    return version


def _write_files(
    models_dir: Path, version: str, rbm: RBM, card: Mapping[str, Any], documents: Mapping[str, str]
) -> str:
    """Make the folder of a version appear as a whole, on the disk; return its checksum."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with _publishing(models_dir, wait=True):
        _remove_strays(models_dir)
        temporary = models_dir / f"{TEMPORARY}{version}"
        try:
            sha256 = artifact.save(temporary, rbm, card, documents)
            temporary.rename(models_dir / version)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        artifact.sync_folder(models_dir)
    return sha256


@contextmanager
def _publishing(models_dir: Path, *, wait: bool) -> Iterator[None]:
    with (models_dir / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _remove_strays(models_dir: Path) -> list[str]:
    # Whoever made these held the lock that this process holds now: they are dead.
    strays = sorted(models_dir.glob(f"{TEMPORARY}*"))
    for stray in strays:
        shutil.rmtree(stray)
    return [stray.name for stray in strays]


def _summary(row: Row[Any], active: str | None) -> dict[str, Any]:
    return {
        "version": row.version,
        "active": row.version == active,
        "state": row.state,
        "created_at": row.created_at,
        "dataset": row.card.get("dataset", {}).get("name"),
        "ndcg_at_100": _figure(row.card, "rbm"),
        "popularity_ndcg_at_100": _figure(row.card, "popularity"),
    }


def _figure(card: dict[str, Any], model: str) -> float | None:
    for result in card.get("results", []):
        if result["model"] == model:
            return round(float(result["metrics"]["ndcg@100"]["mean"]), 4)
    return None
