"""Any sequence of writes and reads gives what the plain model says, on both databases.

Always the same sequences, so that nothing is left to chance.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from app.config import Settings
from app.db.engine import Database
from tests.stateful.two_workers import NewDatabase, TwoWorkers


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


def check(new_database: NewDatabase, max_examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: TwoWorkers(new_database),  # type: ignore[arg-type] # documented: any factory
        settings=settings(
            max_examples=max_examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_two_workers_do_what_the_plain_model_says(new_database: NewDatabase) -> None:
    # With fewer, a cache that ignores ratings is not noticed.
    check(new_database, max_examples=5, steps=25)


@pytest.mark.slow
def test_two_workers_do_what_the_plain_model_says_for_long(new_database: NewDatabase) -> None:
    check(new_database, max_examples=200, steps=50)
