"""The first admin key, from a file or into one, so that a new installation is never open."""

import os
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from app.auth import repository
from app.auth.keys import NewKey
from app.auth.scopes import Scope
from app.config import PREFIX
from app.db.engine import Database

SETTING = f"{PREFIX}BOOTSTRAP_ADMIN_KEY_FILE"
NAME = "bootstrap"
# Only the plain hash of a secret is stored, so a key that somebody chose must be as good as drawn:
# 128 bits as hexadecimal, and not one character typed again and again.
KEY = re.compile(r"(?P<prefix>[A-Za-z0-9_-]{1,16})\.(?P<secret>[A-Za-z0-9_+/=~-]{32,256})")
MIN_DIFFERENT = 10
MAX_LENGTH = 1024


class BootstrapKeyError(ValueError):
    """The file of the first key cannot be used; the message never holds what is in it."""


def make_first_key(database: Database, file: Path) -> str | None:
    """Register the key in the file, or draw one and write it there; return its prefix.

    None where a key was ever made: then the file is not even looked at. Of several replicas that
    start together one makes the key, and the others find it.
    """
    with database.read() as connection:  # the common case waits for no writer
        if repository.any_key(connection):
            return None
    with database.unit_of_work() as connection:
        repository.lock(connection)
        if repository.any_key(connection):
            return None
        key = _read(file) or _draw_into(file)
        # The file comes first: killed in between, the next start finds the key there.
        _add(connection, key)
    return key.prefix


def _read(file: Path) -> NewKey | None:
    """Return the key in the file, None where it is not there or empty."""
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
    """Draw a key and write it where only this account can read it, whole or not at all."""
    key = NewKey.draw()
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(f"{key.text}\n")
            opened.flush()
            os.fsync(descriptor)
        unfinished.replace(file)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
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
