"""Takes models away, row and files together.

The folder is renamed within the transaction that deletes the row, and deleted after it. A process
that is killed in between leaves a folder under that name: whoever comes next puts it back where the
row is still there, and deletes it where it is not. Workers that have mapped the files keep them.

All of this is called with the lock of the models folder.
"""

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

from app.core.errors import ModelInUseError, ModelNotFoundError
from app.db.engine import Database
from app.db.model_versions import active_version
from app.registry import folder, repository

# Refused models are kept to look into; with the latest ones that is worth it.
REFUSED_KEPT = 2


def superfluous(database: Database, keep: int) -> list[str]:
    """Name the models beyond the newest `keep` published and the newest 2 refused ones."""
    limits = {repository.PUBLISHED: keep, repository.REFUSED: min(keep, REFUSED_KEPT)}
    with database.read() as connection:
        active = active_version(connection)
        rows = repository.versions(connection)
    seen: Counter[str] = Counter()
    beyond = []
    for row in rows:
        seen[row.state] += 1
        needed = row.version in (active.version, active.previous)
        if seen[row.state] > limits.get(row.state, len(rows)) and not needed:
            beyond.append(row.version)
    return beyond


def remove(database: Database, models_dir: Path, version: str) -> None:
    """Remove a model; raises `ModelNotFoundError`, and `ModelInUseError` where it is needed."""
    aside = models_dir / f"{folder.REMOVED}{version}"
    with database.unit_of_work() as connection:
        active = repository.lock_active_version(connection)
        if version in (active.version, active.previous):
            raise ModelInUseError(version)
        if not repository.remove(connection, version):
            raise ModelNotFoundError(version)
        with suppress(FileNotFoundError):
            (models_dir / version).rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def settle(database: Database, models_dir: Path) -> None:
    """Finish or undo the removals of processes that have died."""
    for aside in sorted(models_dir.glob(f"{folder.REMOVED}*")):
        version = aside.name.removeprefix(folder.REMOVED)
        with database.read() as connection:
            recorded = repository.exists(connection, version)
        if recorded and not (models_dir / version).exists():
            aside.rename(models_dir / version)
        else:
            shutil.rmtree(aside, ignore_errors=True)
