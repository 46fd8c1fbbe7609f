"""A database of its own for each run of a machine, and how machines are run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from app.config import Settings
from app.db.engine import Database
from tests.stateful.two_workers import NewDatabase


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    numbers = count(1)

    @contextmanager
    def on_sqlite(folder: Path) -> Iterator[str]:
        path = folder / "recommender.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite_file"), path)
        yield f"sqlite:///{path}"

    @contextmanager
    def on_postgresql(_folder: Path) -> Iterator[str]:
        server = request.getfixturevalue("postgresql_server")
        url = server.create(migrated=True)
        yield url.render_as_string(hide_password=False)
        server.drop(url)

    @contextmanager
    def new() -> Iterator[tuple[Database, Settings]]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with (on_sqlite if request.param == "sqlite" else on_postgresql)(folder) as url:
            database = Database(url)
            yield database, Settings(database_url=url, models_dir=folder / "models")
            database.dispose()
        shutil.rmtree(folder)

    return new
