"""Queries about the back-ups that are kept; times come from the clock of the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, text, update

from app.db.sql import now
from app.db.tables import backups, erasures

MAX_ERROR_LENGTH = 1000
# Rows of back-ups that are long over tell nothing more.
ROWS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class State:
    """The back-ups as an operator asks for them."""

    last: Row[Any] | None
    """The newest that is good."""
    failed: Row[Any] | None
    """The newest of all, if its last attempt failed."""
    age_s: float | None
    """Since the ratings of the newest good one were read; None without one."""
    overdue_s: float | None
    """Since the next one should have been there, below 0 before; None without a schedule."""


def newest(connection: Connection) -> Row[Any] | None:
    """Return the newest back-up, the only one that can be unfinished."""
    return connection.execute(_by_age().limit(1)).first()


def begun(connection: Connection) -> Row[Any]:
    """Return the newest back-up after one has been begun."""
    return connection.execute(_by_age().limit(1)).one()


def newest_scheduled(connection: Connection) -> Row[Any] | None:
    """Return the newest back-up that the schedule has begun."""
    query = _by_age().where(backups.c.due_at.is_not(None))
    return connection.execute(query.limit(1)).first()


def state(connection: Connection) -> State:
    """Return how the back-ups fare."""
    latest, time, expected = newest(connection), now(connection), _expected(connection)
    last = connection.execute(_good().order_by(backups.c.started_at.desc())).first()
    return State(
        last=last,
        failed=latest if latest is not None and latest.error else None,
        age_s=None if last is None else (time - last.started_at).total_seconds(),
        overdue_s=None if expected is None else (time - expected).total_seconds(),
    )


def _expected(connection: Connection) -> datetime | None:
    """Return when the next scheduled back-up should be there: it may take twice as long again."""
    scheduled = _good().where(backups.c.due_at.is_not(None))
    row = connection.execute(scheduled.order_by(backups.c.id.desc())).first()
    if row is not None:
        took, interval = row.finished_at - row.started_at, row.next_at - row.started_at
        expected: datetime = row.next_at + min(2 * took, interval / 4)
        return expected
    begun = newest_scheduled(connection)
    return None if begun is None else begun.due_at


def _good() -> Select[Any]:
    return select(backups).where(backups.c.finished_at.is_not(None)).limit(1)


def mark_of_erasures(connection: Connection) -> tuple[Any, ...]:
    """Return something that changes with every erasure."""
    return tuple(connection.execute(select(func.count(), func.max(erasures.c.id))).one())


def lock(connection: Connection) -> None:
    """Let one process at a time decide who makes the next back-up; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        # Readers do not wait, so that a `pg_dump` does not keep back-ups from being made.
        connection.execute(text("LOCK TABLE backups IN SHARE ROW EXCLUSIVE MODE"))


def add(connection: Connection, **values: Any) -> int:
    """Begin a back-up; forget those that are long over."""
    new = insert(backups).values(**values).returning(backups.c.id)
    id_ = int(connection.execute(new).scalar_one())
    connection.execute(delete(backups).where(backups.c.id <= id_ - ROWS_KEPT))
    return id_


def change(connection: Connection, id_: int, **values: Any) -> None:
    """Record something of a back-up whose lease the caller takes."""
    connection.execute(update(backups).where(backups.c.id == id_).values(**values))


def record(connection: Connection, id_: int, by: str, **values: Any) -> bool:
    """Record something of a back-up; False where another process has taken the lease."""
    mine = (backups.c.id == id_, backups.c.holder == by)
    return connection.execute(update(backups).where(*mine).values(**values)).rowcount == 1


def _by_age() -> Select[Any]:
    return select(backups).order_by(backups.c.id.desc())
