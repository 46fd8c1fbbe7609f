"""Queries about the sessions of operators."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.tables import AdminSession, ApiKey


def add(
    connection: Connection,
    sha256: str,
    key_prefix: str,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """Store a session."""
    connection.execute(
        insert(AdminSession).values(
            sha256=sha256, key_prefix=key_prefix, created_at=created_at, expires_at=expires_at
        )
    )


def find(connection: Connection, sha256: str, now: datetime) -> Row[Any] | None:
    """Return a session that has not expired and whose key is valid, with what the key allows."""
    return connection.execute(
        select(AdminSession.key_prefix, AdminSession.created_at, AdminSession.expires_at)
        .add_columns(ApiKey.scopes)
        .join(ApiKey, ApiKey.prefix == AdminSession.key_prefix)
        .where(
            AdminSession.sha256 == sha256,
            AdminSession.expires_at > now,
            ApiKey.revoked_at.is_(None),
        )
    ).first()


def put_off(connection: Connection, sha256: str, expires_at: datetime) -> None:
    """Let a session last longer."""
    connection.execute(
        update(AdminSession).where(AdminSession.sha256 == sha256).values(expires_at=expires_at)
    )


def remove(connection: Connection, sha256: str) -> None:
    """End a session."""
    connection.execute(delete(AdminSession).where(AdminSession.sha256 == sha256))


def remove_expired(connection: Connection, now: datetime) -> None:
    """Forget the sessions that nobody can use any more."""
    connection.execute(delete(AdminSession).where(AdminSession.expires_at <= now))
