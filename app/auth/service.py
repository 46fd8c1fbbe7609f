"""Makes, lists and revokes API keys."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.auth import repository
from app.auth.keys import NewKey
from app.auth.scopes import Scope
from app.config import PREFIX, Settings
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database


class KeyNotFoundError(ValueError):
    """There is no valid key of this prefix."""


class UnsafeBindError(ValueError):
    """The service would be open to a network without any access control."""


def create_key(
    database: Database, scopes: Iterable[Scope], name: str, *, by: str | None = None
) -> NewKey:
    """Make a key; its secret can be read only now."""
    key, allowed = NewKey.draw(), set(scopes)
    with database.unit_of_work() as connection:
        repository.add(
            connection,
            prefix=key.prefix,
            sha256=key.sha256,
            scopes=allowed,
            name=name,
            created_at=datetime.now(UTC),
        )
        audit.record(connection, by, Action.KEY_CREATED, key.prefix, scopes=sorted(allowed))
    return key


def list_keys(database: Database) -> list[dict[str, Any]]:
    """Return all keys, without their secrets."""
    with database.read() as connection:
        rows = repository.all_keys(connection)
    return [
        {
            "prefix": row.prefix,
            "name": row.name,
            "scopes": row.scopes,
            "created_at": row.created_at.isoformat(),
            "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
        }
        for row in rows
    ]


def revoke_key(database: Database, key: str, *, by: str | None = None) -> str:
    """Revoke a key, given as a whole or by its prefix; return the prefix."""
    prefix = key.partition(".")[0]
    with database.unit_of_work() as connection:
        if not repository.revoke(connection, prefix, datetime.now(UTC)):
            raise KeyNotFoundError(f"there is no valid key {prefix}; see `recommender keys list`")
        audit.record(connection, by, Action.KEY_REVOKED, prefix)
    return prefix


def check_bind(settings: Settings, database: Database) -> None:
    """Refuse to serve a network before the first key is made."""
    if settings.is_private or settings.insecure:
        return
    with database.read() as connection:
        if repository.any_key(connection):
            return
    passed_on = f" behind a proxy ({PREFIX}TRUSTED_PROXIES, {PREFIX}ALLOWED_HOSTS)"
    where = f"{settings.host}{passed_on if settings.on_loopback else ''}"
    raise UnsafeBindError(
        f"refusing to serve on {where}: there is no API key, so any client that reaches that "
        "address could read and change every rating. Make one with `recommender keys create`, "
        f"serve this machine alone on 127.0.0.1, or pass --insecure ({PREFIX}INSECURE=true) when "
        "something in front of the service controls access"
    )
