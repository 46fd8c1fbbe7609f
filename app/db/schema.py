"""Schema upgrades; the migrations are part of the package, there is no configuration file.

Serving needs only the revision of the database and the expected one. Both are read without
Alembic, whose import would take most of the time of a start.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

import migrations
from app.db.engine import Database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alembic.config import Config

FOLDER = Path(migrations.__file__).parent
# Each migration names its revision and the one before it.
NAMES = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)

# Any fixed number that no other program locks in the same database.
ADVISORY_LOCK = 7_273_001


class UnknownRevisionError(Exception):
    """The database was made by a newer version of this program."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Upgrade the schema to `revision`, in one transaction."""
    with database.unit_of_work(alters_schema=True) as connection:
        found = lock(connection)
        # Keep the schema of the next version; this one works with it.
        if not (revision == "head" and found == _next()):
            bring_up(connection, revision)


def downgrade(database: Database, revision: str) -> None:
    """Downgrade the schema to `revision` (`base` is the empty database), in one transaction."""
    with database.unit_of_work(alters_schema=True) as connection:
        lock(connection)
        bring_down(connection, revision)


def current(database: Database) -> str | None:
    """Return the revision of the database, None if it was never migrated."""
    with database.read() as connection:
        return current_of(connection)


def current_of(connection: Connection) -> str | None:
    """Return the revision of the database, as this transaction sees it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def head() -> str:
    """Return the newest revision of this program."""
    revisions = _revisions()
    (newest,) = revisions.keys() - revisions.values()
    return newest


def is_served(revision: str | None) -> bool:
    """Tell whether this program works with a schema of this revision: its own, or the next.

    Each revision also works with the previous program, so that replicas can be updated one after
    the other. A revision that cannot skips a number, and is refused here.
    """
    return revision in {head(), _next()}


def is_behind(database: Database) -> bool:
    """Tell whether `upgrade` would change the schema."""
    found = current(database)
    _refuse_unknown(found)
    return not is_served(found)


def lock(connection: Connection) -> str | None:
    """Lock the schema for a change; return its revision."""
    # Two processes that start together migrate one after the other; on SQLite BEGIN ensures it.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    found = current_of(connection)
    _refuse_unknown(found)
    return found


def bring_up(connection: Connection, revision: str = "head") -> None:
    """Upgrade within the transaction of a connection that may alter the schema."""
    from alembic import command  # noqa: PLC0415 (see above)

    command.upgrade(_config(connection), revision)


def bring_down(connection: Connection, revision: str) -> None:
    """Downgrade in the same way."""
    from alembic import command  # noqa: PLC0415 (see above)

    command.downgrade(_config(connection), revision)


def knows(revision: str | None) -> bool:
    """Tell whether this program has the migration to this revision."""
    return revision in _revisions()


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 (see above)

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _next() -> str:
    return f"{int(head()) + 1:04d}"


@cache  # the files do not change while the program runs
def _revisions() -> Mapping[str, str | None]:
    """Return each revision of this program with the one before it."""
    scripts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("versions/[0-9]*.py")]
    named = [dict(NAMES.findall(script)) for script in scripts]
    return {names["revision"]: names["down_revision"] or None for names in named}


def _refuse_unknown(found: str | None) -> None:
    if found is not None and not knows(found) and not is_served(found):
        raise UnknownRevisionError(
            f"the database is at revision {found!r}, which this version does not know: a newer "
            f"version made it, and this one works with {head()} and the next one at most"
        )
