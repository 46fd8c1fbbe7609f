"""Queries about training runs; times come from the clock of the database, which all share."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, select, update

from app.db.sql import now, upsert
from app.db.tables import model_versions, training_runs
from app.jobs.schemas import Failure, RunState

MAX_ERROR_LENGTH = 1000
# The stage of a queued run that the process which trains at an interval is to take.
WAITING = "waiting"
# What the progress of a run that failed has besides: why, and when it is tried again.
FAILURE = "failure"
RETRY_AT = "retry_at"


def add(
    connection: Connection,
    options: dict[str, Any],
    requested_by: str,
    start_within_s: float,
    *,
    waits: bool = False,
) -> int | None:
    """Record a run that was requested; None when another one is in progress.

    One that `waits` is for `take_waiting`.
    """
    time = now(connection)
    new = (
        upsert(connection, training_runs)
        .values(
            state=RunState.QUEUED,
            in_progress=True,
            requested_by=requested_by,
            requested_at=time,
            lease_until=time + timedelta(seconds=start_within_s),
            options=options,
            progress={"stage": WAITING} if waits else {},
        )
        .on_conflict_do_nothing(index_elements=["in_progress"])
        .returning(training_runs.c.id)
    )
    return connection.execute(new).scalar()


def find(connection: Connection, run_id: int) -> Row[Any] | None:
    """Return a run."""
    query = select(training_runs).where(training_runs.c.id == run_id)
    return connection.execute(query).first()


def find_in_progress(connection: Connection) -> Row[Any] | None:
    """Return the run that is queued or running."""
    query = select(training_runs).where(training_runs.c.in_progress.is_(True))
    return connection.execute(query).first()


def has_made(connection: Connection, version: str) -> bool:
    """Tell whether a run of this database has made a model."""
    query = select(training_runs.c.id).where(training_runs.c.version == version).limit(1)
    return connection.execute(query).first() is not None


def latest(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """Return the latest runs."""
    query = select(training_runs).order_by(training_runs.c.id.desc()).limit(limit)
    return connection.execute(query).all()


def is_abandoned(connection: Connection) -> bool:
    """Tell whether the holder of the run in progress has not renewed its lease in time."""
    query = select(training_runs.c.lease_until).where(training_runs.c.in_progress.is_(True))
    lease_until = connection.execute(query).scalar()
    return lease_until is not None and lease_until < now(connection)


def end_abandoned(connection: Connection) -> None:
    """Take the lease from a holder that has not renewed it in time."""
    time = now(connection)
    ended = connection.execute(
        update(training_runs)
        .where(training_runs.c.in_progress.is_(True), training_runs.c.lease_until < time)
        .values(
            state=RunState.FAILED,
            in_progress=None,
            finished_at=time,
            error=case(
                (training_runs.c.state == RunState.QUEUED, "no process has begun this run in time"),
                else_="the process that held this run gave no sign of life any more: it was killed "
                "or cut off from the database; train again",
            ),
        )
        .returning(training_runs.c.id)
    )
    for run_id in ended.scalars():
        add_progress(connection, run_id, failure=Failure.LOST)


def take_waiting(connection: Connection) -> int | None:
    """Take the run that waits for a process that can train, if there is one; return its id."""
    query = (
        select(training_runs.c.id, training_runs.c.progress)
        .where(training_runs.c.in_progress.is_(True), training_runs.c.state == RunState.QUEUED)
        .with_for_update()
    )
    row = connection.execute(query).first()
    if row is None or row.progress.get("stage") != WAITING:
        return None
    connection.execute(
        update(training_runs).where(training_runs.c.id == row.id).values(progress={})
    )
    return int(row.id)


def claim(connection: Connection, run_id: int, holder: str, lease_s: float) -> bool:
    """Make a queued run this process's own; False when it is not queued."""
    time = now(connection)
    claimed = connection.execute(
        update(training_runs)
        .where(training_runs.c.id == run_id, training_runs.c.state == RunState.QUEUED)
        .values(
            state=RunState.RUNNING,
            holder=holder,
            started_at=time,
            heartbeat_at=time,
            lease_until=time + timedelta(seconds=lease_s),
        )
    )
    return claimed.rowcount == 1


def renew(connection: Connection, run_id: int, holder: str, lease_s: float, **values: Any) -> bool:
    """Renew the lease, and record `values`; False when it was lost.

    Until the transaction ends no other process can take the lease.
    """
    time = now(connection)
    renewed = connection.execute(
        update(training_runs)
        .where(
            training_runs.c.id == run_id,
            training_runs.c.state == RunState.RUNNING,
            training_runs.c.holder == holder,
        )
        .values(heartbeat_at=time, lease_until=time + timedelta(seconds=lease_s), **values)
    )
    return renewed.rowcount == 1


def end(
    connection: Connection,
    run_id: int,
    state: RunState,
    *,
    holder: str | None = None,
    error: str | None = None,
    **values: Any,
) -> bool:
    """Record how a run ended; False when it has ended already, or has another holder."""
    mine = [training_runs.c.id == run_id, training_runs.c.in_progress.is_(True)]
    if holder is not None:
        mine.append(training_runs.c.holder == holder)
    ended = connection.execute(
        update(training_runs)
        .where(*mine)
        .values(
            state=state,
            in_progress=None,
            finished_at=now(connection),
            error=error[:MAX_ERROR_LENGTH] if error else None,
            **values,
        )
    )
    return ended.rowcount == 1


def add_progress(connection: Connection, run_id: int, **values: str) -> None:
    """Add values to the progress of a run that has ended."""
    row = find(connection, run_id)
    if row is not None:
        progress = {**row.progress, **values}
        connection.execute(
            update(training_runs).where(training_runs.c.id == run_id).values(progress=progress)
        )


def unregistered_versions(connection: Connection) -> list[str]:
    """Return the candidates of runs that ended before they became a model."""
    registered = select(model_versions.c.version)
    query = select(training_runs.c.version).where(
        training_runs.c.state.in_([RunState.FAILED, RunState.STOPPED]),
        training_runs.c.version.is_not(None),
        training_runs.c.version.not_in(registered),
    )
    return [version for version in connection.execute(query).scalars() if version is not None]
