"""One back-up that is kept: written, read again, copied, recorded; old ones are removed.

The row of the newest back-up has a lease, so that one process works on it at a time. An attempt
that fails leaves the row unfinished, and the next one goes on from there: what is written needs
only be copied, until it is so old that a newer one is due.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from app.backup import copies, erasures, repository, service
from app.backup.archive import BackupError, DamagedBackupError
from app.backup.retention import Keep, name_of
from app.backup.service import Summary
from app.core.logging import cause
from app.core.polling import Poller
from app.core.remote import RemoteFolder
from app.db.engine import Database
from app.db.model_versions import holdout_salt
from app.db.sql import now
from app.jobs.schedule import retry_delay

# What a process that was killed has begun waits for so long.
LEASE = timedelta(seconds=60)
HEARTBEAT_S = LEASE.total_seconds() / 4
FREE = {"holder": None, "lease_until": None}

Write = Callable[[Path], object]

logger = logging.getLogger(__name__)


class BackupInProgressError(BackupError):
    """Another process makes a back-up at this moment, or has just made one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where back-ups go, and how many of them stay there."""

    folder: Path
    keep: Keep
    copy: RemoteFolder | None = None
    interval: timedelta | None = None
    """From one to the next; None: one, at once."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A back-up that this process works on."""

    id: int
    holder: str
    installation: str
    name: str
    started_at: datetime
    failures: int
    is_written: bool


def carry_out(database: Database, plan: Plan, write: Write) -> Summary:
    """Make a back-up, or copy that which could not be copied.

    `write` makes its file. A failure is recorded, and raised. Raises `BackupInProgressError`.
    """
    with database.unit_of_work() as connection:
        turn = _take(connection, plan)
    path = plan.folder / turn.name
    with _held(database, turn, plan):
        if not turn.is_written:
            _remove_unfinished(plan.folder, turn.installation)
            write(path)
        summary = _verified(path)
        _record(database, turn, bytes=summary.length)
        copies.prune(plan.folder, turn.installation, plan.keep)
        if plan.copy is not None:
            list_ = erasures.write(database, plan.folder)
            copies.copy(plan.folder, plan.copy, turn.installation, list_, plan.keep)
        with database.read() as connection:
            time = now(connection)
        next_at = turn.started_at + (plan.interval or timedelta())
        _record(database, turn, finished_at=time, next_at=next_at, failures=0, error=None, **FREE)
    return summary


def seconds_left(connection: Connection, interval: timedelta) -> float:
    """Return in how many seconds the next back-up is due, or the next attempt."""
    row, time = repository.newest(connection), now(connection)
    if row is not None and row.finished_at is None:
        moments = [moment for moment in (row.lease_until, row.next_at) if moment is not None]
        due_at = max(moments, default=time)
    else:
        row = repository.newest_scheduled(connection)
        due_at = min(row.next_at, row.started_at + interval) if row is not None else time
    # The clock may have been ahead.
    return min((due_at - time).total_seconds(), interval.total_seconds())


def _take(connection: Connection, plan: Plan) -> Turn:
    """Begin a back-up, or go on with the one that is unfinished, unless another process does."""
    repository.lock(connection)
    row, time = repository.newest(connection), now(connection)
    unfinished = row if row is not None and row.finished_at is None else None
    if unfinished is not None and unfinished.lease_until and unfinished.lease_until > time:
        raise BackupInProgressError(f"another back-up is in progress, by {unfinished.holder}")
    if plan.interval is not None and seconds_left(connection, plan.interval) > 0:
        raise BackupInProgressError("another process has made the back-up that was due")
    holder = f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"
    values: dict[str, Any] = {"holder": holder, "lease_until": time + LEASE}
    installation = erasures.installation_of(holdout_salt(connection))
    if unfinished is None or not _is_of_use(unfinished, plan, time):
        name = name_of(installation, time)
        values |= {"name": name, "started_at": time, "bytes": None}
    if plan.interval is not None:
        values["due_at"] = unfinished.due_at or time if unfinished is not None else time
    if unfinished is None:
        repository.add(connection, **values)
    else:
        killed = unfinished.holder is not None  # without a word
        values["failures"] = unfinished.failures + killed
        repository.change(connection, unfinished.id, **values)
    row = repository.begun(connection)
    written = row.bytes is not None
    return Turn(row.id, holder, installation, row.name, row.started_at, row.failures, written)


def _is_of_use(row: Row[Any], plan: Plan, time: datetime) -> bool:
    """Tell whether an unfinished back-up is written, and none is due that is newer."""
    is_new = plan.interval is not None and time < row.started_at + plan.interval
    return row.bytes is not None and is_new and (plan.folder / row.name).exists()


@contextmanager
def _held(database: Database, turn: Turn, plan: Plan) -> Iterator[None]:
    """Renew the lease within the block; record why the block failed."""

    def renew() -> None:
        with database.unit_of_work() as connection:
            until = now(connection) + LEASE
            repository.record(connection, turn.id, turn.holder, lease_until=until)

    poller = Poller("backup-lease", renew, HEARTBEAT_S, "cannot renew the lease of the back-up")
    poller.start(poll_now=False)
    try:
        yield
    except BaseException as error:
        poller.stop()
        _record_end(database, turn, plan, error)
        raise
    finally:
        poller.stop()


def _record_end(database: Database, turn: Turn, plan: Plan, error: BaseException) -> None:
    """Record that an attempt failed, and when the next one is; what was stopped waits for none."""
    values: dict[str, Any] = {"next_at": None, **FREE}
    try:
        with database.unit_of_work() as connection:
            if isinstance(error, Exception):
                failures = turn.failures + 1
                text = cause(error)[: repository.MAX_ERROR_LENGTH]
                values |= {"failures": failures, "error": text}
                if plan.interval is not None:
                    delay = min(retry_delay(failures), plan.interval)
                    values["next_at"] = now(connection) + delay
            repository.record(connection, turn.id, turn.holder, **values)
    except SQLAlchemyError as problem:  # the lease is renewed no more
        logger.warning("cannot record how a back-up has ended: %s", cause(problem))


def _record(database: Database, turn: Turn, **values: Any) -> None:
    with database.unit_of_work() as connection:
        if not repository.record(connection, turn.id, turn.holder, **values):
            raise BackupInProgressError(f"{turn.name} is no longer on record: the database was "
                                        "restored, or another process goes on with it")  # fmt: skip


def _verified(path: Path) -> Summary:
    """Read a back-up again; a damaged one is removed, so that nobody relies on it."""
    try:
        return service.verify(path)
    except DamagedBackupError:
        path.unlink()
        raise


def _remove_unfinished(folder: Path, installation: str) -> None:
    """Remove what killed processes have left: the caller is the only one that writes."""
    for path in folder.glob(f".recommender-{installation}-*.unfinished"):
        path.unlink(missing_ok=True)
