"""Removes models, row and files together.

The files are set aside, or marked in a remote store, until the transaction that deletes the row is
committed, and deleted after it. If the process is killed in between, `settle` leaves them where the
row is still there, and deletes them otherwise. Workers that have mapped the files keep them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.db.model_versions import active_version
from app.live.rules import read_rules
from app.registry import repository
from app.registry.errors import ModelInExperimentError, ModelInUseError, ModelNotFoundError
from app.store.folder import ModelStore

# Refused models are kept for inspection; the latest are enough.
REFUSED_KEPT = 2


def prune(database: Database, store: ModelStore, keep: int, *, by: str | None = None) -> list[str]:
    """Remove all but the newest `keep` published models and 2 refused ones; return their versions.

    The active model, the one before it, and those of experiments in progress stay.
    """
    removed = []
    with _locked(database, store):
        for version in _superfluous(database, keep):
            with suppress(ModelInUseError, ModelInExperimentError):  # since
                _remove(database, store, version, by)
                removed.append(version)
    return removed


def remove(database: Database, store: ModelStore, version: str, *, by: str | None = None) -> None:
    """Remove a model.

    Raises `ModelNotFoundError`, `ModelInUseError` and `ModelInExperimentError`.
    """
    with _locked(database, store):
        _remove(database, store, version, by)


def discard(database: Database, store: ModelStore, version: str) -> None:
    """Remove the files of a model that was not recorded because its publication was killed."""
    with database.read() as connection:
        recorded = repository.find(connection, version)
    if not recorded:
        store.discard(version)


def settle(database: Database, store: ModelStore) -> None:
    """Finish or undo what killed processes have begun; the caller has the lock of the store."""

    def is_recorded(version: str) -> bool:
        with database.read() as connection:
            return repository.find(connection, version) is not None

    store.settle(is_recorded)


@contextmanager
def _locked(database: Database, store: ModelStore) -> Iterator[None]:
    with store.locked():
        settle(database, store)
        yield


def _superfluous(database: Database, keep: int) -> list[str]:
    limits = {repository.PUBLISHED: keep, repository.REFUSED: min(keep, REFUSED_KEPT)}
    with database.read() as connection:
        active = active_version(connection)
        rows = repository.versions(connection)
        needed = {active.version, active.previous, *read_rules(connection).models}
    seen: Counter[str] = Counter()
    beyond = []
    for row in rows:
        seen[row.state] += 1
        if seen[row.state] > limits.get(row.state, len(rows)) and row.version not in needed:
            beyond.append(row.version)
    return beyond


def _remove(database: Database, store: ModelStore, version: str, by: str | None) -> None:
    with store.removing(version) as set_aside, database.unit_of_work() as connection:
        active = repository.lock_active_version(connection)
        if version in (active.version, active.previous):
            raise ModelInUseError(version=version)
        if version in read_rules(connection).models:
            raise ModelInExperimentError(version=version)
        if not repository.remove(connection, version):
            raise ModelNotFoundError(version=version)
        audit.record(connection, by, Action.MODEL_DELETED, version)
        set_aside()
