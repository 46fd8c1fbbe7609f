"""A running service for each test, over the migrated database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.engine import Database
from app.main import create_app
from tests.app.command_line import fill
from tests.app.world import (
    MOVIE_IDS,
    World,
    add_movies,
    add_ratings,
    draw_ratings,
    is_like,
    make_rbm,
    publish,
)

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database.url.render_as_string(hide_password=False),
        models_dir=tmp_path / "models",
    )


@pytest.fixture
def connect_to() -> Iterator[Callable[[Settings], TestClient]]:
    """Start services."""
    with ExitStack() as stack:

        def start(settings: Settings) -> TestClient:
            client = TestClient(create_app(settings), base_url=ADDRESS)
            return stack.enter_context(client)

        yield start


@pytest.fixture
def connect(
    settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> Callable[[], TestClient]:
    """Start services over the database of this test."""
    return partial(connect_to, settings)


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """Movies, people and a published model."""
    ratings = draw_ratings()
    rbm = make_rbm(seed=1)
    add_movies(database, MOVIE_IDS)
    add_ratings(database, ratings)
    publish(database, settings.models_dir, "v1", rbm)
    likes = {
        user: {movie_id: is_like(rating) for movie_id, rating in rated.items()}
        for user, rated in ratings.items()
    }
    return World(database, settings, likes, rbm)


@pytest.fixture
def client(world: World, connect: Callable[[], TestClient]) -> TestClient:  # noqa: ARG001
    """A service over the small world."""
    return connect()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Path:
    """A folder with a database and a model, in which commands run."""
    folder = tmp_path_factory.mktemp("filled")
    fill(folder, migrated_sqlite_file)
    return folder


@pytest.fixture(scope="session")
def lone_settings(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Settings:
    """Settings for tests of what never reaches the database."""
    folder = tmp_path_factory.mktemp("lone")
    shutil.copyfile(migrated_sqlite_file, folder / "recommender.db")
    return Settings(
        database_url=f"sqlite:///{folder / 'recommender.db'}", models_dir=folder / "models"
    )


@pytest.fixture(scope="session")
def lone_client(lone_settings: Settings) -> Iterator[TestClient]:
    """One service without rows for all tests of what never reaches the database."""
    with TestClient(create_app(lone_settings), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def empty_client(connect: Callable[[], TestClient]) -> TestClient:
    """A service over a database without rows."""
    return connect()
