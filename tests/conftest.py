"""Databases for the tests: each test gets its own, and each runs on SQLite and PostgreSQL."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.engine import Database
from tests import postgresql
from tests.migrated import migrate

BACKENDS = ["sqlite", "postgresql"]


def pytest_collection_finish() -> None:
    """Take what the tests import out of garbage collection, an eighth of their time otherwise."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgresql.Server]:
    with postgresql.server(tmp_path_factory.getbasetemp().parent) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "recommender.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database without users, movies and ratings."""
    yield from _database(request, tmp_path, migrated=True)


@pytest.fixture(params=BACKENDS)
def blank_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    yield from _database(request, tmp_path, migrated=False)


@pytest.fixture(params=BACKENDS)
def other_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another database without any table, of either kind."""
    folder = tmp_path / "other"
    folder.mkdir()
    yield from _database(request, folder, migrated=False)


def _database(
    request: pytest.FixtureRequest, folder: Path, *, migrated: bool
) -> Iterator[Database]:
    if request.param == "sqlite":
        path = folder / "recommender.db"
        if migrated:
            shutil.copyfile(request.getfixturevalue("migrated_sqlite_file"), path)
        database = Database(f"sqlite:///{path}")
        yield database
        database.dispose()
        return
    server: postgresql.Server = request.getfixturevalue("postgresql_server")
    url = server.create(migrated=migrated)
    database = Database(url.render_as_string(hide_password=False))
    yield database
    database.dispose()
    if migrated:
        server.take_back(url)
    else:
        server.drop(url)
