"""Removes models, row and files together.

The folder is renamed in the transaction that deletes the row, and deleted after it. If the process
is killed in between, `settle` gives the folder its name again if the row is still there, and
deletes it otherwise. Workers that have mapped the files keep them.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.db.model_versions import active_version
from app.live.rules import read_rules
from app.registry import folder, repository
from app.registry.errors import ModelInExperimentError, ModelInUseError, ModelNotFoundError

# Refused models are kept for inspection; the latest are enough.
REFUSED_KEPT = 2


def prune(database: Database, models_dir: Path, keep: int, *, by: str | None = None) -> list[str]:
    """Remove all but the newest `keep` published models and 2 refused ones; return their versions.

    The active model, the one before it, and those of experiments in progress stay.
    """
    removed = []
    with _locked(database, models_dir):
        for version in _superfluous(database, keep):
            with suppress(ModelInUseError, ModelInExperimentError):  # since
                _remove(database, models_dir, version, by)
                removed.append(version)
    return removed


def remove(database: Database, models_dir: Path, version: str, *, by: str | None = None) -> None:
    """Remove a model.

    Raises `ModelNotFoundError`, `ModelInUseError` and `ModelInExperimentError`.
    """
    with _locked(database, models_dir):
        _remove(database, models_dir, version, by)


def discard(database: Database, models_dir: Path, version: str) -> None:
    """Remove the files of a model that was not recorded because its publication was killed."""
    with database.read() as connection:
        recorded = repository.find(connection, version)
    if not recorded:
        shutil.rmtree(models_dir / version, ignore_errors=True)


def settle(database: Database, models_dir: Path) -> None:
    """Finish or undo the removals of killed processes; the caller has the lock of the folder."""
    for aside in sorted(models_dir.glob(f"{folder.REMOVED}*")):
        final = models_dir / aside.name.removeprefix(folder.REMOVED)
        with database.read() as connection:
            recorded = repository.find(connection, final.name)
        if recorded and not final.exists():
            aside.rename(final)
        else:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _locked(database: Database, models_dir: Path) -> Iterator[None]:
    with folder.locked(models_dir):
        settle(database, models_dir)
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


def _remove(database: Database, models_dir: Path, version: str, by: str | None) -> None:
    aside = models_dir / f"{folder.REMOVED}{version}"
    with database.unit_of_work() as connection:
        active = repository.lock_active_version(connection)
        if version in (active.version, active.previous):
            raise ModelInUseError(version=version)
        if version in read_rules(connection).models:
            raise ModelInExperimentError(version=version)
        if not repository.remove(connection, version):
            raise ModelNotFoundError(version=version)
        audit.record(connection, by, Action.MODEL_DELETED, version)
        with suppress(FileNotFoundError):
            (models_dir / version).rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
