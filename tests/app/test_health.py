"""GET /health/live and /health/ready."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.core import metrics
from app.db.engine import Database
from app.db.revisions import UserRevisions
from app.db.schema import head, upgrade
from app.live import model_reloader
from app.live.model_reloader import ModelReloader
from tests.app.world import World, activate


def fail(*_: object) -> NoReturn:
    raise OperationalError("SELECT 1", {}, Exception("away"))


def test_a_service_with_a_model_is_ready_and_says_which(client: TestClient) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready", "source": "rbm", "model": "v1", "active": "v1", "degraded": None,
    }  # fmt: skip


def test_a_service_without_a_model_is_ready_for_popular_movies(empty_client: TestClient) -> None:
    assert empty_client.get("/health/ready").json() == {
        "status": "ready", "source": "popular", "model": None, "active": None,
        "degraded": "no_model",
    }  # fmt: skip


def test_readiness_says_when_the_served_model_is_not_the_active_one(
    client: TestClient, world: World
) -> None:
    activate(world.database, None)
    client.app.state.services.find(ModelReloader).refresh()  # type: ignore[attr-defined]
    ready = client.get("/health/ready").json()
    assert (ready["source"], ready["model"], ready["active"]) == ("popular", None, None)


@pytest.fixture
def blank_settings(blank_database: Database, tmp_path: Path) -> Settings:
    return Settings(
        database_url=blank_database.url.render_as_string(hide_password=False), models_dir=tmp_path
    )


def test_a_service_over_an_old_schema_is_up_but_not_ready(
    blank_settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> None:
    client = connect_to(blank_settings)
    assert client.get("/health/live").json() == {"status": "live"}
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["error"] == "NotReady"
    assert "recommender db upgrade" in response.json()["detail"]


def test_a_service_becomes_ready_when_the_schema_is_upgraded(
    blank_settings: Settings,
    blank_database: Database,
    connect_to: Callable[[Settings], TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 60)
    client = connect_to(blank_settings)
    assert client.get("/recommendations/1").status_code == 503
    upgrade(blank_database)
    client.app.state.services.find(ModelReloader).refresh()  # type: ignore[attr-defined]
    assert client.get("/health/ready").status_code == 200
    assert client.get("/recommendations/1").status_code == 200


def test_without_a_database_the_service_is_up_but_not_ready(
    connect_to: Callable[[Settings], TestClient], tmp_path: Path
) -> None:
    lost = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1",
        models_dir=tmp_path,
    )
    client = connect_to(lost)
    assert client.get("/health/live").status_code == 200
    for path in ("/health/ready", "/movies/1", "/users/1/ratings"):
        response = client.get(path)
        assert response.status_code == 503
        assert response.json() == {
            "error": "DatabaseUnavailable",
            "detail": "The database cannot be reached at the moment.",
        }
        assert response.headers["Retry-After"] == "1"
    assert client.get("/recommendations/1").status_code == 503


def test_a_service_stays_ready_for_what_needs_no_database(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All replicas have one database: without any of them nothing at all would be answered."""
    figures: list[int] = []
    monkeypatch.setattr(metrics.database_up, "set", figures.append)
    followed = client.app.state.services.find(UserRevisions)  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", fail)
        followed.poll()
        response = client.get("/health/ready")
        assert (response.status_code, response.json()["degraded"]) == (200, "database")
        assert response.headers["Recommender-Degraded"] == "database"
        assert 0 in figures
    figures.clear()
    followed.poll()
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["degraded"]) == (200, None)
    assert "Recommender-Degraded" not in response.headers
    assert 1 in figures


def test_a_service_is_ready_on_the_schema_of_the_next_version(
    client: TestClient, world: World
) -> None:
    """In a rolling update the schema is migrated before the last replica is replaced."""
    for ahead, status in ((1, 200), (2, 503)):
        number = f"{int(head()) + ahead:04d}"
        with world.database.unit_of_work() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": number})
        client.app.state.services.find(ModelReloader).reload()  # type: ignore[attr-defined]
        assert client.get("/health/ready").status_code == status
