"""The first admin key, read from or written to a file: a new installation is never open."""

import re
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from app.auth import repository
from app.auth.keys import NewKey
from app.auth.scopes import Scope
from app.config import PREFIX
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from data.durable import whole_file

SETTING = f"{PREFIX}BOOTSTRAP_ADMIN_KEY_FILE"
NAME = "bootstrap"
# Secrets are stored as a plain hash, so a chosen key must be as strong as a drawn one: 128 bits as
# hexadecimal, and not one character repeated.
KEY = re.compile(r"(?P<prefix>[A-Za-z0-9_-]{1,16})\.(?P<secret>[A-Za-z0-9_+/=~-]{32,256})")
MIN_DIFFERENT = 10
MAX_LENGTH = 1024


class BootstrapKeyError(ValueError):
    """The file of the first key cannot be used; the message never holds its content."""


def make_first_key(database: Database, file: Path) -> str | None:
    """Register the key in the file, or draw one and write it there; return its prefix.

    None if the database ever had a key: then the file is not read. Of several replicas that start
    together, one makes the key and the others find it.
    """
    with database.read() as connection:  # the usual case, without a write lock
        if repository.any_key(connection):
            return None
    with database.unit_of_work() as connection:
        repository.lock(connection)
        if repository.any_key(connection):
            return None
        key = _read(file) or _draw_into(file)
        # The file first: after a kill in between, the next start reads the key from it.
        _add(connection, key)
    return key.prefix


def read_first_key(file: Path) -> str | None:
    """Return the prefix of the key in the file, None if the file is missing or empty."""
    key = _read(file)
    return key.prefix if key else None


def _read(file: Path) -> NewKey | None:
    """Return the key in the file, None if the file is missing or empty."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_LENGTH)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BootstrapKeyError(f"{SETTING}: cannot read {file}: {error.strerror}") from error
    text = content.decode("latin-1").strip()
    if not text:
        return None
    found = KEY.fullmatch(text)
    if found is None or len(set(found["secret"])) < MIN_DIFFERENT:
        raise BootstrapKeyError(
            f"{SETTING}: {file} does not hold a key: a name of at most 16 letters and digits, a "
            "dot, and at least 32 random characters, as `openssl rand -hex 32` gives"
        )
    return NewKey(**found.groupdict())


def _draw_into(file: Path) -> NewKey:
    """Draw a key and write it atomically, readable by this account alone."""
    key = NewKey.draw()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file, 0o600) as opened:
            opened.write(f"{key.text}\n".encode())
    except OSError as error:
        raise BootstrapKeyError(f"{SETTING}: cannot write {file}: {error.strerror}") from error
    return key


def _add(connection: Connection, key: NewKey) -> None:
    repository.add(
        connection,
        prefix=key.prefix,
        sha256=key.sha256,
        scopes=[Scope.ADMIN],
        name=NAME,
        created_at=datetime.now(UTC),
    )
    audit.record(connection, SETTING, Action.KEY_CREATED, key.prefix, scopes=[Scope.ADMIN])
