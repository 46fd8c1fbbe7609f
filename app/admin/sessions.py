"""Sessions of operators: opened with an admin key, ended by time, by signing out, or with the key.

Only the hash of what the cookie holds is stored. Each look reads the session and its key from the
database, so that what ends in one process has ended in all.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from app.admin import repository
from app.auth.keys import digest
from app.auth.scopes import Scope
from app.db.engine import Database

# An unattended screen stays open for so long, and nobody stays signed in over night.
IDLE = timedelta(minutes=30)
AT_MOST = timedelta(hours=12)
# A session in use is written again this seldom, not with every page.
RENEW_EVERY = timedelta(minutes=1)

TOKEN_BYTES = 32


def new_token() -> str:
    """Draw what a cookie holds."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def form_token(token: str) -> str:
    """Derive what a form must bring along: only a page made for the holder of the cookie has it."""
    return hmac.digest(token.encode(), b"form", "sha256").hex()


def open_session(database: Database, key_prefix: str) -> str:
    """Sign in the holder of a key; return what their cookie is to hold."""
    token, now = new_token(), datetime.now(UTC)
    with database.unit_of_work() as connection:
        repository.remove_expired(connection, now)
        repository.add(connection, digest(token), key_prefix, now, now + IDLE)
    return token


def find_session(database: Database, token: str, *, renew: bool = True) -> str | None:
    """Return the prefix of the key that a session was opened with, None when it has ended."""
    sha256, now = digest(token), datetime.now(UTC)
    with database.read() as connection:
        row = repository.find(connection, sha256, now)
    if row is None or Scope.ADMIN not in row.scopes:
        return None
    expires_at = min(now + IDLE, row.created_at + AT_MOST)
    if renew and expires_at - row.expires_at >= RENEW_EVERY:
        with database.unit_of_work() as connection:
            repository.put_off(connection, sha256, expires_at)
    return str(row.key_prefix)


def close_session(database: Database, token: str) -> None:
    """Sign out."""
    with database.unit_of_work() as connection:
        repository.remove(connection, digest(token))
