"""A service with users, models, trainings and keys, for all tests that change nothing in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.engine import Database
from app.main import create_app
from tests.app import recorded_world
from tests.app.conftest import ADDRESS


@pytest.fixture(scope="session")
def guarded_settings(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path
) -> Settings:
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copyfile(migrated_sqlite_file, folder / "recommender.db")
    settings = Settings(
        database_url=f"sqlite:///{folder / 'recommender.db'}",
        models_dir=folder / "models",
        public_page=False,
        key_rate_limit=0,
        address_rate_limit=0,
    )
    database = Database(settings.database_url)
    recorded_world.fill(database, settings.models_dir)
    recorded_world.add_keys(database)
    database.dispose()
    return settings


@pytest.fixture(scope="session")
def guarded(guarded_settings: Settings) -> Iterator[TestClient]:
    """The keys are `read.secret`, `write.secret` and `admin.secret`; `revoked.secret` was one."""
    app = create_app(guarded_settings)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        yield client
