"""Sessions of operators: opened with an admin key, ended by time, by signing out, or with the key.

Only the hash of the token in the cookie is stored. Each request reads the session and its key from
the database, so that a session that ends in one process ends in all.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from app.admin import repository
from app.auth.keys import digest
from app.auth.scopes import Scope
from app.db.engine import Database

# Limits for an unattended screen, and for a session at all: none lasts over night.
IDLE = timedelta(minutes=30)
AT_MOST = timedelta(hours=12)
# The expiry of a session in use is stored at most this often, not with every page.
RENEW_EVERY = timedelta(minutes=1)

TOKEN_BYTES = 32


def new_token() -> str:
    """Draw the token for a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def form_token(token: str) -> str:
    """Derive the token of a form: only pages rendered for this cookie have it."""
    return hmac.digest(token.encode(), b"form", "sha256").hex()


def open_session(database: Database, key_prefix: str) -> str:
    """Open a session for a key; return the token for its cookie."""
    token, now = new_token(), datetime.now(UTC)
    with database.unit_of_work() as connection:
        repository.remove_expired(connection, now)
        repository.add(connection, digest(token), key_prefix, now, now + IDLE)
    return token


def find_session(database: Database, token: str, *, renew: bool = True) -> str | None:
    """Return the prefix of the key of a session, None when it has ended."""
    sha256, now = digest(token), datetime.now(UTC)
    with database.read() as connection:
        row = repository.find(connection, sha256, now)
    if row is None or Scope.ADMIN not in row.scopes:
        return None
    expires_at = min(now + IDLE, row.created_at + AT_MOST)
    if renew and expires_at - row.expires_at >= RENEW_EVERY:
        with database.unit_of_work() as connection:
            repository.extend(connection, sha256, expires_at)
    return str(row.key_prefix)


def close_session(database: Database, token: str) -> None:
    """End a session."""
    with database.unit_of_work() as connection:
        repository.remove(connection, digest(token))
