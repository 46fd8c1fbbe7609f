"""The served model and movies, while both change."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, insert

from app.db.engine import Database
from app.db.tables import datasets
from app.live import counts, loading, model_reloader
from app.live.counts import Basis, Counts
from app.live.model_reloader import ModelReloader
from tests.app.world import (
    MOMENT,
    MOVIE_IDS,
    World,
    activate,
    add_movies,
    make_rbm,
    publish,
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 0.02)
    monkeypatch.setattr(loading, "RETRY_S", 0.05)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def served(client: TestClient) -> Any:
    return client.get("/recommendations/1").json()["model"]


@pytest.mark.usefixtures("impatient")
def test_a_new_active_version_is_picked_up(client: TestClient, world: World) -> None:
    assert served(client) == "v1"
    publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2))
    wait_for(lambda: served(client) == "v2")
    activate(world.database, "v1")
    wait_for(lambda: served(client) == "v1")
    activate(world.database, None)
    wait_for(lambda: served(client) is None)


@pytest.mark.usefixtures("impatient")
def test_counting_likes_keeps_no_new_version_waiting(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, go_on = threading.Event(), threading.Event()
    count = counts.count

    def count_slowly(connection: Connection, basis: Basis) -> Counts:
        counting.set()
        assert go_on.wait(10)
        return count(connection, basis)

    models = client.app.state.services.find(ModelReloader)  # type: ignore[attr-defined]
    wait_for(lambda: models.current.snapshot.catalogue.counts.generation is not None)
    before = models.current.snapshot.catalogue
    monkeypatch.setattr(counts, "count", count_slowly)
    monkeypatch.setattr(model_reloader, "RECOUNT_S", 0)
    try:
        client.put("/users/somebody/ratings/10", json={"liked": True})
        assert counting.wait(10)
        publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2))
        wait_for(lambda: served(client) == "v2")
        added = client.put("/movies/999", json={"title": "The One Added While Counting"})
        assert added.status_code == 201
        assert models.current.snapshot.catalogue.likes.sum() == before.likes.sum()
    finally:
        go_on.set()
    wait_for(lambda: models.current.snapshot.catalogue.likes.sum() == before.likes.sum() + 1)
    assert 999 in models.current.snapshot.catalogue.movies
    assert served(client) == "v2"


def damage(world: World, version: str) -> None:
    path = world.settings.models_dir / version / "W.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("impatient")
def test_a_damaged_model_is_refused_loudly_and_the_one_in_service_stays(
    client: TestClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publish_damaged(world, "v2")
    wait_for(lambda: "REFUSED model v2" in caplog.text)
    wait_for(lambda: "model v1 stays in service" in caplog.text)
    assert served(client) == "v1"
    assert client.get("/health/ready").json()["active"] == "v2"


def publish_damaged(world: World, version: str) -> None:
    models_dir = world.settings.models_dir
    publish(world.database, models_dir, version, make_rbm(seed=2), active=False)
    damage(world, version)
    activate(world.database, version)


@pytest.mark.usefixtures("impatient")
def test_a_refused_model_is_served_once_its_files_are_whole(
    client: TestClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publish_damaged(world, "v2")
    wait_for(lambda: "REFUSED model v2" in caplog.text)
    assert served(client) == "v1"
    damage(world, "v2")  # the same bit once more: whole again
    wait_for(lambda: served(client) == "v2")


def test_a_service_that_starts_with_a_damaged_model_falls_back_to_the_one_before(
    world: World, connect: Callable[[], TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    publish_damaged(world, "v2")
    client = connect()
    assert served(client) == "v1"
    assert "REFUSED model v2" in caplog.text
    assert "FALLING BACK to the previous model v1" in caplog.text
    ready = client.get("/health/ready").json()
    assert (ready["model"], ready["active"]) == ("v1", "v2")


def test_a_service_without_any_whole_model_serves_popular_movies(
    world: World, connect: Callable[[], TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    damage(world, "v1")
    answer = connect().get("/recommendations/1").json()
    assert (answer["source"], answer["reason"]) == ("popular", "no_model")
    assert "NO MODEL" in caplog.text


@pytest.mark.usefixtures("impatient")
def test_swapping_models_never_fails_a_request_or_mixes_two_models(
    client: TestClient, world: World
) -> None:
    publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2))
    seen: dict[str, set[bytes]] = {}
    versions = ["v1", "v2"] * 5
    for version in versions:
        activate(world.database, version)
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            response = client.get("/recommendations/1")
            assert response.status_code == 200
            seen.setdefault(response.json()["model"], set()).add(response.content)
    assert set(seen) == {"v1", "v2"}
    assert all(len(answers) == 1 for answers in seen.values())


@pytest.mark.usefixtures("impatient")
def test_movies_imported_into_an_empty_database_are_found_at_once(
    empty_client: TestClient, database: Database
) -> None:
    assert empty_client.get("/recommendations/1").json()["items"] == []
    add_movies(database, MOVIE_IDS)
    with database.unit_of_work() as connection:
        connection.execute(
            insert(datasets).values(
                name="films", sha256="0" * 64, imported_at=MOMENT, is_public=True
            )
        )
    wait_for(lambda: len(empty_client.get("/recommendations/1").json()["items"]) == 20)
