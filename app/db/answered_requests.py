"""Queries about requests with an `Idempotency-Key`."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from app.db.sql import upsert
from app.db.tables import answered_requests, users


def lock(connection: Connection, key_sha256: str) -> bool:
    """Keep other workers from this key until the transaction ends; False if one has it.

    SQLite has one writer at a time: there the other worker has ended already.
    """
    if connection.dialect.name == "sqlite":
        return True
    number = int.from_bytes(bytes.fromhex(key_sha256)[:8], signed=True)
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(number))))


def find(connection: Connection, key_sha256: str, since: datetime) -> Row[Any] | None:
    """Return the request of a key, unless it was answered before `since`."""
    columns = answered_requests.c
    is_it = (columns.key_sha256 == key_sha256) & (columns.answered_at > since)
    return connection.execute(select(answered_requests).where(is_it)).first()


def put(connection: Connection, user: str | None, row: dict[str, Any]) -> None:
    """Record a request about a user, if any, in place of an expired one of the same key."""
    of_user = select(users.c.id).where(users.c.key == user).scalar_subquery()
    insert = upsert(connection, answered_requests).values(**row, user_id=of_user)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["key_sha256"],
            set_={name: insert.excluded[name] for name in (*row, "user_id")},
        )
    )


def any_before(connection: Connection, moment: datetime) -> bool:
    """Tell whether a request was answered up to this moment."""
    query = select(answered_requests.c.key_sha256).where(answered_requests.c.answered_at <= moment)
    return connection.execute(query.limit(1)).first() is not None


def remove_before(connection: Connection, moment: datetime, at_most: int) -> int:
    """Delete requests that were answered up to this moment; return how many."""
    columns = answered_requests.c
    expired = (
        select(columns.key_sha256)
        .where(columns.answered_at <= moment)
        .limit(at_most)
        .with_for_update(skip_locked=True)  # of PostgreSQL: another worker removes these
    )
    return connection.execute(
        delete(answered_requests).where(columns.key_sha256.in_(expired.scalar_subquery()))
    ).rowcount
