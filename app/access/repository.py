"""Queries about API keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, text, update

from app.tables import ApiKey


def all_keys(connection: Connection) -> Sequence[Row[Any]]:
    """Return every key, revoked ones too, the oldest first."""
    columns = select(*ApiKey.__table__.columns)
    return connection.execute(columns.order_by(ApiKey.created_at, ApiKey.prefix)).all()


def lock(connection: Connection) -> None:
    """Make others wait who make keys; SQLite admits one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"))


def any_key(connection: Connection) -> bool:
    """Tell whether a key was ever made."""
    return bool(connection.execute(select(exists().where(ApiKey.prefix.is_not(None)))).scalar())


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
        insert(ApiKey).values(
            prefix=prefix, sha256=sha256, scopes=sorted(scopes), name=name, created_at=created_at
        )
    )


def revoke(connection: Connection, prefix: str, revoked_at: datetime) -> bool:
    """Make a key invalid for good; False when there is no such valid key."""
    return (
        connection.execute(
            update(ApiKey)
            .where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
            .values(revoked_at=revoked_at)
        ).rowcount
        > 0
    )
