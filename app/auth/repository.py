"""Queries about API keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, text, update

from app.db.tables import api_keys


def all_keys(connection: Connection) -> Sequence[Row[Any]]:
    """Return all keys, revoked ones too, the oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.prefix)
    return connection.execute(query).all()


def lock(connection: Connection) -> None:
    """Let other processes wait before they make keys; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"))


def any_key(connection: Connection) -> bool:
    """Tell whether a key was ever made."""
    return bool(connection.execute(select(exists().where(api_keys.c.prefix.is_not(None)))).scalar())


def add(
    connection: Connection,
    *,
    prefix: str,
    sha256: str,
    scopes: Iterable[str],
    name: str,
    created_at: datetime,
) -> None:
    """Store a key."""
    connection.execute(
        insert(api_keys).values(
            prefix=prefix, sha256=sha256, scopes=sorted(scopes), name=name, created_at=created_at
        )
    )


def revoke(connection: Connection, prefix: str, revoked_at: datetime) -> bool:
    """Make a key invalid for good; False when there is no such valid key."""
    return (
        connection.execute(
            update(api_keys)
            .where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=revoked_at)
        ).rowcount
        > 0
    )
