"""Trainings on Dask's workers: the same judging, card and publication, from shards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client
from sqlalchemy import delete

from app.datasets.partition import partition
from app.db.engine import Database
from app.db.tables import movies, ratings
from app.jobs.checkpoints import SHARDS, Checkpoints, Resume, remove_outdated
from app.jobs.errors import TrainingError
from app.jobs.schemas import TrainingOptions
from app.ratings.user_repository import erase
from app.training import sharded
from app.training.pipeline import TrainingResult, train
from app.training.sharded import OnDask
from data.release import DatasetError
from model.artifact import load
from tests.app.trainings import ENOUGH, card_of, people, settings_for, store
from tests.model.distributed.conftest import in_process


@pytest.fixture(scope="module")
def workers() -> Iterator[Client]:
    with in_process(2) as client:
        yield client


@pytest.fixture(autouse=True)
def connected(workers: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def connect(_: str) -> Iterator[Client]:
        yield workers

    monkeypatch.setattr(sharded, "connected", connect)


@pytest.fixture
def filled(database: Database) -> Database:
    store(database, people())
    return database


def train_sharded(
    database: Database, models_dir: Path, shards: Path | None = None, **how: Any
) -> TrainingResult:
    options = TrainingOptions(
        hyper_parameters={**ENOUGH, "n_epochs": how.pop("n_epochs", 4), **how.pop("changes", {})},
        from_scratch=True,
        publish_anyway=True,
    )
    on_dask = OnDask("local:2", None if shards is None else str(shards))
    settings = settings_for(models_dir)
    return train(database, settings, options, "a test", on_dask=on_dask, **how)


def write_shards(database: Database, folder: Path, models_dir: Path) -> Path:
    partition(database, settings_for(models_dir), "db", str(folder), 4)
    return folder


def erase_user(database: Database) -> None:
    with database.unit_of_work() as connection:
        assert erase(connection, people().user_keys[0].item(), datetime.now(UTC))


def test_a_model_from_shards_is_judged_and_published_as_any_other(
    filled: Database, tmp_path: Path
) -> None:
    result = train_sharded(filled, tmp_path, n_epochs=12)
    card = card_of(tmp_path, result)
    assert result.judged.ratio > 1.1
    assert card["data"]["n_users"] == 300
    assert card["data"]["n_ratings"] == people().n_ratings
    assert card["data"]["share_of_ratings_on_unknown_films"] == 0
    holdout = card["holdout"]
    held_out = holdout["n_validation_users"] + holdout["n_gate_users"]
    assert 0 < holdout["n_training_users"] <= 300 - held_out
    assert card["gate"]["passed"]
    assert len(card["curve"]) == 12
    assert card["curve"][-1]["validation_ndcg@100"] is not None
    rbm = load(tmp_path / result.version).rbm
    assert rbm.prior is not None
    np.testing.assert_array_equal(rbm.movie_ids, people().movie_ids)
    assert not (tmp_path / SHARDS).exists()


def test_named_shards_give_the_same_bits_again_and_stay(filled: Database, tmp_path: Path) -> None:
    shards = write_shards(filled, tmp_path / "shards", tmp_path)
    before = sorted(path.name for path in shards.iterdir())
    first, second = (train_sharded(filled, tmp_path, shards) for _ in range(2))
    one, other = (load(tmp_path / each.version).rbm for each in (first, second))
    np.testing.assert_array_equal(one.W, other.W)
    rounds = shards / "rounds"
    assert not list(rounds.iterdir())
    assert sorted(path.name for path in shards.iterdir() if path != rounds) == before


def test_an_interrupted_training_resumes_from_its_shards(filled: Database, tmp_path: Path) -> None:
    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sharded(filled, tmp_path, on_epoch=stop)
    assert (tmp_path / SHARDS).exists()
    epochs: list[int] = []
    result = train_sharded(
        filled, tmp_path, checkpoints=Checkpoints(resume=Resume.REQUIRED),
        on_epoch=lambda report: epochs.append(report.epoch),
    )  # fmt: skip
    assert epochs == [2, 3, 4]
    whole = train_sharded(filled, tmp_path)
    one, other = (load(tmp_path / each.version).rbm for each in (result, whole))
    np.testing.assert_array_equal(one.W, other.W)


def test_shards_left_behind_are_removed_when_a_user_is_erased(
    filled: Database, tmp_path: Path
) -> None:
    folder = write_shards(filled, tmp_path / SHARDS, tmp_path)
    remove_outdated(filled, tmp_path)
    assert folder.exists()
    erase_user(filled)
    remove_outdated(filled, tmp_path)
    assert not folder.exists()


def test_shards_with_the_ratings_of_an_erased_user_are_refused(
    filled: Database, tmp_path: Path
) -> None:
    shards = write_shards(filled, tmp_path / "shards", tmp_path)
    erase_user(filled)
    with pytest.raises(TrainingError, match=r"a user was erased since .*shards was written"):
        train_sharded(filled, tmp_path, shards)


def test_shards_with_movies_that_the_database_has_not_are_refused(
    filled: Database, tmp_path: Path
) -> None:
    shards = write_shards(filled, tmp_path / "shards", tmp_path)
    with filled.unit_of_work() as connection:
        connection.execute(delete(ratings).where(ratings.c.movie_id == 7))
        connection.execute(delete(movies).where(movies.c.id == 7))
    with pytest.raises(
        TrainingError, match=r"1 of 60 movies of .* are not in the database, such as '7'"
    ):
        train_sharded(filled, tmp_path, shards)


def test_another_like_threshold_is_refused(filled: Database, tmp_path: Path) -> None:
    partition(filled, settings_for(tmp_path, like_threshold=3), "db", str(tmp_path / "s"), 4)
    with pytest.raises(TrainingError, match="has likes from 3 stars, and RECOMMENDER_LIKE_THRESHO"):
        train_sharded(filled, tmp_path, tmp_path / "s")


def test_a_folder_without_shards_is_refused(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is no partition: it has no partition\.json"):
        train_sharded(filled, tmp_path, tmp_path / "nothing")


def test_a_scheduler_elsewhere_needs_shards(filled: Database, tmp_path: Path) -> None:
    options = TrainingOptions(from_scratch=True)
    with pytest.raises(TrainingError, match=r"recommender partition db TARGET.*--shards"):
        train(
            filled, settings_for(tmp_path), options, "a test", on_dask=OnDask("tcp://scheduler:1")
        )


def test_rare_movies_are_left_out_of_the_machine_alone(filled: Database, tmp_path: Path) -> None:
    likes, dislikes = people().movie_counts()
    least = int(np.median(likes + dislikes))
    result = train_sharded(filled, tmp_path, changes={"min_ratings": least})
    rbm = load(tmp_path / result.version).rbm
    assert 0 < rbm.n_movies < 60
    assert card_of(tmp_path, result)["data"]["share_of_ratings_on_unknown_films"] > 0
