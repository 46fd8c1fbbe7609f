"""Publication of models: whole or not at all, and which one is served."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.db.engine import Database
from app.db.model_versions import ActiveVersion, active_version
from app.db.tables import model_versions
from app.registry import repository
from app.registry.errors import ModelDamagedError, ModelNotFoundError
from app.registry.schemas import ModelSummary
from app.registry.service import activate, find_damage, list_models, publish, servable_version
from app.store.errors import VersionTakenError
from app.store.folder import ModelStore
from model import artifact
from tests.app.small_releases import contents
from tests.app.world import make_rbm
from tests.killing import die, die_after, run_until_killed

CARD = {
    "dataset": {"name": "small", "sha256": "0"},
    "results": [
        {"model": "rbm", "metrics": {"ndcg@100": {"mean": 0.41234, "se": 0.02}}},
        {"model": "popularity", "metrics": {"ndcg@100": {"mean": 0.2, "se": 0.02}}},
    ],
}


def served(database: Database) -> ActiveVersion:
    with database.read() as connection:
        return active_version(connection)


def folders(models_dir: Path) -> list[str]:
    return sorted(path.name for path in models_dir.iterdir() if path.is_dir())


def test_a_published_model_is_on_the_disk_in_the_database_and_active(
    database: Database, tmp_path: Path
) -> None:
    rbm = make_rbm(1)
    version = publish(database, ModelStore(tmp_path), rbm, CARD)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", version)
    assert served(database) == (version, None, 1)
    with database.read() as connection:
        row = connection.execute(
            select(model_versions.c.card, model_versions.c.sha256, model_versions.c.state)
        ).one()
    loaded = artifact.load(tmp_path / version, sha256=row.sha256)
    assert row.state == "published"
    assert row.card == loaded.card
    assert (loaded.rbm.W == rbm.W).all()
    assert folders(tmp_path) == [version]


def test_the_models_folder_is_made_when_it_is_missing(database: Database, tmp_path: Path) -> None:
    models_dir = tmp_path / "var" / "models"
    version = publish(database, ModelStore(models_dir), make_rbm(1), CARD)
    assert folders(models_dir) == [version]


def test_a_model_can_be_published_without_being_served(database: Database, tmp_path: Path) -> None:
    first = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    publish(database, ModelStore(tmp_path), make_rbm(2), CARD, activate=False)
    assert served(database) == (first, None, 1)


def test_the_model_before_is_remembered(database: Database, tmp_path: Path) -> None:
    first, second, third = (
        publish(database, ModelStore(tmp_path), make_rbm(i), CARD) for i in range(3)
    )
    assert served(database) == (third, second, 3)
    activate(database, ModelStore(tmp_path), first)
    assert served(database) == (first, third, 4)


def test_activating_the_active_model_changes_nothing(database: Database, tmp_path: Path) -> None:
    publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    version = publish(database, ModelStore(tmp_path), make_rbm(2), CARD)
    before = served(database)
    activate(database, ModelStore(tmp_path), version)
    assert served(database) == before


def test_an_unknown_version_cannot_be_activated(database: Database, tmp_path: Path) -> None:
    version = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    with pytest.raises(ModelNotFoundError, match="no model 20200101T000000Z-0000"):
        activate(database, ModelStore(tmp_path), "20200101T000000Z-0000")
    assert served(database) == (version, None, 1)


def test_a_damaged_report_is_noticed(database: Database, tmp_path: Path) -> None:
    version = publish(
        database, ModelStore(tmp_path), make_rbm(1), CARD, report=lambda _: "<p>", activate=False
    )
    assert find_damage(database, ModelStore(tmp_path), version) is None
    (tmp_path / version / artifact.REPORT).write_text("<p>Changed")
    assert "report.html is damaged" in str(find_damage(database, ModelStore(tmp_path), version))
    with pytest.raises(ModelDamagedError, match=r"report\.html is damaged"):
        activate(database, ModelStore(tmp_path), version)
    (tmp_path / version / artifact.REPORT).unlink()
    assert "report.html cannot be read" in str(find_damage(database, ModelStore(tmp_path), version))


def test_a_model_after_none_has_none_before_it(database: Database, tmp_path: Path) -> None:
    first = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    with database.unit_of_work() as connection:
        repository.deactivate(connection)
    assert served(database) == (None, first, 2)
    second = publish(database, ModelStore(tmp_path), make_rbm(2), CARD)
    assert served(database) == (second, None, 3)


def test_models_are_listed_the_newest_first(database: Database, tmp_path: Path) -> None:
    older, newer = (publish(database, ModelStore(tmp_path), make_rbm(i), CARD) for i in range(2))
    with database.unit_of_work() as connection:
        for version, day in ((older, 1), (newer, 2)):
            moment = datetime(2026, 11, day, tzinfo=UTC)
            connection.execute(
                update(model_versions)
                .where(model_versions.c.version == version)
                .values(created_at=moment)
            )
    activate(database, ModelStore(tmp_path), older)
    assert list_models(database) == [
        ModelSummary(
            version=version,
            active=active,
            previous=not active,
            state="published",
            refused_because=[],
            created_at=datetime(2026, 11, day, tzinfo=UTC),
            dataset="small",
            trained_here=False,
            ndcg_at_100=0.4123,
            popularity_ndcg_at_100=0.2,
        )
        for version, active, day in ((newer, False, 2), (older, True, 1))
    ]


def test_a_card_without_figures_can_be_listed(database: Database, tmp_path: Path) -> None:
    publish(database, ModelStore(tmp_path), make_rbm(1), {})
    (model,) = list_models(database)
    assert (model.dataset, model.ndcg_at_100) == (None, None)


def test_a_damaged_model_is_not_servable(database: Database, tmp_path: Path) -> None:
    assert servable_version(database, ModelStore(tmp_path)) is None
    version = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    assert servable_version(database, ModelStore(tmp_path)) == version
    path = tmp_path / version / "a.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert servable_version(database, ModelStore(tmp_path)) is None


def test_files_that_cannot_be_written_leave_nothing_behind(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    before = contents(database)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        publish(database, ModelStore(tmp_path), make_rbm(2), CARD)
    assert folders(tmp_path) == [version]
    assert contents(database) == before


STEPS = {
    "half of the files": (os, "fsync", die_after(os.fsync)),
    "all files, no name": (Path, "rename", die),
    "files, no row": (repository, "add", die),
    "row, not committed": (repository, "activate", die),
}


def publish_until(url: str, models_dir: Path, step: str) -> None:
    setattr(*STEPS[step])
    publish(Database(url), ModelStore(models_dir), make_rbm(2), {})


@pytest.mark.parametrize(
    ("step", "stray"),
    [
        ("half of the files", True),
        ("all files, no name", True),
        ("files, no row", False),
        ("row, not committed", False),
    ],
)
def test_a_publication_that_is_killed_leaves_the_served_model_as_it_was(
    database: Database, tmp_path: Path, step: str, stray: bool
) -> None:
    version = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    before = contents(database)
    url = database.url.render_as_string(hide_password=False)
    run_until_killed(publish_until, url, tmp_path, step)
    assert contents(database) == before
    assert servable_version(database, ModelStore(tmp_path)) == version
    strays = [name for name in folders(tmp_path) if name.startswith(".")]
    assert len(strays) == stray
    with ModelStore(tmp_path).locked():
        ModelStore(tmp_path).remove_unfinished()
    assert [name for name in folders(tmp_path) if name.startswith(".")] == []
    assert servable_version(database, ModelStore(tmp_path)) == version


def test_the_next_publication_removes_what_a_killed_one_has_left(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / ".unfinished-20261120T101500Z-3f2a").mkdir()
    version = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    assert folders(tmp_path) == [version]


def test_files_of_a_publication_under_way_stay(database: Database, tmp_path: Path) -> None:
    stray = tmp_path / ".unfinished-20261120T101500Z-3f2a"
    stray.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with ModelStore(tmp_path).locked():
            published = pool.submit(publish, database, ModelStore(tmp_path), make_rbm(1), CARD)
            time.sleep(0.2)
            assert folders(tmp_path) == [stray.name]
        version = published.result()
    assert folders(tmp_path) == [version]


def test_a_failing_transaction_leaves_the_served_model_as_it_was(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    before = contents(database)

    def fail(*_: Any) -> None:
        raise ConnectionError("the server is gone")

    monkeypatch.setattr(repository, "activate", fail)
    with pytest.raises(ConnectionError, match="gone"):
        publish(database, ModelStore(tmp_path), make_rbm(2), CARD)
    assert contents(database) == before


def draws(monkeypatch: pytest.MonkeyPatch, *versions: str) -> None:
    drawn = iter(versions)
    monkeypatch.setattr("app.registry.service.new_version", lambda _: next(drawn))


def test_a_version_that_is_taken_is_drawn_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once by a row, once by a folder; neither loses anything."""
    row, stray, free = (f"20261120T101500Z-000{i}" for i in range(3))
    draws(monkeypatch, row, row, stray, free)
    publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    (tmp_path / stray).mkdir()
    before = sorted((tmp_path / row).iterdir())
    reserved: list[str] = []
    version = publish(database, ModelStore(tmp_path), make_rbm(2), CARD, reserve=reserved.append)
    assert (version, reserved) == (free, [free])
    assert served(database) == (free, row, 2)
    assert sorted((tmp_path / row).iterdir()) == before
    assert list((tmp_path / stray).iterdir()) == []


def test_a_version_that_is_taken_at_the_last_moment_is_drawn_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a folder while this process waits for its lock, then by a row of another folder."""
    first, second, free = (f"20261120T101500Z-000{i}" for i in range(3))
    draws(monkeypatch, first, second, free)

    def take(version: str) -> None:
        if version == first:
            (tmp_path / first).mkdir(parents=True)
        elif version == second:
            with database.unit_of_work() as connection:
                repository.add(connection, second, {}, "0" * 64, datetime.now(UTC))

    called: list[int] = []
    version = publish(
        database,
        ModelStore(tmp_path),
        make_rbm(1),
        CARD,
        reserve=take,
        within=lambda _: called.append(1),
    )
    assert version == free
    assert served(database) == (free, None, 1)
    assert folders(tmp_path) == [first, free]
    assert len(called) == 2, "what belongs to the transaction is repeated with it"


def test_versions_are_not_drawn_for_ever(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws(monkeypatch, *["20261120T101500Z-0000"] * 20)
    publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    with pytest.raises(VersionTakenError, match="20261120T101500Z-0000 already"):
        publish(database, ModelStore(tmp_path), make_rbm(2), CARD)
    assert served(database) == ("20261120T101500Z-0000", None, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_client_learns_no_path_of_the_server(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version = publish(database, ModelStore(tmp_path), make_rbm(1), CARD)
    (tmp_path / version / "W.npy").write_bytes(b"")
    with (
        caplog.at_level("INFO", "app.registry"),
        pytest.raises(ModelDamagedError, match=r": W\.npy is damaged") as raised,
    ):
        activate(database, ModelStore(tmp_path), version)
    assert str(tmp_path) not in str(raised.value.shown)
    assert str(tmp_path / version / "W.npy") in caplog.text
