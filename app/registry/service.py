"""Publication, activation and rollback of models.

Files are written before the row that refers to them.
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.db.model_versions import ActiveVersion, active_version, checksum, holdout_salt
from app.registry import fit, removal, repository
from app.registry.errors import (
    ModelDamagedError,
    ModelRefusedError,
    ModelUnfitError,
    NoPreviousModelError,
    OtherModelActivatedError,
    ReportNotFoundError,
)
from app.registry.schemas import ActiveModel, Model, ModelSummary
from app.store.errors import ModelStoreUnavailableError, VersionTakenError
from app.store.folder import ModelStore
from model import artifact
from model.rbm import RBM

# Keys of the card in the database for events after the publication.
ACTIVATED_ANYWAY = "activated_anyway"
ROLLED_BACK = "rolled_back"
# Of 32 random bits, two models of one second draw the same once in four billion times.
VERSION_BYTES = 4
# Versions drawn for one model at most: more than two that are taken mean another fault.
MAX_DRAWS = 5

logger = logging.getLogger(__name__)


def new_version(created_at: datetime) -> str:
    """Draw a version."""
    return f"{created_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(VERSION_BYTES)}"


def publish(  # noqa: PLR0913 (each is needed)
    database: Database,
    store: ModelStore,
    rbm: RBM,
    card: Mapping[str, Any],
    *,
    report: Callable[[str], str] | None = None,
    reserve: Callable[[str], None] | None = None,
    within: Callable[[Connection], None] | None = None,
    state: str = repository.PUBLISHED,
    activate: bool = True,
    by: str | None = None,
) -> str:
    """Write the files of a model, record it, serve it if `activate`; return its version.

    `report` renders the report card of a version, which is stored with the weights. `reserve` is
    called with the version before any file of it is written. `within` is called in the transaction
    that publishes; if it raises, the model is not published and its files are removed. A version
    that is taken is drawn again.
    """
    created_at = datetime.now(UTC)

    def attempt(version: str) -> None:
        _refuse_taken(database, store, version)
        if reserve:
            reserve(version)
        documents = {artifact.REPORT: report(version)} if report else {}
        sha256 = store.write(version, rbm, card, documents)
        stored = json.loads(store.read(version, artifact.CARD))
        # Until the commit, the files have no row and are not served. They stay when the commit
        # fails: a lost connection does not tell whether it did.
        with database.unit_of_work() as connection:
            if within:
                try:
                    within(connection)
                except BaseException:
                    store.discard(version)
                    raise
            try:
                repository.add(connection, version, stored, sha256, created_at, state)
            except IntegrityError as error:  # recorded since, by a process with another folder
                store.discard(version)
                raise VersionTakenError(version) from error
            if activate:
                repository.activate(connection, version)
                audit.record(connection, by, Action.MODEL_ACTIVATED, version)
        store.settled(version)

    for _ in range(MAX_DRAWS):
        version = new_version(created_at)
        try:
            attempt(version)
        except VersionTakenError as error:
            taken = error
        else:
            return version
    raise taken


def activate(
    database: Database,
    store: ModelStore,
    version: str,
    *,
    anyway: bool = False,
    by: str | None = None,
) -> None:
    """Serve another model from now on; workers follow within 2 seconds.

    A model that the gate refused needs `anyway`, which is recorded with `by`. Raises
    `ModelNotFoundError`, `ModelRefusedError` and, before anything is changed, `ModelDamagedError`.
    """
    refuse_damaged(database, store, version)
    with database.unit_of_work() as connection:
        activate_in(connection, version, anyway=anyway, by=by)


def activate_in(
    connection: Connection, version: str, *, anyway: bool = False, by: str | None = None
) -> None:
    """Do the same in a transaction, after `refuse_damaged`."""
    active = repository.lock_active_version(connection)
    row = repository.get(connection, version)
    if version == active.version:
        return
    card = {name: value for name, value in row.card.items() if name != ROLLED_BACK}
    if row.state == repository.REFUSED:
        if not anyway:
            raise ModelRefusedError(version, refusal_of(row.card))
        card[ACTIVATED_ANYWAY] = _trace(by)
    repository.change_card(connection, version, card)
    repository.activate(connection, version)
    refused = {"anyway": True} if row.state == repository.REFUSED else {}
    audit.record(connection, by, Action.MODEL_ACTIVATED, version, before=active.version, **refused)


def rollback(database: Database, store: ModelStore, *, by: str | None = None) -> str:
    """Serve the model before the active one from now on; return its version.

    A second rollback goes one further back: to the newest older published model that was trained on
    the same data set and was not rolled back itself. Where a replacement of the data has left no
    model active, it leads back to the last one, if its movies are there. Raises
    `NoPreviousModelError`, `ModelDamagedError`, `ModelUnfitError` and `OtherModelActivatedError`.
    """
    with database.read() as connection:
        active = active_version(connection)
    if active.previous is None:
        raise NoPreviousModelError
    refuse_damaged(database, store, active.previous)
    if active.version is None:
        _refuse_unfit(database, store, active.previous)
    with database.unit_of_work() as connection:
        if repository.lock_active_version(connection) != active:
            raise OtherModelActivatedError
        rows = {row.version: row for row in repository.versions(connection)}
        if active.version is not None:
            card = {**rows[active.version].card, ROLLED_BACK: _trace(by)}
            repository.change_card(connection, active.version, card)
            del rows[active.version]
        repository.step_back(connection, _before(active.previous, list(rows.values())))
        audit.record(
            connection, by, Action.MODEL_ROLLED_BACK, active.previous, before=active.version
        )
    return active.previous


def list_models(database: Database) -> list[ModelSummary]:
    """Return the models, the newest first."""
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
        row = repository.get(connection, version)
    return Model(**_summary(row, active, salt), card=row.card)


def find_active(database: Database) -> ActiveModel:
    """Return which model is served, and which a rollback would serve."""
    with database.read() as connection:
        active = active_version(connection)
    return ActiveModel(version=active.version, previous=active.previous)


def find_trouble(database: Database, store: ModelStore) -> str | None:
    """Say, where there are models and none is active, what a rollback would do."""
    with database.read() as connection:
        active = active_version(connection)
        is_missing = active.version is None and bool(repository.versions(connection))
    if not is_missing:
        return None
    what = "No model is active, so all lists are popular."
    if active.previous is None:
        return f"{what} There is none to go back to: train one."
    try:
        refuse_damaged(database, store, active.previous)
        _refuse_unfit(database, store, active.previous)
    except (ModelDamagedError, ModelUnfitError) as error:
        return f"{what} {error.detail}"
    except ModelStoreUnavailableError as error:
        return f"{what} The one before cannot be read: {error}."
    return f"{what} `models rollback` serves {active.previous} again."


def read_report(store: ModelStore, version: str) -> bytes:
    """Return the report card of a published model; raises `ReportNotFoundError`."""
    try:
        return store.read(version, artifact.REPORT)
    except OSError as error:
        raise ReportNotFoundError(version=version) from error


def servable_version(database: Database, store: ModelStore) -> str | None:
    """Return the active model, None if there is none or its files are damaged."""
    with database.read() as connection:
        version = active_version(connection).version
        if version is None:
            return None
        sha256 = checksum(connection, version)
    try:
        store.load(version, sha256)
    except artifact.ArtifactError:
        return None
    return version


def refusal_of(card: Mapping[str, Any]) -> list[str]:
    """Read from a card why the gate refused the model, if it did."""
    return list(card.get("gate", {}).get("reasons", []))


def find_damage(database: Database, store: ModelStore, version: str) -> str | None:
    """Check all files of a model; return what is wrong. Raises `ModelNotFoundError`."""
    if store.is_unsettled:
        with store.locked():
            removal.settle(database, store)
    with database.read() as connection:
        row = repository.get(connection, version)
    try:
        with store.reading(version, row.sha256) as folder:
            artifact.load_whole(folder, sha256=row.sha256)
    except artifact.ArtifactError as error:
        return str(error)
    return None


def damaged(store: ModelStore, version: str, damage: str) -> ModelDamagedError:
    """Make the error for clients, who learn the name of the file; the log has its path."""
    logger.info("model %s cannot be served: %s", version, damage)
    for place in (store.place(version), store.folder / version):
        damage = damage.replace(f"{place}/", "")
    return ModelDamagedError(version, damage)


def describe(card: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """Read the fields of a summary from a card; `salt` is that of this database."""
    return {
        "refused_because": refusal_of(card),
        "dataset": card.get("dataset", {}).get("name"),
        "trained_here": card.get("holdout", {}).get("salt") == salt,
        "ndcg_at_100": _figure(card, "rbm"),
        "popularity_ndcg_at_100": _figure(card, "popularity"),
    }


def _refuse_taken(database: Database, store: ModelStore, version: str) -> None:
    """Raise `VersionTakenError` where there is a row or folder of this name."""
    with database.read() as connection:
        recorded = repository.find(connection, version)
    if recorded or store.exists(version):
        raise VersionTakenError(version)


def refuse_damaged(database: Database, store: ModelStore, version: str) -> None:
    """Raise `ModelDamagedError` for a model whose files are not whole."""
    damage = find_damage(database, store, version)
    if damage is not None:
        raise damaged(store, version, damage)


def _refuse_unfit(database: Database, store: ModelStore, version: str) -> None:
    with database.read() as connection:
        known = fit.movies_of(connection, store, version)
        there = fit.catalogue_ids(connection)
    if known is not None and not fit.fits(known, there):
        missing = fit.n_missing(known, there)
        raise ModelUnfitError(version=version, missing=missing, movies=len(known))


def _trace(by: str | None) -> dict[str, str | None]:
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": by}


def _before(version: str, newest_first: Sequence[Row[Any]]) -> str | None:
    """Return the model that a rollback from this one serves."""
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
        if result.get("model") == model:
            mean = result.get("metrics", {}).get("ndcg@100", {}).get("mean")
            return None if mean is None else round(float(mean), 4)
    return None
