"""Queries about the sessions of operators."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.db.tables import admin_sessions, api_keys


def add(
    connection: Connection,
    sha256: str,
    key_prefix: str,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """Store a session."""
    connection.execute(
        insert(admin_sessions).values(
            sha256=sha256, key_prefix=key_prefix, created_at=created_at, expires_at=expires_at
        )
    )


def find(connection: Connection, sha256: str, now: datetime) -> Row[Any] | None:
    """Return a session that has not expired and whose key is valid, with the scopes of the key."""
    return connection.execute(
        select(admin_sessions, api_keys.c.scopes)
        .join(api_keys, api_keys.c.prefix == admin_sessions.c.key_prefix)
        .where(
            admin_sessions.c.sha256 == sha256,
            admin_sessions.c.expires_at > now,
            api_keys.c.revoked_at.is_(None),
        )
    ).first()


def extend(connection: Connection, sha256: str, expires_at: datetime) -> None:
    """Extend a session."""
    connection.execute(
        update(admin_sessions)
        .where(admin_sessions.c.sha256 == sha256)
        .values(expires_at=expires_at)
    )


def remove(connection: Connection, sha256: str) -> None:
    """End a session."""
    connection.execute(delete(admin_sessions).where(admin_sessions.c.sha256 == sha256))


def remove_expired(connection: Connection, now: datetime) -> None:
    """Delete expired sessions."""
    connection.execute(delete(admin_sessions).where(admin_sessions.c.expires_at <= now))
