"""API keys: their form, their scopes, and the valid ones in memory."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from hmac import compare_digest
from threading import Lock
from typing import Any, NamedTuple

from app.auth import repository
from app.auth.scopes import Scope
from app.core.errors import DatabaseUnavailableError
from app.core.polling import Poller
from app.db.engine import Database
from app.db.limits import POLL_STATEMENT_S

# A key that was made or revoked elsewhere counts here after this time at most.
POLL_S = 1.0
PREFIX_BYTES, SECRET_BYTES = 6, 32
# Name in the ASGI scope of the sender of the request.
PRINCIPAL = "recommender.principal"


class NewKey(NamedTuple):
    """A new key; only the hash of its secret is stored."""

    prefix: str
    secret: str

    @classmethod
    def draw(cls) -> NewKey:
        """Draw a prefix and 256 random bits."""
        return cls(secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES))

    @property
    def text(self) -> str:
        """The key as a client sends it."""
        return f"{self.prefix}.{self.secret}"

    @property
    def sha256(self) -> str:
        """The stored hash of the secret."""
        return digest(self.secret)


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request: a key by its prefix, or an anonymous client."""

    prefix: str | None
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Tell whether this is allowed."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


UNAUTHENTICATED = Principal(None, frozenset())
UNRESTRICTED = Principal(None, frozenset(Scope))


class KeyRing:
    """The valid keys in memory; a thread polls the database.

    A database that ever had a key is never open again, even after the last key was revoked.
    """

    def __init__(self, database: Database, *, may_be_open: bool) -> None:
        self.database = database
        self.may_be_open = may_be_open
        self._keys: Mapping[str, tuple[str, Principal]] | None = None
        self._is_open = False
        self._refreshing = Lock()
        trouble = "cannot read the API keys; those known so far stay valid"
        self._poller = Poller("key-ring", self.refresh, POLL_S, trouble)

    @property
    def is_loaded(self) -> bool:
        """True once the keys have been read."""
        return self._keys is not None

    @property
    def is_open(self) -> bool:
        """True when no key is needed: none was ever made, and the service may be open."""
        return self._is_open

    def start(self) -> None:
        """Load the keys and start polling."""
        self._poller.start()

    def stop(self) -> None:
        """Stop polling."""
        self._poller.stop()

    def refresh(self) -> None:
        """Reload the keys."""
        with self._refreshing:
            with self.database.read(POLL_STATEMENT_S) as connection:
                rows = repository.all_keys(connection)
            self._is_open = self.may_be_open and not rows
            self._keys = {
                row.prefix: (row.sha256, Principal(row.prefix, _known(row.scopes)))
                for row in rows
                if row.revoked_at is None
            }

    def find(self, key: str) -> Principal | None:
        """Return the principal of this key, None when the key is not valid."""
        if self._keys is None:
            raise DatabaseUnavailableError
        prefix, _, secret = key.partition(".")
        sha256, principal = self._keys.get(prefix, ("", UNAUTHENTICATED))
        return principal if compare_digest(digest(secret), sha256) else None


def digest(secret: str) -> str:
    """Hash a secret; a plain SHA-256 of 256 random bits cannot be reversed."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _known(scopes: Iterable[str]) -> frozenset[Scope]:
    """Drop scopes of a newer version."""
    return frozenset(Scope(scope) for scope in scopes if scope in set(Scope))


def may(request: MutableMapping[str, Any], scope: Scope) -> bool:
    """Tell whether the sender of this request has the scope."""
    principal: Principal = request.get(PRINCIPAL, UNAUTHENTICATED)
    return principal.may(scope)
