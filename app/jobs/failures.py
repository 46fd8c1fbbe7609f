"""Why a run failed: its class, and one line that says what to do."""

import errno
from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.errors import AppError
from app.jobs.errors import (
    MORE_MEMORY,
    LeaseLostError,
    NoRoomError,
    OutdatedSnapshotError,
    TrainingError,
)
from app.jobs.schemas import Failure
from model.artifact import ArtifactError
from model.checkpoint import CheckpointError
from model.training import DivergenceError

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
# Of PostgreSQL (SQLSTATE) and SQLite.
DATABASE_FULL = {"53100", "SQLITE_FULL"}
CLASSES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Failure], ...] = (
    (NoRoomError, Failure.DISK),
    (OutdatedSnapshotError, Failure.CHANGED),
    (LeaseLostError, Failure.LOST),
    (MemoryError, Failure.MEMORY),
    ((OperationalError, InterfaceError, PoolTimeoutError), Failure.DATABASE),
    ((TrainingError, CheckpointError, DivergenceError, ArtifactError, AppError), Failure.INPUT),
)
ADVICE = {Failure.DISK: "free space, then train again", Failure.MEMORY: MORE_MEMORY}


def classify(error: BaseException) -> Failure:
    """Return the class of the reason; `ERROR` for what nobody expects."""
    if is_disk_full(error):
        return Failure.DISK
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Failure.DATABASE
    return next((failure for kind, failure in CLASSES if isinstance(error, kind)), Failure.ERROR)


def is_disk_full(error: BaseException) -> bool:
    """Tell whether a disk is full: that of the models, or that of the database."""
    if isinstance(error, DBAPIError):
        names: set[Any] = {getattr(error.orig, n, None) for n in ("sqlstate", "sqlite_errorname")}
        return bool(names & DATABASE_FULL)
    return isinstance(error, OSError) and error.errno in DISK_FULL


def explain(error: BaseException) -> str:
    """Say in one line what happened and what to do, without folders of this machine."""
    if isinstance(error, NoRoomError):
        return error.reason
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = _without_path(cause) if isinstance(cause, OSError) else " ".join(str(cause).split())
    advice = ADVICE.get(classify(error))
    return "; ".join(part for part in (text or type(error).__name__, advice) if part)


def _without_path(error: OSError) -> str:
    where = f": {str(error.filename).rpartition('/')[2]}" if error.filename else ""
    return f"{error.strerror or error}{where}"
