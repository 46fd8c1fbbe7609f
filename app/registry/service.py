"""The life of a model: published, activated, rolled back, removed.

First come the files, then the row that names them, so that a row never lies.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from app.core.errors import (
    ModelDamagedError,
    ModelInUseError,
    ModelNotFoundError,
    ModelRefusedError,
    NoPreviousModelError,
    OtherModelActivatedError,
    ReportNotFoundError,
)
from app.db.engine import Database
from app.db.model_versions import ActiveVersion, active_version, checksum, holdout_salt
from app.registry import folder, removal, repository
from app.registry.schemas import ActiveModel, Model, ModelSummary
from model import artifact
from model.rbm import RBM

# What happens to a model after its publication is added to the card in the database under these.
ACTIVATED_ANYWAY = "activated_anyway"
ROLLED_BACK = "rolled_back"


def new_version(created_at: datetime) -> str:
    """Draw the name of a model."""
    return f"{created_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def publish(  # noqa: PLR0913 (what is published, where, and how: each is needed)
    database: Database,
    models_dir: Path,
    rbm: RBM,
    card: Mapping[str, Any],
    *,
    version: str | None = None,
    report: Callable[[str], str] | None = None,
    within: Callable[[Connection], None] | None = None,
    state: str = repository.PUBLISHED,
    activate: bool = True,
) -> str:
    """Write a model into the folder, record it, serve it if `activate`; return its version.

    `report` draws the report card of a version; it is kept beside the weights. `within` is called
    in the transaction that publishes, and raises where the model must not be published any more:
    then nothing of it is left.
    """
    created_at = datetime.now(UTC)
    version = version or new_version(created_at)
    documents = {artifact.REPORT: report(version)} if report else {}
    sha256 = folder.write(models_dir, version, rbm, card, documents)
    stored = json.loads((models_dir / version / artifact.CARD).read_bytes())
    # Files without a row, from here to the commit, are never served and do no harm. Nor are they
    # removed when it fails: a lost connection does not tell whether it did.
    with database.unit_of_work() as connection:
        if within:
            try:
                within(connection)
            except BaseException:
                shutil.rmtree(models_dir / version)
                raise
        repository.add(connection, version, stored, sha256, created_at, state)
        if activate:
            repository.activate(connection, version)
    return version


def discard(database: Database, models_dir: Path, version: str) -> None:
    """Remove the files of a model that was never recorded, since its publication was killed."""
    with database.read() as connection:
        recorded = repository.exists(connection, version)
    if not recorded:
        shutil.rmtree(models_dir / version, ignore_errors=True)


def activate(
    database: Database,
    models_dir: Path,
    version: str,
    *,
    anyway: bool = False,
    by: str | None = None,
) -> None:
    """Serve another model from now on; workers follow within 2 seconds.

    One that the gate refused needs `anyway`, which is recorded with `by`. Raises
    `ModelNotFoundError`, `ModelRefusedError` and, before anything is changed, `ModelDamagedError`.
    """
    _refuse_damaged(database, models_dir, version)
    with database.unit_of_work() as connection:
        active = repository.lock_active_version(connection)
        row = repository.find(connection, version)
        if row is None:  # removed since
            raise ModelNotFoundError(version)
        if version == active.version:
            return
        card = {name: value for name, value in row.card.items() if name != ROLLED_BACK}
        if row.state == repository.REFUSED:
            if not anyway:
                raise ModelRefusedError(version, refusal_of(row.card))
            card[ACTIVATED_ANYWAY] = _trace(by)
        repository.change_card(connection, version, card)
        repository.activate(connection, version)


def rollback(database: Database, models_dir: Path, *, by: str | None = None) -> str:
    """Serve the model before the active one from now on; return its version.

    A second rollback goes one further back, never forth: to the newest published model that is
    older, was trained on the same data set, and was not rolled back from itself. Raises
    `NoPreviousModelError`, `ModelDamagedError` and `OtherModelActivatedError`.
    """
    with database.read() as connection:
        active = active_version(connection)
    if active.version is None or active.previous is None:
        raise NoPreviousModelError
    _refuse_damaged(database, models_dir, active.previous)
    with database.unit_of_work() as connection:
        if repository.lock_active_version(connection) != active:
            raise OtherModelActivatedError
        rows = {row.version: row for row in repository.versions(connection)}
        card = {**rows[active.version].card, ROLLED_BACK: _trace(by)}
        repository.change_card(connection, active.version, card)
        del rows[active.version]
        repository.step_back(connection, _before(active.previous, list(rows.values())))
    return active.previous


def prune(database: Database, models_dir: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` published models and 2 refused ones; return their names.

    The active model and the one before it stay, whatever their age.
    """
    with folder.locked(models_dir):
        removal.settle(database, models_dir)
        removed = []
        for version in removal.superfluous(database, keep):
            with suppress(ModelInUseError):  # activated since
                removal.remove(database, models_dir, version)
                removed.append(version)
    return removed


def remove(database: Database, models_dir: Path, version: str) -> None:
    """Remove a model; raises `ModelNotFoundError`, and `ModelInUseError` where it is needed."""
    with folder.locked(models_dir):
        removal.settle(database, models_dir)
        removal.remove(database, models_dir, version)


def list_models(database: Database) -> list[ModelSummary]:
    """Describe the models, the newest first."""
    with database.read() as connection:
        active = active_version(connection)
        salt = holdout_salt(connection)
        rows = repository.versions(connection)
    return [ModelSummary(**_summary(row, active, salt)) for row in rows]


def find_model(database: Database, version: str) -> Model:
    """Return a model with its card; raises `ModelNotFoundError`."""
    with database.read() as connection:
        active = active_version(connection)
        salt = holdout_salt(connection)
        row = repository.find(connection, version)
    if row is None:
        raise ModelNotFoundError(version)
    return Model(**_summary(row, active, salt), card=row.card)


def find_active(database: Database) -> ActiveModel:
    """Return which model is served, and which a rollback would serve."""
    with database.read() as connection:
        active = active_version(connection)
    return ActiveModel(version=active.version, previous=active.previous)


def read_report(models_dir: Path, version: str) -> bytes:
    """Return the report card of a published model; raises `ReportNotFoundError`."""
    try:
        return (models_dir / version / artifact.REPORT).read_bytes()
    except OSError as error:
        raise ReportNotFoundError(version) from error


def servable_version(database: Database, models_dir: Path) -> str | None:
    """Return the active model, None where there is none or its files are damaged."""
    with database.read() as connection:
        version = active_version(connection).version
        if version is None:
            return None
        sha256 = checksum(connection, version)
    try:
        artifact.load(models_dir / version, sha256=sha256)
    except artifact.ArtifactError:
        return None
    return version


def refusal_of(card: Mapping[str, Any]) -> list[str]:
    """Read from a card why the gate refused its model; nothing where it did not."""
    return list(card.get("gate", {}).get("reasons", []))


def find_damage(database: Database, models_dir: Path, version: str) -> str | None:
    """Read all files of a model, and say what is wrong with them; raises `ModelNotFoundError`."""
    if any(models_dir.glob(f"{folder.REMOVED}*")):  # perhaps these, if somebody has died
        with folder.locked(models_dir):
            removal.settle(database, models_dir)
    with database.read() as connection:
        row = repository.find(connection, version)
    if row is None:
        raise ModelNotFoundError(version)
    try:
        artifact.load_whole(models_dir / version, sha256=row.sha256)
    except artifact.ArtifactError as error:
        return str(error)
    return None


def describe(card: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """Read from a card what a summary tells of its model; `salt` is that of this database."""
    return {
        "refused_because": refusal_of(card),
        "dataset": card.get("dataset", {}).get("name"),
        "trained_here": card.get("holdout", {}).get("salt") == salt,
        "ndcg_at_100": _figure(card, "rbm"),
        "popularity_ndcg_at_100": _figure(card, "popularity"),
    }


def _refuse_damaged(database: Database, models_dir: Path, version: str) -> None:
    damage = find_damage(database, models_dir, version)
    if damage is not None:
        raise ModelDamagedError(version, damage)


def _trace(by: str | None) -> dict[str, str | None]:
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": by}


def _before(version: str, newest_first: Sequence[Row[Any]]) -> str | None:
    """Name the model to go back to from this one."""
    place = [row.version for row in newest_first].index(version)
    data = newest_first[place].card.get("dataset")
    for row in newest_first[place + 1 :]:
        same_data = row.card.get("dataset") == data
        if row.state == repository.PUBLISHED and same_data and ROLLED_BACK not in row.card:
            return str(row.version)
    return None


def _summary(row: Row[Any], active: ActiveVersion, salt: str) -> dict[str, Any]:
    return {
        "version": row.version,
        "active": row.version == active.version,
        "previous": row.version == active.previous,
        "state": row.state,
        "created_at": row.created_at,
        **describe(row.card, salt),
    }


def _figure(card: Mapping[str, Any], model: str) -> float | None:
    for result in card.get("results", []):
        if result["model"] == model:
            return round(float(result["metrics"]["ndcg@100"]["mean"]), 4)
    return None
