"""Makes and changes the schema; the migrations travel with the package, no file is configured."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import migrations
from app.database import Database

# Any fixed number does, as long as nobody else locks it in the same database.
ADVISORY_LOCK = 7_273_001


class UnknownRevisionError(Exception):
    """The database was made by a newer version of this program."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema up to `revision`, in one transaction."""
    with database.write(alters_schema=True) as connection:
        _lock(connection)
        _refuse_unknown(connection)
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Bring the schema down to `revision` (`base` is the empty database), in one transaction."""
    with database.write(alters_schema=True) as connection:
        _lock(connection)
        _refuse_unknown(connection)
        command.downgrade(_config(connection), revision)


def current(database: Database) -> str | None:
    """Return the revision that the database is at, None for one that was never migrated."""
    with database.read() as connection:
        return _current(connection)


def head() -> str | None:
    """Return the newest revision that this program knows."""
    return _scripts().get_current_head()


def is_behind(database: Database) -> bool:
    """Tell whether `upgrade` would change the schema."""
    with database.read() as connection:
        _refuse_unknown(connection)
        return _current(connection) != head()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    folder = str(Path(migrations.__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _lock(connection: Connection) -> None:
    # Two processes that start together migrate one after the other; SQLite's BEGIN does the same.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


def _refuse_unknown(connection: Connection) -> None:
    found = _current(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if found is not None and found not in known:
        raise UnknownRevisionError(
            f"the database is at revision {found!r}, which this version does not know: "
            "it was made by a newer one"
        )
