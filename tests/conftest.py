"""Databases for the tests: each test gets its own, and each runs on SQLite and PostgreSQL."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from fastapi import APIRouter, FastAPI
from hypothesis import settings
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from starlette.routing import BaseRoute

from app.db import engine
from app.db.engine import Database
from tests import postgresql
from tests.migrated import migrate

BACKENDS = ["sqlite", "postgresql"]

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# What FastAPI makes of a router is the same for every application, and most of the time of a start.
INCLUDED: dict[int, tuple[APIRouter, BaseRoute]] = {}  # by the router's identity
include_router = FastAPI.include_router


def include_made_once(app: FastAPI, router: APIRouter) -> None:
    """Include a router as it was made for the first application with it."""
    if id(router) in INCLUDED:
        app.router.routes.append(INCLUDED[id(router)][1])
    else:
        include_router(app, router)
        INCLUDED[id(router)] = router, app.router.routes[-1]


FastAPI.include_router = include_made_once  # type: ignore[method-assign,assignment]


# The same for every database of a kind is what SQLAlchemy makes of a statement, by its dialect,
# which is made anew for each: a third of the time of a start.
STATEMENTS: LRUCache[Any, Any] = LRUCache(4000)
DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign,assignment]
DefaultDialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]


def create_engine(*arguments: Any, **options: Any) -> sqlalchemy.Engine:
    """Create an engine that knows the statements of those before it."""
    created = sqlalchemy.create_engine(*arguments, **options)
    created._compiled_cache = STATEMENTS  # noqa: SLF001
    return created


engine.create_engine = create_engine  # type: ignore[attr-defined]


# What a test writes need not survive a power cut; `tests.postgresql` has the same for PostgreSQL.
configure_sqlite = engine._configure_sqlite  # noqa: SLF001


def configure_carelessly(driver: Any, _record: Any) -> None:
    """Configure a connection of SQLite, so that it does not wait for the disk."""
    configure_sqlite(driver, _record)
    driver.execute("PRAGMA synchronous = OFF")


engine._configure_sqlite = configure_carelessly  # noqa: SLF001


@pytest.fixture(scope="session", autouse=True)
def _careless() -> Iterator[None]:
    """Write files without waiting for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


# On PostgreSQL these are long proofs: what they prove lies above the database, or is proved there
# by more kills. Recorded responses of all routes and the tests of each query run on both.
LONG_ON_POSTGRESQL = {
    "test_admin_pages", "test_backup_killed", "test_bootstrap", "test_cli_http_server",
    "test_cli_interruption", "test_cursors", "test_datasets_killed", "test_drift",
    "test_experiments", "test_features", "test_features_anonymous", "test_filters", "test_fuzz",
    "test_health", "test_jobs_interruption", "test_memory", "test_metrics_and_logging",
    "test_movies_lists", "test_origin", "test_rank", "test_rate_limiter", "test_ratings_bulk",
    "test_ratings_input", "test_recommendations_anonymous", "test_recommendations_predictions",
    "test_recommendations_reasons", "test_recommendations_sampling", "test_registry_archive",
    "test_registry_endpoints", "test_shutdown", "test_title_search", "test_tracing",
    "test_training_pipeline", "test_training_warm_start", "test_web_access", "test_web_plain",
    "test_web_static",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the long proofs what needs no PostgreSQL."""
    for item in items:
        call = getattr(item, "callspec", None)
        if item.path.stem in LONG_ON_POSTGRESQL and call and "postgresql" in call.id.split("-"):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Keep garbage collection from what the tests import, an eighth of their time otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


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
