"""Removing models: what stays, and what a removal that is killed leaves."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from app.db.engine import Database
from app.registry import repository
from app.registry.errors import ModelInUseError, ModelNotFoundError
from app.registry.removal import prune, remove
from app.registry.repository import REFUSED
from app.registry.service import activate, find_damage, list_models, publish
from app.store.folder import ModelStore
from model import artifact
from tests.app.test_registry_rollback import make_older
from tests.app.world import make_rbm
from tests.killing import die, die_after, run_until_killed


def publish_some(database: Database, models_dir: Path, states: str) -> list[str]:
    """Publish (p) and refuse (r) models, the oldest first."""
    versions = [
        publish(
            database,
            ModelStore(models_dir),
            make_rbm(1),
            {},
            state=repository.PUBLISHED if state == "p" else REFUSED,
            activate=state == "p",
        )
        for state in states
    ]
    make_older(database, versions)
    return versions


def recorded(database: Database) -> set[str]:
    return {model.version for model in list_models(database)}


def folders(models_dir: Path) -> set[str]:
    return {path.name for path in models_dir.iterdir() if path.is_dir()}


@pytest.mark.parametrize(
    ("states", "keep", "left"),
    [
        ("pppppp", 3, [3, 4, 5]),
        ("pppppp", 1, [4, 5]),
        ("ppp", 10, [0, 1, 2]),
        ("rrrrpp", 5, [2, 3, 4, 5]),
        ("prrrp", 1, [0, 3, 4]),
    ],
)
def test_the_newest_stay_and_of_the_refused_ones_two(
    database: Database, tmp_path: Path, states: str, keep: int, left: list[int]
) -> None:
    versions = publish_some(database, tmp_path, states)
    expected = {versions[i] for i in left}
    removed = prune(database, ModelStore(tmp_path), keep)
    assert set(removed) == set(versions) - expected
    assert recorded(database) == folders(tmp_path) == expected
    assert prune(database, ModelStore(tmp_path), keep) == []


def test_the_active_model_and_the_one_before_stay_however_old(
    database: Database, tmp_path: Path
) -> None:
    versions = publish_some(database, tmp_path, "ppppp")
    activate(database, ModelStore(tmp_path), versions[1])
    activate(database, ModelStore(tmp_path), versions[0])
    prune(database, ModelStore(tmp_path), 1)
    assert recorded(database) == folders(tmp_path) == {versions[0], versions[1], versions[4]}
    for version in versions[:2]:
        with pytest.raises(ModelInUseError, match=version):
            remove(database, ModelStore(tmp_path), version)
    assert find_damage(database, ModelStore(tmp_path), versions[0]) is None


def test_a_worker_that_has_mapped_a_model_keeps_it(database: Database, tmp_path: Path) -> None:
    versions = publish_some(database, tmp_path, "ppp")
    mapped = artifact.load(tmp_path / versions[0]).rbm
    before = np.array(mapped.W)
    remove(database, ModelStore(tmp_path), versions[0])
    assert folders(tmp_path) == set(versions[1:])
    assert (before == mapped.W).all()


def test_a_model_whose_files_are_away_can_be_removed(database: Database, tmp_path: Path) -> None:
    versions = publish_some(database, tmp_path, "ppp")
    (tmp_path / versions[0]).rename(tmp_path / "elsewhere")
    remove(database, ModelStore(tmp_path), versions[0])
    assert recorded(database) == set(versions[1:])


def test_what_there_is_not_cannot_be_removed(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        remove(database, ModelStore(tmp_path), "20200101T000000Z-0000")


def test_a_folder_that_cannot_be_renamed_stays_with_its_row(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = publish_some(database, tmp_path, "ppp")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(PermissionError):
        remove(database, ModelStore(tmp_path), versions[0])
    assert recorded(database) == folders(tmp_path) == set(versions)


def half_of_it(models_folder: Path, **_: object) -> None:
    (models_folder / "W.npy").unlink()
    die()


STEPS = {
    "row, not committed": (Path, "rename", die),
    "row and folder, not committed": (Path, "rename", die_after(Path.rename)),
    "committed": (shutil, "rmtree", die),
    "half of the files": (shutil, "rmtree", half_of_it),
}


def remove_until(url: str, models_dir: Path, version: str, step: str) -> None:
    setattr(*STEPS[step])
    remove(Database(url), ModelStore(models_dir), version)


@pytest.mark.parametrize(
    ("step", "is_gone"),
    [
        ("row, not committed", False),
        ("row and folder, not committed", False),
        ("committed", True),
        ("half of the files", True),
    ],
)
def test_a_removal_that_is_killed_is_finished_or_undone_by_the_next_look(
    database: Database, tmp_path: Path, step: str, is_gone: bool
) -> None:
    versions = publish_some(database, tmp_path, "ppp")
    url = database.url.render_as_string(hide_password=False)
    run_until_killed(remove_until, url, tmp_path, versions[0], step)
    assert (versions[0] in recorded(database)) is not is_gone
    if is_gone:
        with pytest.raises(ModelNotFoundError):
            activate(database, ModelStore(tmp_path), versions[0])
    else:
        activate(database, ModelStore(tmp_path), versions[0])
    assert folders(tmp_path) == recorded(database)
