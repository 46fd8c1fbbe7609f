"""Movies with few ratings are left out of a training that says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from app.datasets.service import import_release
from app.datasets.snapshot import read_snapshot
from app.db.engine import Database
from app.db.tables import movies
from app.jobs.errors import TrainingError
from app.training.split import split_users
from data.movielens import load
from model.artifact import load as load_artifact
from model.published import judge_published
from tests.app.trainings import SHORT, train_briefly

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

FEW = {**SHORT, "min_ratings": 40}


@pytest.fixture
def filled(database: Database) -> Database:
    import_release(database, load("sample", datasets_dir=Path("nowhere"), datasets_url=""))
    return database


def published(database: Database, folder: Path, changes: dict[str, Any], **options: Any) -> Any:
    return load_artifact(folder / train_briefly(database, folder, changes, **options).version)


def test_the_model_has_the_movies_with_enough_ratings_of_training_users(
    filled: Database, tmp_path: Path
) -> None:
    result = train_briefly(filled, tmp_path, FEW)
    model = load_artifact(tmp_path / result.version)
    snapshot = read_snapshot(filled, 4.0)
    training = split_users(snapshot, 0).training
    likes, dislikes = training.movie_counts()
    enough = training.movie_ids[likes + dislikes >= 40]
    assert 0 < len(enough) < training.n_movies
    np.testing.assert_array_equal(model.rbm.movie_ids, enough)
    data = model.card["data"]
    assert data["n_movies"] == len(enough)
    assert 0 < data["share_of_ratings_on_unknown_films"] < 1
    # The gate counts what it does not find among the movies that it left out.
    assert model.card["holdout"]["n_gate_users"] == result.n_gate_users
    groups = {row["label"]: row for row in model.card["results"][0]["by_popularity"]}
    n_films = sum(row["n_films"] for row in groups.values())
    assert n_films == training.n_movies
    again = judge_published(
        model.rbm, model.card, snapshot.interactions, salt=snapshot.holdout_salt
    )
    own = {row["model"]: row["metrics"] for row in model.card["results"]}
    assert {row["model"]: row["metrics"] for row in again["results"]} == own


def test_a_warm_start_keeps_to_it(filled: Database, tmp_path: Path) -> None:
    first = train_briefly(filled, tmp_path, FEW)
    second = published(filled, tmp_path, {"n_epochs": 1}, start=first.version)
    assert second.card["configuration"]["min_ratings"] == 40
    before = load_artifact(tmp_path / first.version).rbm.movie_ids
    np.testing.assert_array_equal(second.rbm.movie_ids, before)


def test_a_number_that_no_movie_has_is_refused_by_name(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="min_ratings is 100000"):
        train_briefly(filled, tmp_path, {**SHORT, "min_ratings": 100_000})
    with filled.read() as connection:
        assert connection.execute(select(movies.c.id).limit(1)).first()
