"""Retraining: what it begins with, what the gate lets through, what is kept of a run."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, update

from app.config import Settings
from app.db import tables
from app.db.engine import Database
from app.db.model_versions import active_version
from app.jobs.checkpoints import FOLDER, Checkpoints, Resume
from app.jobs.errors import OutdatedSnapshotError, TrainingError
from app.jobs.schemas import Failure, RunState, TrainingOptions, TrainingRun
from app.jobs.service import list_runs
from app.ratings import user_repository as users
from app.registry import repository as models
from app.registry.service import activate, publish
from app.store.folder import ModelStore
from app.training.gate import judge
from app.training.pipeline import TrainingResult, train
from data.splitting import Group, holdout_groups
from model import candidates
from model.artifact import load
from model.config import Config
from model.training import EpochReport
from tests.app.trainings import ENOUGH, card_of, people, settings_for, shuffled, store
from tests.app.world import MOMENT, make_rbm

PEOPLE = people()
# What follows from ratings and files alone is shown on one of the two databases.
ON_ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def filled(database: Database) -> Database:
    with database.unit_of_work() as connection:  # the same people in the gate set each time
        connection.execute(update(tables.installation).values(holdout_salt="a test's"))
    store(database, PEOPLE)
    return database


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


Retrain = Callable[..., TrainingResult]


@pytest.fixture
def retrain(filled: Database, models_dir: Path) -> Retrain:
    """Train as `recommender retrain` does, with settings that find the planted tastes."""

    def run(
        on_epoch: Any = None, checkpoints: Checkpoints | None = None, **options: Any
    ) -> TrainingResult:
        asked = TrainingOptions(**{"hyper_parameters": ENOUGH, **options})
        return train(
            filled, settings_for(models_dir), asked, "cron",
            on_epoch=on_epoch, checkpoints=checkpoints,
        )  # fmt: skip

    return run


def active(database: Database) -> str | None:
    with database.read() as connection:
        return active_version(connection).version


def last_run(database: Database) -> TrainingRun:
    return list_runs(database, 1)[0]


def erase(database: Database, key: str) -> None:
    with database.unit_of_work() as connection:
        users.erase(connection, key, MOMENT)


def training_people(database: Database) -> np.ndarray:
    """Who is trained on: True for those of `PEOPLE` who are never judged by."""
    with database.read() as connection:
        salt = connection.execute(select(tables.installation.c.holdout_salt)).scalar_one()
    return holdout_groups(PEOPLE.user_keys, salt) == Group.TRAINING


def test_the_first_model_is_published_from_scratch(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    result = retrain()
    assert active(filled) == result.version
    run = last_run(filled)
    assert (run.state, run.version, run.requested_by) == ("published", result.version, "cron")
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.figures is not None
    assert run.figures["gate"]["passed"]
    assert run.figures["models"].keys() == {"rbm", "popularity"}
    card = card_of(models_dir, result)
    assert (card["start"], card["why_scratch"]) == (None, "no model is active")
    assert (card["training_run"], card["drift"]) == (run.id, None)
    assert card["gate"]["passed"]


@ON_ONE_DATABASE
def test_the_next_one_begins_with_it_and_is_compared_with_it(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    second = retrain(hyper_parameters={})
    card = card_of(models_dir, second)
    assert card["start"] == first.version
    assert card["configuration"]["n_hidden"] == ENOUGH["n_hidden"]
    assert card["configuration"]["n_epochs"] == 20, "a third of what a start from scratch takes"
    assert card["gate"]["compared_with"] == first.version
    run = last_run(filled)
    assert run.progress["start"] == first.version
    assert run.figures is not None
    assert run.figures["models"].keys() == {"rbm", "popularity", "active"}


@ON_ONE_DATABASE
def test_where_a_replacement_left_no_model_the_last_one_is_begun_with(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    with filled.unit_of_work() as connection:
        models.deactivate(connection)
    assert card_of(models_dir, retrain(hyper_parameters={}))["start"] == first.version


def test_a_model_of_shuffled_ratings_is_refused_kept_and_not_served(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    trained_on = training_people(filled)
    store(filled, shuffled(PEOPLE.select_users(trained_on)))
    result = retrain(from_scratch=True)
    assert not result.judged.is_published
    assert active(filled) == first.version
    assert any("worse than the active model" in reason for reason in result.judged.gate["reasons"])
    run = last_run(filled)
    assert (run.state, run.version, run.error) == ("refused", result.version, None)
    with filled.read() as connection:
        row = connection.execute(
            select(tables.model_versions.c.state, tables.model_versions.c.sha256).where(
                tables.model_versions.c.version == result.version
            )
        ).one()
    assert row.state == "refused"
    card = load(models_dir / result.version, sha256=row.sha256).card
    assert card["gate"]["reasons"] == result.judged.gate["reasons"]


@ON_ONE_DATABASE
def test_shuffled_ratings_alone_make_no_first_model(filled: Database, retrain: Retrain) -> None:
    store(filled, shuffled(PEOPLE))
    result = retrain()
    assert any("not better than popularity" in reason for reason in result.judged.gate["reasons"])
    assert active(filled) is None


@ON_ONE_DATABASE
def test_a_model_of_more_ratings_is_accepted(filled: Database, retrain: Retrain) -> None:
    trained_on = np.flatnonzero(training_people(filled))
    for key in PEOPLE.user_keys[trained_on[100:]]:
        with filled.unit_of_work() as connection:
            mine = select(tables.users.c.id).where(tables.users.c.key == key).scalar_subquery()
            connection.execute(tables.ratings.delete().where(tables.ratings.c.user_id == mine))
    first = retrain()
    store(filled, PEOPLE)
    second = retrain()
    assert second.judged.is_published
    assert active(filled) == second.version != first.version
    assert second.judged.gate["differences"]["active"]["high"] > 0


def test_what_the_gate_refuses_is_published_when_told_so_and_leaves_a_trace(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    retrain()
    store(filled, shuffled(PEOPLE.select_users(training_people(filled))))
    result = retrain(from_scratch=True, publish_anyway=True)
    assert active(filled) == result.version
    run = last_run(filled)
    assert run.state == "published"
    assert run.figures is not None
    for gate in (run.figures["gate"], card_of(models_dir, result)["gate"]):
        assert gate["published_anyway"]
        assert gate["reasons"]


def test_an_erasure_forces_the_next_run_from_scratch(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    erase(filled, str(PEOPLE.user_keys[7]))
    result = retrain()
    assert "erased" in str(card_of(models_dir, result)["why_scratch"])
    assert "erased" in last_run(filled).progress["why_scratch"]
    with pytest.raises(TrainingError, match="erased since it was trained"):
        retrain(start=first.version)
    assert card_of(models_dir, retrain())["start"] == result.version, "and only that one"


@ON_ONE_DATABASE
def test_after_any_erasure_a_model_of_a_copy_of_this_database_is_not_begun_with(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    """A restored copy has the same salt, but its count of changes says nothing about ours."""
    first = load(models_dir / retrain().version)
    data = {**first.card["data"], "ratings_revision": 10**15}
    copied = publish(filled, ModelStore(models_dir), first.rbm, {**first.card, "data": data})
    assert card_of(models_dir, retrain(publish_anyway=True))["start"] == copied
    activate(filled, ModelStore(models_dir), copied)
    erase(filled, str(PEOPLE.user_keys[7]))
    assert "copy of this database" in str(card_of(models_dir, retrain())["why_scratch"])
    with pytest.raises(TrainingError, match="maybe on a user erased here"):
        retrain(start=copied)


@ON_ONE_DATABASE
def test_a_card_that_does_not_say_when_or_on_how_many_ratings_does_not_stop_a_run(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = load(models_dir / retrain().version)
    data = {key: first.card["data"][key] for key in ("ratings_revision", "like_threshold")}
    card = {**first.card, "created_at": "2026-11-20T10:15:00", "data": data}
    publish(filled, ModelStore(models_dir), first.rbm, card)
    drift = card_of(models_dir, retrain(publish_anyway=True))["drift"]
    assert (drift["age_seconds"], drift["ratings_more"]) == (None, None)


def test_a_run_begins_again_without_somebody_who_is_erased_meanwhile(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    seen: list[int] = []

    def erase_somebody(report: EpochReport) -> None:
        seen.append(report.epoch)
        if len(seen) == 2:
            erase(filled, str(PEOPLE.user_keys[7]))

    result = retrain(on_epoch=erase_somebody, checkpoints=Checkpoints(every=1))
    n_epochs = ENOUGH["n_epochs"]
    assert seen == [1, 2, *range(1, n_epochs + 1)], "it is known within an epoch"
    card = card_of(models_dir, result)
    assert card["data"]["n_users"] == PEOPLE.n_users - 1
    assert "erased" in card["why_scratch"]
    assert {path.name for path in models_dir.glob("*Z-*")} == {first.version, result.version}
    assert not list((models_dir / FOLDER).glob("*/state.json"))


def test_a_run_that_loses_users_each_time_it_begins_leaves_nothing(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()

    def erase_somebody(report: EpochReport) -> None:
        if report.epoch == 2:
            with filled.read() as connection:
                key = connection.execute(select(func.min(tables.users.c.key))).scalar_one()
            erase(filled, key)

    with pytest.raises(OutdatedSnapshotError):
        retrain(on_epoch=erase_somebody, checkpoints=Checkpoints(every=1))
    assert active(filled) == first.version
    assert [path.name for path in models_dir.glob("*Z-*")] == [first.version]
    assert not list((models_dir / FOLDER).glob("*/state.json"))
    run = last_run(filled)
    assert (run.state, run.version, run.failure) == ("failed", None, Failure.CHANGED)
    assert run.error is not None
    assert "erased during the training" in run.error


@ON_ONE_DATABASE
def test_somebody_erased_after_the_last_epoch_is_not_in_what_is_published(
    filled: Database, models_dir: Path, retrain: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased: list[str] = []

    def erase_once(*arguments: Any, **options: Any) -> str:
        if not erased:
            erased.append(str(PEOPLE.user_keys[7]))
            erase(filled, erased[0])
        return publish(*arguments, **options)

    monkeypatch.setattr("app.training.pipeline.publish", erase_once)
    result = retrain()
    assert card_of(models_dir, result)["data"]["n_users"] == PEOPLE.n_users - 1
    assert [path.name for path in models_dir.glob("*Z-*")] == [result.version]


@ON_ONE_DATABASE
def test_no_file_of_a_model_names_a_person(models_dir: Path, retrain: Retrain) -> None:
    result = retrain(checkpoints=Checkpoints(every=1))
    files = [path for path in (models_dir / result.version).iterdir() if path.is_file()]
    assert len(files) >= 6
    for path in files:
        assert b"secret~" not in path.read_bytes(), path.name


@ON_ONE_DATABASE
def test_ratings_that_come_in_while_training_are_in_the_next_run(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    late = PEOPLE.select_users([0])
    late = type(late)(late.indptr, late.movie_rows, late.liked, np.array(["late"]), late.movie_ids)

    def rate(report: EpochReport) -> None:
        if report.epoch == 1:
            store(filled, late)

    before = card_of(models_dir, retrain(on_epoch=rate))["data"]["n_ratings"]
    after = card_of(models_dir, retrain())["data"]["n_ratings"]
    assert (before, after) == (PEOPLE.n_ratings, PEOPLE.n_ratings + late.n_ratings)


@ON_ONE_DATABASE
def test_the_card_says_how_far_the_ratings_had_gone_away_from_the_model_before(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    fan = people().select_users([1])
    new_movie = type(fan)(
        fan.indptr, fan.movie_rows, fan.liked, np.array(["fan"]), fan.movie_ids + 500
    )
    store(filled, new_movie)
    drift = card_of(models_dir, retrain())["drift"]
    assert drift["of_model"] == first.version
    assert drift["ratings_more"] == new_movie.n_ratings
    share = new_movie.n_ratings / (PEOPLE.n_ratings + new_movie.n_ratings)
    assert drift["share_of_ratings_on_unknown_films"] == pytest.approx(share, abs=1e-6)
    assert drift["age_seconds"] >= 0


@ON_ONE_DATABASE
def test_a_model_of_another_database_is_neither_begun_with_nor_replaced(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    with filled.unit_of_work() as connection:
        connection.execute(update(tables.installation).values(holdout_salt="another"))
    result = retrain()
    assert "another database" in str(result.warm_start.why_scratch)
    (reason,) = result.judged.gate["reasons"]
    assert f"cannot be compared with the active model {first.version}" in reason
    assert active(filled) == first.version
    with pytest.raises(TrainingError, match=f"cannot begin with model {first.version}"):
        retrain(start=first.version)
    assert retrain(publish_anyway=True).judged.is_published
    assert card_of(models_dir, retrain())["gate"]["passed"]


@ON_ONE_DATABASE
def test_a_damaged_model_is_neither_begun_with_nor_compared_with(
    models_dir: Path, retrain: Retrain
) -> None:
    first = retrain()
    (models_dir / first.version / "W.npy").unlink()
    result = retrain()
    assert result.warm_start.why_scratch == f"model {first.version} is damaged"
    assert result.judged.gate["compared_with"] is None
    assert result.judged.is_published


@ON_ONE_DATABASE
def test_a_model_with_other_hidden_units_is_not_begun_with(retrain: Retrain) -> None:
    first = retrain()
    with pytest.raises(TrainingError, match="it has another n_hidden"):
        retrain(hyper_parameters={**ENOUGH, "n_hidden": 13}, start=first.version)
    result = retrain(hyper_parameters={**ENOUGH, "n_hidden": 13})
    assert result.warm_start.why_scratch == "the last model has another n_hidden"


def test_a_candidate_is_judged_anew_when_another_model_was_activated_meanwhile(
    filled: Database, models_dir: Path, retrain: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrain()
    by_hand: list[str] = []

    def judge_slowly(*arguments: Any, **options: Any) -> Any:
        judged = judge(*arguments, **options)
        if not by_hand:
            card = {"holdout": {"salt": "elsewhere"}}
            by_hand.append(publish(filled, ModelStore(models_dir), make_rbm(1), card))
        return judged

    monkeypatch.setattr("app.training.pipeline.judge", judge_slowly)
    result = retrain()
    assert not result.judged.is_published
    assert by_hand[0] in result.judged.gate["reasons"][0]
    assert active(filled) == by_hand[0]
    assert len(list(models_dir.glob("*Z-*"))) == 3, "nothing is left of the first attempt"


class KilledError(BaseException):
    """Stands for the death of the process."""


@ON_ONE_DATABASE
def test_a_run_that_died_is_gone_on_with_from_its_checkpoint_to_the_same_weights(
    filled: Database, models_dir: Path, retrain: Retrain
) -> None:
    whole = retrain()

    def die(report: EpochReport) -> None:
        if report.epoch == 8:
            raise KilledError

    with pytest.raises(KilledError):
        retrain(on_epoch=die, from_scratch=True, checkpoints=Checkpoints(1, Resume.IF_POSSIBLE))
    assert last_run(filled).state == "failed"
    seen: list[int] = []
    resumed = retrain(on_epoch=lambda report: seen.append(report.epoch), from_scratch=True)
    assert seen[0] == 8, "the epoch after the last checkpoint"
    same = [card_of(models_dir, result)["files"]["W.npy"] for result in (whole, resumed)]
    assert same[0] == same[1]


@ON_ONE_DATABASE
def test_a_checkpoint_of_other_ratings_is_not_gone_on_with(
    filled: Database, retrain: Retrain
) -> None:
    def die(report: EpochReport) -> None:
        if report.epoch == 5:
            raise KilledError

    with pytest.raises(KilledError):
        retrain(on_epoch=die, checkpoints=Checkpoints(1, Resume.IF_POSSIBLE))
    store(filled, shuffled(PEOPLE.select_users(training_people(filled))))
    seen: list[int] = []
    retrain(on_epoch=lambda report: seen.append(report.epoch))
    assert seen[0] == 1


def test_old_models_are_removed_but_not_the_active_one_and_the_one_before(
    filled: Database, models_dir: Path
) -> None:
    settings = settings_for(models_dir, keep_models=1)
    options = TrainingOptions(hyper_parameters=ENOUGH, publish_anyway=True)
    versions = []
    for _ in range(3):
        with filled.unit_of_work() as connection:  # those before are older, not of the same second
            connection.execute(update(tables.model_versions).values(created_at=MOMENT))
        versions.append(train(filled, settings, options, "cron").version)
    with filled.read() as connection:
        assert (
            connection.execute(select(func.count()).select_from(tables.model_versions)).scalar_one()
            == 2
        )
    assert {path.name for path in models_dir.glob("*Z-*")} == set(versions[1:])


def test_too_few_people_fail_the_run_with_the_reason(database: Database, models_dir: Path) -> None:
    with pytest.raises(TrainingError, match="no ratings"):
        train(database, settings_for(models_dir), TrainingOptions(), "cron")
    run = last_run(database)
    assert run.state is RunState.FAILED
    assert run.error == "the database has no ratings: run `recommender import` first"


@ON_ONE_DATABASE
def test_people_who_like_nothing_are_not_said_to_be_too_few(
    database: Database, retrain: Retrain
) -> None:
    with database.unit_of_work() as connection:
        connection.execute(update(tables.ratings).values(liked=False))
    with pytest.raises(TrainingError, match="none of 300 users has 5 likes or more"):
        retrain()


def test_a_folder_of_a_run_that_died_before_it_was_recorded_is_removed(
    models_dir: Path, retrain: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("app.registry.repository.add", die)
        with pytest.raises(KilledError):
            retrain()
    (stray,) = models_dir.glob("*Z-*")
    result = retrain()
    assert [path.name for path in models_dir.glob("*Z-*")] == [result.version]
    assert stray.name != result.version
    shutil.rmtree(models_dir)


def test_settings_reach_a_process_of_its_own_whole(models_dir: Path, monkeypatch: Any) -> None:
    settings = settings_for(models_dir, trusted_proxies="10.0.0.0/8,::1/128", insecure=True)
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


@ON_ONE_DATABASE
def test_with_people_enough_the_settings_are_chosen_on_validation_users_and_kept_by_a_warm_start(
    filled: Database, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(_: type[Config], __: int) -> Config:
        return Config(**ENOUGH, l2=0.001)

    monkeypatch.setattr(candidates, "SEARCHED", range(1, 1_000))
    monkeypatch.setattr(Config, "for_users", classmethod(quick))
    trials: list[tuple[int, int]] = []
    stages: list[str] = []

    def on_trial(done: int, n_trials: int) -> None:
        trials.append((done, n_trials))

    def on_epoch(_: EpochReport) -> None:
        stages.append("epoch" if trials[-1] == (6, 6) else "too early")

    settings = settings_for(models_dir)
    cold = train(
        filled, settings, TrainingOptions(publish_anyway=True), "cron",
        on_epoch=on_epoch, on_trial=on_trial,
    )  # fmt: skip
    assert trials == [(done, 6) for done in range(7)]
    assert set(stages) == {"epoch"}
    chosen = card_of(models_dir, cold)["configuration"]
    factors = {factor * larger for factor in candidates.DECAYS for larger in (1.0, 1.6)}
    assert any(chosen["l2"] == pytest.approx(0.001 * factor) for factor in factors)

    warm = train(filled, settings, TrainingOptions(publish_anyway=True), "cron", on_trial=on_trial)
    assert len(trials) == 7
    kept = card_of(models_dir, warm)["configuration"]
    assert (kept["l2"], kept["n_hidden"]) == (chosen["l2"], chosen["n_hidden"])
    assert kept["n_epochs"] < ENOUGH["n_epochs"]
