"""From ratings in a database to a published model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import and_, case, or_, select, update

from app.datasets.repository import imported_dataset
from app.datasets.service import import_release
from app.db.engine import Database
from app.db.tables import model_versions, ratings, users
from app.evaluation.report import render
from app.evaluation.report_data import card_report, public_rows
from app.jobs.errors import TrainingError
from data.movielens import Release, load
from data.splitting import Group, holdout_groups
from model.artifact import load as load_artifact
from model.training import EpochReport
from tests.app.trainings import card_of, train_briefly

WEIGHTS = ("W.npy", "a.npy", "b.npy", "movie_ids.npy")


def train(database: Database, models_dir: Path, **options: Any) -> dict:
    """Train briefly and return the card."""
    return card_of(models_dir, train_briefly(database, models_dir, **options))


@pytest.fixture(scope="module")
def sample() -> Release:
    return load("sample", datasets_dir=Path("nowhere"), datasets_url="")


@pytest.fixture
def filled(database: Database, sample: Release) -> Database:
    import_release(database, sample)
    return database


def test_a_trained_model_is_published_active_and_whole(filled: Database, tmp_path: Path) -> None:
    result = train_briefly(filled, tmp_path)
    with filled.read() as connection:
        row = connection.execute(
            select(model_versions.c.card, model_versions.c.sha256, model_versions.c.state).where(
                model_versions.c.version == result.version
            )
        ).one()
    artifact = load_artifact(tmp_path / result.version, sha256=row.sha256)
    assert artifact.rbm.n_hidden == 16
    assert row.card == artifact.card


def test_the_card_says_what_the_weights_come_from(filled: Database, tmp_path: Path) -> None:
    card = train(filled, tmp_path, seed=5)
    assert card["dataset"]["name"] == "sample"
    assert len(card["dataset"]["sha256"]) == 64
    assert card["seed"] == 5
    assert card["configuration"]["n_epochs"] == 6
    assert [point["epoch"] for point in card["curve"]] == [1, 2, 3, 4, 5, 6]
    assert {"recommender", "python", "numpy"} <= card["versions"].keys()


def test_the_card_holds_figures_with_errors_of_the_model_and_of_popularity(
    filled: Database, tmp_path: Path
) -> None:
    results = {entry["model"]: entry["metrics"] for entry in train(filled, tmp_path)["results"]}
    assert set(results) == {"rbm", "popularity"}
    for metrics in results.values():
        for figure in metrics.values():
            assert 0 <= figure["mean"] <= 1
            assert figure["se"] is None or 0 < figure["se"] < 1
        assert metrics["ndcg@100"]["se"] is not None


def test_the_card_holds_the_figures_of_users_with_few_ratings_beside_popularity(
    filled: Database, tmp_path: Path
) -> None:
    card = train(filled, tmp_path)
    by_number = card["by_n_ratings"]
    assert [row["n"] for row in by_number][:4] == [0, 1, 2, 3]
    assert by_number[-1]["n"] == "all"
    for row in by_number:
        assert [each["model"] for each in row["results"]] == ["rbm", "popularity"]
    judged = {row["n"]: row for row in card["gate"]["by_n_ratings"]}
    assert set(judged) <= {3, 10}
    assert judged[3]["differences"].keys() == {"popularity"}


def test_a_card_from_before_has_a_report_without_these_figures(
    filled: Database, tmp_path: Path
) -> None:
    card = train(filled, tmp_path)
    assert "From the first rating on" in render(card_report(card, "version"))
    del card["by_n_ratings"], card["gate"]["by_n_ratings"]
    assert "From the first rating on" not in render(card_report(card, "version"))


def test_the_card_names_no_user(filled: Database, tmp_path: Path) -> None:
    card = train(filled, tmp_path)
    assert set(card["holdout"]) == {
        "rule", "salt", "share", "min_likes",
        "n_training_users", "n_validation_users", "n_gate_users",
    }  # fmt: skip
    assert "user_keys" not in json.dumps(card)


def test_users_of_the_gate_and_validation_sets_leave_no_trace_in_the_weights(
    filled: Database, tmp_path: Path
) -> None:
    """Other ratings of theirs, whatever they were before, change no byte of the weights."""
    before = train(filled, tmp_path)
    with filled.unit_of_work() as connection:
        rows = connection.execute(select(users.c.id, users.c.key)).all()
        groups = holdout_groups([row.key for row in rows], before["holdout"]["salt"])
        held_out = [row.id for row, g in zip(rows, groups, strict=True) if g != Group.TRAINING]
        assert held_out
        # Likes and dislikes by turns, so that all who can be judged on stay so.
        stars = case((ratings.c.movie_id % 2 == 0, 5.0), else_=0.5)
        connection.execute(
            update(ratings).where(ratings.c.user_id.in_(held_out)).values(stars=stars)
        )
    after = train(filled, tmp_path)
    for name in WEIGHTS:
        assert before["files"][name] == after["files"][name]


def test_the_same_ratings_and_seed_give_the_same_bytes(filled: Database, tmp_path: Path) -> None:
    first, second = train(filled, tmp_path)["files"], train(filled, tmp_path)["files"]
    assert {name: first[name] for name in WEIGHTS} == {name: second[name] for name in WEIGHTS}
    assert train(filled, tmp_path, seed=1)["files"]["W.npy"] != first["W.npy"]


def test_an_empty_database_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no ratings"):
        train(database, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_progress_is_reported_after_every_epoch(filled: Database, tmp_path: Path) -> None:
    reports: list = []
    train(filled, tmp_path, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [1, 2, 3, 4, 5, 6]
    assert all(0 < report.reconstruction_error < 1 for report in reports)
    assert all(0 < report.validation_ndcg < 1 for report in reports)


def test_the_sample_is_learnt_well_beyond_popularity(filled: Database, tmp_path: Path) -> None:
    result = train_briefly(filled, tmp_path, {})
    assert result.judged.ratio > 1.3


def test_the_report_card_lies_beside_the_weights(filled: Database, tmp_path: Path) -> None:
    card = train(filled, tmp_path)
    (folder,) = tmp_path.glob("*Z-*")
    page = (folder / "report.html").read_text()
    assert folder.name in page
    assert "report.html" in card["files"]
    assert "What users were recommended" in page, "the sample is public"


def test_the_report_of_private_data_shows_nobody(
    database: Database, sample: Release, tmp_path: Path
) -> None:
    import_release(database, replace(sample, name="ours", is_public=False))
    train(database, tmp_path)
    (folder,) = tmp_path.glob("*Z-*")
    assert "What users were recommended" not in (folder / "report.html").read_text()


def test_only_people_of_the_release_who_rate_nothing_here_are_shown(
    filled: Database, sample: Release
) -> None:
    with filled.read() as connection:
        dataset = imported_dataset(connection)
    assert dataset is not None
    first, second = (
        select(users.c.id).where(users.c.key == key).scalar_subquery() for key in ("1", "2")
    )
    movie = sample.ratings.loc[sample.ratings["user"] == 2, "movie_id"].iloc[0]
    own = or_(
        ratings.c.user_id == first,
        and_(ratings.c.user_id == second, ratings.c.movie_id == int(movie)),
    )
    with filled.unit_of_work() as connection:
        connection.execute(update(ratings).where(own).values(from_release=False))
    keys = ["1", "2", "3", "nobody"]
    assert public_rows(filled, dataset, keys) == [2]
    assert public_rows(filled, dataset._replace(is_public=False), keys) == []
    assert public_rows(filled, None, keys) == []


def test_the_report_shows_nobody_of_the_service_beside_a_public_release(
    filled: Database, tmp_path: Path
) -> None:
    with filled.unit_of_work() as connection:
        connection.execute(update(ratings).values(from_release=False))
    train(filled, tmp_path)
    (folder,) = tmp_path.glob("*Z-*")
    assert "What users were recommended" not in (folder / "report.html").read_text()


def test_data_that_is_replaced_meanwhile_is_what_a_model_is_trained_on(
    filled: Database, sample: Release, tmp_path: Path
) -> None:
    other = replace(sample, name="other", sha256="0" * 64)

    def replace_the_data(report: EpochReport) -> None:
        if report.epoch == 1:
            import_release(filled, other, replace=True)

    card = train(filled, tmp_path, on_epoch=replace_the_data)
    assert card["dataset"]["name"] == "other"
    assert len(list(tmp_path.glob("*Z-*"))) == 1
