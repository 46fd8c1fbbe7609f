"""A warm retraining on the ratings that the active model knows: nothing is done."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from app.config import Settings
from app.db.engine import Database
from app.db.tables import movies
from app.jobs.schemas import TrainingOptions
from app.jobs.service import list_runs
from app.ratings.user_repository import advance_revision
from app.training.news import model_of_these_ratings
from tests.app.command_line import runner
from tests.app.trainings import SHORT, people, settings_for, store, train_briefly
from tests.app.world import make_rbm, publish


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Path:
    """A folder with a database and a model that was trained on it."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copyfile(migrated_sqlite_file, folder / "own.db")
    database = Database(f"sqlite:///{folder / 'own.db'}")
    store(database, people())
    train_briefly(database, folder / "models")
    database.dispose()
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "here")


@pytest.fixture
def settings(folder: Path) -> Settings:
    return settings_for(folder / "models", database_url=f"sqlite:///{folder / 'own.db'}")


def known(settings: Settings, **options: Any) -> str | None:
    database = Database(settings.database_url)
    try:
        return model_of_these_ratings(database, settings, TrainingOptions(**options))
    finally:
        database.dispose()


def test_nothing_new_is_no_failure_and_leaves_no_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    retrained = runner(folder, monkeypatch, capsys)("retrain")
    (version,) = [path.name for path in (folder / "models").iterdir() if path.name[0] != "."]
    assert (retrained.code, retrained.err) == (0, "")
    assert retrained.out.startswith(f"Nothing new: no rating has changed since model {version} ")
    database = Database(f"sqlite:///{folder / 'own.db'}")
    assert [run.version for run in list_runs(database, 10)] == [version]
    database.dispose()


def test_the_same_options_are_nothing_new_and_others_are(settings: Settings) -> None:
    version = known(settings)
    assert version is not None
    assert known(settings, hyper_parameters=SHORT, publish_anyway=True) == version
    assert known(settings, hyper_parameters={"n_epochs": 7}) is None
    assert known(settings, seed=1) is None
    assert known(settings, from_scratch=True) is None
    assert known(settings, start=version) is None
    assert known(settings.model_copy(update={"like_threshold": 3.0})) is None


def test_a_movie_that_nobody_has_rated_is_nothing_new_and_a_rating_is(settings: Settings) -> None:
    database = Database(settings.database_url)
    with database.unit_of_work() as connection:
        connection.execute(insert(movies), {"id": 999_999, "title": "New", "genres": []})
    assert known(settings) is not None
    with database.unit_of_work() as connection:
        advance_revision(connection, 1)
    assert known(settings) is None
    database.dispose()


def test_a_damaged_model_is_trained_anew(settings: Settings) -> None:
    version = known(settings)
    (settings.models_dir / str(version) / "W.npy").write_bytes(b"")
    assert known(settings) is None


def test_a_model_from_elsewhere_does_not_say_what_it_knows(settings: Settings) -> None:
    database = Database(settings.database_url)
    publish(database, settings.models_dir, "elsewhere", make_rbm(seed=1))
    assert known(settings) is None
    database.dispose()


def test_a_card_without_its_data_is_no_reason_to_fail(settings: Settings) -> None:
    version = known(settings)
    card_file = settings.models_dir / str(version) / "card.json"
    card = json.loads(card_file.read_text())
    del card["data"]
    card_file.write_text(json.dumps(card))
    assert known(settings) is None
