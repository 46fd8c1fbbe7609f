"""Which model is served: activated, rolled back, refused, damaged."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.db.engine import Database
from app.db.model_versions import active_version
from app.db.tables import model_versions
from app.registry import repository, service
from app.registry.errors import (
    ModelDamagedError,
    ModelNotFoundError,
    ModelRefusedError,
    NoPreviousModelError,
    OtherModelActivatedError,
)
from app.registry.repository import REFUSED
from app.registry.service import activate, find_model, publish, rollback
from app.store.folder import ModelStore
from tests.app.small_releases import contents
from tests.app.world import make_rbm

DATA = {"dataset": {"name": "small", "sha256": "0"}}
GATE = {"passed": False, "reasons": ["it ranks no better than popularity"]}


def publish_one(database: Database, models_dir: Path, **card: Any) -> str:
    return publish(database, ModelStore(models_dir), make_rbm(1), {**DATA, **card})


def refuse_one(database: Database, models_dir: Path) -> str:
    card = {**DATA, "gate": GATE}
    return publish(
        database, ModelStore(models_dir), make_rbm(2), card, state=REFUSED, activate=False
    )


@pytest.fixture
def versions(database: Database, tmp_path: Path) -> list[str]:
    """Four published models, the oldest first; the last is active."""
    published = [publish_one(database, tmp_path) for _ in range(4)]
    make_older(database, published)
    return published


def make_older(database: Database, versions: list[str]) -> None:
    """Give models that were published within a second an order in time."""
    with database.unit_of_work() as connection:
        moment = connection.execute(select(model_versions.c.created_at).limit(1)).scalar_one()
        for age, version in enumerate(reversed(versions)):
            connection.execute(
                update(model_versions)
                .where(model_versions.c.version == version)
                .values(created_at=moment - timedelta(hours=age))
            )


def served(database: Database) -> tuple[str | None, str | None]:
    with database.read() as connection:
        return active_version(connection)[:2]


def damage(models_dir: Path, version: str) -> None:
    path = models_dir / version / "W.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


def test_a_rollback_serves_the_model_before(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    assert rollback(database, ModelStore(tmp_path)) == versions[2]
    assert served(database) == (versions[2], versions[1])


def test_each_further_rollback_goes_one_further_back_until_there_is_none(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    assert [rollback(database, ModelStore(tmp_path)) for _ in range(3)] == versions[2::-1]
    assert served(database) == (versions[0], None)
    before = contents(database)
    with pytest.raises(NoPreviousModelError):
        rollback(database, ModelStore(tmp_path))
    assert contents(database) == before


def test_a_model_that_was_rolled_back_is_passed_over_later(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    bad = versions[3]
    rollback(database, ModelStore(tmp_path))
    newer = [publish_one(database, tmp_path) for _ in range(2)]
    make_older(database, versions + newer)
    assert [rollback(database, ModelStore(tmp_path)) for _ in range(2)] == [newer[0], versions[2]]
    assert "rolled_back" in find_model(database, bad).card


def test_a_model_that_is_activated_again_counts_as_before(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    rollback(database, ModelStore(tmp_path), by="key 0b1c")
    trace = find_model(database, versions[3]).card["rolled_back"]
    assert trace["by"] == "key 0b1c"
    activate(database, ModelStore(tmp_path), versions[3])
    assert served(database) == (versions[3], versions[2])
    assert "rolled_back" not in find_model(database, versions[3]).card


def test_a_rollback_never_reaches_models_of_other_data_or_refused_ones(
    database: Database, tmp_path: Path
) -> None:
    others = [publish_one(database, tmp_path, dataset={"name": "another"})]
    refused = refuse_one(database, tmp_path)
    ours = [publish_one(database, tmp_path) for _ in range(2)]
    make_older(database, [*others, refused, *ours])
    assert rollback(database, ModelStore(tmp_path)) == ours[0]
    assert served(database) == (ours[0], None)


def test_there_is_nothing_before_the_first_model(database: Database, tmp_path: Path) -> None:
    with pytest.raises(NoPreviousModelError):
        rollback(database, ModelStore(tmp_path))
    publish_one(database, tmp_path)
    with pytest.raises(NoPreviousModelError):
        rollback(database, ModelStore(tmp_path))


def test_a_rollback_to_a_damaged_model_is_refused_and_changes_nothing(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    damage(tmp_path, versions[2])
    before = contents(database)
    with pytest.raises(ModelDamagedError, match=r"W\.npy is damaged"):
        rollback(database, ModelStore(tmp_path))
    assert contents(database) == before


def test_a_rollback_gives_way_to_an_activation_meanwhile(
    database: Database, tmp_path: Path, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_damage = service.find_damage

    def activate_another(*_: Any) -> str | None:
        monkeypatch.setattr(service, "find_damage", find_damage)
        activate(database, ModelStore(tmp_path), versions[0])
        return None

    monkeypatch.setattr(service, "find_damage", activate_another)
    with pytest.raises(OtherModelActivatedError):
        rollback(database, ModelStore(tmp_path))
    assert served(database) == (versions[0], versions[3])


def test_a_damaged_model_is_not_activated(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    damage(tmp_path, versions[0])
    before = contents(database)
    with pytest.raises(ModelDamagedError, match=versions[0]):
        activate(database, ModelStore(tmp_path), versions[0])
    assert contents(database) == before


def test_a_model_whose_files_are_away_is_not_activated(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    (tmp_path / versions[0]).rename(tmp_path / "elsewhere")
    with pytest.raises(ModelDamagedError, match="cannot be read"):
        activate(database, ModelStore(tmp_path), versions[0])
    assert served(database) == (versions[3], versions[2])


def test_a_refused_model_says_why_and_needs_to_be_told_anyway(
    database: Database, tmp_path: Path, versions: list[str]
) -> None:
    refused = refuse_one(database, tmp_path)
    assert find_model(database, refused).refused_because == GATE["reasons"]
    with pytest.raises(ModelRefusedError, match="no better than popularity"):
        activate(database, ModelStore(tmp_path), refused)
    assert served(database) == (versions[3], versions[2])
    activate(database, ModelStore(tmp_path), refused, anyway=True, by="key 0b1c")
    assert served(database) == (refused, versions[3])
    model = find_model(database, refused)
    assert (model.state, model.card["activated_anyway"]["by"]) == (REFUSED, "key 0b1c")


def test_a_model_that_is_removed_while_it_is_read_is_not_activated(
    database: Database, tmp_path: Path, versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(*_: Any) -> None:
        with database.unit_of_work() as connection:
            repository.remove(connection, versions[0])

    monkeypatch.setattr(service, "find_damage", remove)
    with pytest.raises(ModelNotFoundError):
        activate(database, ModelStore(tmp_path), versions[0])
    assert served(database) == (versions[3], versions[2])
