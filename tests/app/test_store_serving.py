"""Workers that copy their models from a store: nothing that it does delays or fails a request."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app.config import Settings
from app.core import metrics
from app.core.remote import RemoteError, RemoteFolder
from app.db.tables import installation
from app.live import loading
from app.live.model_reloader import ModelReloader
from app.registry import repository as models
from app.store.remote import open_store
from tests.app.world import MOMENT, World, activate, add_movies, make_rbm

VERSION = "20261120T101500Z-3f2a"

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def remote_settings(world: World, address: Path) -> Settings:
    """The settings of a service whose models are in a store; one of them is active."""
    settings = world.settings.model_copy(update={"models_url": f"file://{address}"})
    publish(world, settings, "s1", 1)
    return settings


@pytest.fixture
def reloader(world: World, remote_settings: Settings) -> ModelReloader:
    """A worker with a folder of its own, that serves the model."""
    served = reloader_of(world, remote_settings)
    served.poll()
    assert served.current.snapshot.version == "s1"
    return served


def publish(world: World, settings: Settings, version: str, seed: int) -> None:
    """Publish from another machine."""
    other = settings.model_copy(update={"models_dir": settings.models_dir.with_name("trainer")})
    sha256 = open_store(other).write(version, make_rbm(seed), {}, {})
    with world.database.unit_of_work() as connection:
        models.add(connection, version, {}, sha256, MOMENT)
    activate(world.database, version)


def reloader_of(world: World, settings: Settings) -> ModelReloader:
    return ModelReloader(world.database, open_store(settings), 4.0)


def serve(reloader: ModelReloader, version: str | None) -> None:
    """Poll until this version is served, or a few copies have failed."""
    for _ in range(4):
        for fetch in list(reloader.loader._fetches.values()):  # noqa: SLF001
            assert fetch.finished.wait(20)
        reloader.poll()
        if reloader.current.snapshot.version == version:
            break
    assert reloader.current.snapshot.version == version


def away(*_: Any, **__: Any) -> Any:
    raise RemoteError("s3://bucket/models: it does not answer in time")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Holds all downloads until it is set."""
    opened, download = Event(), RemoteFolder.download

    def slow(*arguments: Any) -> None:
        assert opened.wait(20)
        download(*arguments)

    monkeypatch.setattr(RemoteFolder, "download", slow)
    yield opened
    opened.set()


def test_movies_are_followed_while_a_model_is_copied(
    world: World, remote_settings: Settings, reloader: ModelReloader, gate: Event
) -> None:
    publish(world, remote_settings, "s2", 2)
    for movie in (5001, 5002):
        add_movies(world.database, [movie])
        with world.database.unit_of_work() as connection:
            connection.execute(update(installation).values(movies_revision=movie))
        reloader.poll()
        assert movie in reloader.current.snapshot.catalogue.movie_ids
        assert reloader.current.snapshot.version == "s1"
        assert metrics.own_registry.get_sample_value("recommender_workers_behind") == 1
    gate.set()
    serve(reloader, "s2")
    assert metrics.own_registry.get_sample_value("recommender_workers_behind") == 0


def test_a_copy_that_nobody_wants_any_more_is_forgotten(
    world: World, remote_settings: Settings, reloader: ModelReloader, gate: Event
) -> None:
    publish(world, remote_settings, "s2", 2)
    reloader.poll()
    activate(world.database, "s1")
    gate.set()
    serve(reloader, "s1")
    assert not reloader.loader.is_copying_any


def test_a_damaged_object_is_refused_and_counted_and_tried_again(
    world: World,
    remote_settings: Settings,
    reloader: ModelReloader,
    address: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = metrics.own_registry.get_sample_value("recommender_models_refused_total") or 0
    monkeypatch.setattr(loading, "RETRY_S", 0.0)
    publish(world, remote_settings, "s2", 2)
    whole = (address / "s2/W.npy").read_bytes()
    (address / "s2/W.npy").write_bytes(whole[:-1])
    reloader.poll()
    serve(reloader, "s1")
    assert "REFUSED model s2" in caplog.text
    assert "s2/W.npy is damaged" in caplog.text
    assert "model s1 stays in service" in caplog.text
    assert metrics.own_registry.get_sample_value("recommender_models_refused_total") == before + 1
    (address / "s2/W.npy").write_bytes(whole)
    reloader.poll()
    serve(reloader, "s2")


def test_a_store_that_is_away_is_named_once_and_followed_when_it_is_back(
    world: World,
    remote_settings: Settings,
    reloader: ModelReloader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(loading, "AWAY_RETRY_S", 0.0)
    publish(world, remote_settings, "s2", 2)

    def is_up() -> float | None:
        labels = {"scheme": "file"}
        return metrics.own_registry.get_sample_value("recommender_model_store_up", labels)

    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "size", away)
        for _ in range(3):
            reloader.poll()
            serve(reloader, "s1")
        reloader.loader.probe()
        assert is_up() == 0
    assert caplog.text.count("it does not answer in time") == 1
    assert "the loaded model stays in service" in caplog.text
    reloader.poll()
    serve(reloader, "s2")
    reloader.loader.probe()
    assert is_up() == 1
    assert "the store of the models answers again" in caplog.text


def test_a_start_needs_no_store_where_there_is_a_copy(
    world: World,
    remote_settings: Settings,
    reloader: ModelReloader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reloader.current.snapshot.version == "s1"
    for method in ("size", "download", "files"):
        monkeypatch.setattr(RemoteFolder, method, away)
    again = reloader_of(world, remote_settings)
    again.poll()
    assert again.current.snapshot.version == "s1"


def test_a_start_without_the_new_model_serves_the_one_before_from_its_copy(
    world: World,
    remote_settings: Settings,
    reloader: ModelReloader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reloader.current.snapshot.version == "s1"
    publish(world, remote_settings, "s2", 2)
    monkeypatch.setattr(RemoteFolder, "size", away)
    again = reloader_of(world, remote_settings)
    again.poll()
    assert again.current.snapshot.version == "s1"


def test_a_start_waits_no_longer_than_it_may_for_a_slow_store(
    world: World, remote_settings: Settings, gate: Event, caplog: pytest.LogCaptureFixture
) -> None:
    served = ModelReloader(world.database, open_store(remote_settings), 4.0, start_s=0.01)
    served.poll()
    assert served.current.snapshot.version is None
    assert "NO MODEL" not in caplog.text  # it comes
    gate.set()
    serve(served, "s1")


def test_the_served_copy_is_held_and_the_one_before_is_not(
    world: World, remote_settings: Settings
) -> None:
    settings = remote_settings.model_copy(update={"models_cache_bytes": 0})
    served = reloader_of(world, settings)
    served.poll()
    publish(world, settings, "s2", 2)
    served.poll()
    serve(served, "s2")
    served.loader.probe()
    copies = settings.models_dir / ".copies"
    assert [path.name for path in copies.glob("[!.]*")] == ["s2"]


def test_operators_are_told_that_the_store_is_away(
    world: World,
    remote_settings: Settings,
    connect_to: Callable[[Settings], TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed, version in enumerate((VERSION, "s2")):
        publish(world, remote_settings, version, seed)
    client = connect_to(remote_settings)
    assert client.get("/health/ready").json()["degraded"] is None
    for method in ("size", "files", "upload"):
        monkeypatch.setattr(RemoteFolder, method, away)
    for answer in (
        client.put("/models/active", json={"version": VERSION}),
        client.post("/models/prune"),
        client.delete(f"/models/{VERSION}"),
        client.get(f"/models/{VERSION}/archive"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (503, "ModelStoreUnavailable")
        assert "s3://" not in answer.text
        assert answer.headers["Retry-After"] == "5"
    client.app.state.services.find(ModelReloader).loader.probe()  # type: ignore[attr-defined]
    ready = client.get("/health/ready").json()
    assert (ready["degraded"], ready["model"]) == ("model_store", "s2")
    assert client.get("/recommendations/1").json()["source"] == "rbm"
