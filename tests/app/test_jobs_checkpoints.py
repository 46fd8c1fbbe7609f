"""What a run leaves on the disk: gone on with by the next one, or removed by it."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.db.engine import Database
from app.jobs import repository
from app.jobs.checkpoints import FOLDER, Checkpoints, Resume, train_with_checkpoints
from app.jobs.errors import LeaseLostError, TrainingStoppedError
from app.jobs.interruption import Interruption
from app.jobs.lease import Lease
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import list_runs, request_run
from app.registry.service import publish
from app.training.pipeline import TrainingResult, train
from model.config import Config
from model.training import EpochReport, Trainer
from tests.app.trainings import ENOUGH, people, settings_for, store

PEOPLE = people()
GO_ON = Checkpoints(every=1, resume=Resume.IF_POSSIBLE)
# What follows from files alone is shown on one of the two databases.
ON_ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Retrain = Callable[..., TrainingResult]


class KilledError(BaseException):
    """Stands for the death of the process."""


@pytest.fixture
def retrain(database: Database, tmp_path: Path) -> Retrain:
    store(database, PEOPLE)

    def run(on_epoch: Any = None, **options: Any) -> TrainingResult:
        asked = TrainingOptions(
            **{"hyper_parameters": ENOUGH, "publish_anyway": True, "from_scratch": True, **options}
        )
        settings = settings_for(tmp_path)
        return train(database, settings, asked, "cron", checkpoints=GO_ON, on_epoch=on_epoch)

    return run


def kept(models_dir: Path) -> set[str]:
    return {path.name for path in (models_dir / FOLDER).glob("*-*")}


def die(_: EpochReport) -> None:
    raise KilledError


def late_death(report: EpochReport) -> None:
    if report.epoch == 4:
        raise KilledError


@ON_ONE_DATABASE
def test_a_checkpoint_that_nobody_goes_on_with_is_removed_at_once(
    retrain: Retrain, tmp_path: Path
) -> None:
    """Somebody whom its weights remember may have been erased since."""
    with pytest.raises(KilledError):
        retrain(late_death)
    (left,) = kept(tmp_path)
    with pytest.raises(KilledError):
        retrain(die, seed=1)
    assert left not in kept(tmp_path)


@ON_ONE_DATABASE
@pytest.mark.parametrize("passes", [True, False])
def test_no_checkpoint_is_left_when_a_run_has_published_or_refused(
    retrain: Retrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, passes: bool
) -> None:
    if not passes:
        monkeypatch.setattr("model.gate.insane_parameters", lambda _: ["W is not finite"])

    def leave_another(_: EpochReport) -> None:
        (tmp_path / FOLDER / "0123456789abcdef-000000000001").mkdir(parents=True, exist_ok=True)

    result = retrain(leave_another, publish_anyway=False)
    assert result.judged.is_published is passes
    assert kept(tmp_path) == set()


@ON_ONE_DATABASE
def test_a_finished_training_that_could_not_be_published_is_published_by_the_next_run(
    retrain: Retrain, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("app.training.pipeline.publish", fail)
        with pytest.raises(OSError, match="no space"):
            retrain()
    assert len(kept(tmp_path)) == 1
    seen: list[EpochReport] = []
    result = retrain(seen.append)
    assert seen == []
    assert list_runs(database, 1)[0].version == result.version
    assert kept(tmp_path) == set()


@ON_ONE_DATABASE
def test_a_database_that_is_busy_is_waited_for_while_the_lease_lasts(
    retrain: Retrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def busy_at_first(*arguments: Any, **options: Any) -> str:
        attempts.append(1)
        if len(attempts) < 3:
            version = f"20261120T101500Z-000{len(attempts)}"
            options["reserve"](version)
            (tmp_path / version).mkdir()
            raise OperationalError("COMMIT", {}, Exception("database is locked"))
        return publish(*arguments, **options)

    monkeypatch.setattr("app.training.pipeline.publish", busy_at_first)
    monkeypatch.setattr("app.jobs.job.RETRY_S", 0.01)
    result = retrain()
    assert len(attempts) == 3
    assert [path.name for path in tmp_path.glob("*Z-*")] == [result.version]
    assert (tmp_path / result.version / "card.json").exists()


@ON_ONE_DATABASE
def test_without_a_lease_a_busy_database_is_not_waited_for(
    retrain: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> str:
        raise OperationalError("COMMIT", {}, Exception("database is locked"))

    monkeypatch.setattr("app.training.pipeline.publish", busy)
    monkeypatch.setattr(Lease, "is_fresh", False)
    with pytest.raises(OperationalError, match="locked"):
        retrain()


@ON_ONE_DATABASE
def test_a_holder_that_has_lost_its_run_says_so_and_not_that_a_file_is_away(
    retrain: Retrain, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run removes what a silent one has half-published."""

    def taken_over(*_: object, **__: object) -> str:
        with database.unit_of_work() as connection:
            repository.end(connection, list_runs(database, 1)[0].id, RunState.FAILED)
        raise FileNotFoundError(2, "No such file or directory", "card.json")

    monkeypatch.setattr("app.training.pipeline.publish", taken_over)
    with pytest.raises(LeaseLostError, match="was given up"):
        retrain()


@ON_ONE_DATABASE
def test_a_lease_that_somebody_has_taken_is_known_as_lost_once_it_is_asked_for(
    database: Database,
) -> None:
    run_id = request_run(database, TrainingOptions(), "cron")
    lease = Lease(database, run_id, 0.0001)
    lease.start()
    lease.stop()
    assert lease.may_write(), "in doubt the database is asked"
    with database.unit_of_work() as connection:
        repository.end(connection, run_id, RunState.FAILED)
    assert not lease.may_write()
    with pytest.raises(LeaseLostError):
        lease.confirm()


def test_a_holder_that_has_lost_its_run_writes_and_removes_no_checkpoint(tmp_path: Path) -> None:
    theirs = tmp_path / FOLDER / "0123456789abcdef-000000000001"
    theirs.mkdir(parents=True)
    trainer = Trainer(PEOPLE, Config(**ENOUGH))
    train_with_checkpoints(trainer, tmp_path, GO_ON, Interruption(), lambda _: None, lambda: False)
    assert kept(tmp_path) == {theirs.name}


@ON_ONE_DATABASE
def test_who_stops_a_run_after_its_training_is_told_that_the_next_one_publishes_it(
    retrain: Retrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("app.training.pipeline.judge", stop)
        kept_for_the_next = "SIGINT after its training; the checkpoint is kept: the next run publi"
        with pytest.raises(TrainingStoppedError, match=kept_for_the_next):
            retrain()
    assert len(kept(tmp_path)) == 1
    seen: list[EpochReport] = []
    retrain(seen.append)
    assert seen == []
