"""Why a run failed: its class, what its row says, and what a monitor sees of it."""

import errno
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core import metrics
from app.db.engine import Database
from app.jobs import repository
from app.jobs.checkpoints import FOLDER
from app.jobs.errors import LeaseLostError, NoRoomError, OutdatedSnapshotError, TrainingError
from app.jobs.failures import classify, explain
from app.jobs.lease import hold_lease
from app.jobs.monitor import TrainingMonitor
from app.jobs.schemas import Failure, RunState, TrainingOptions
from app.jobs.service import failed_in_a_row, list_runs, record_retry, request_run
from app.ratings import user_repository as users
from app.training.pipeline import train
from app.training.room import needed_bytes, refuse_too_little
from model.checkpoint import Checkpoint, write
from model.config import Config
from model.training import DivergenceError
from tests.app.trainings import ENOUGH, people, settings_for, store
from tests.app.world import MOMENT

ON_ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PLAIN = TrainingOptions()
GIB = 2**30


class FullError(sqlite3.OperationalError):
    sqlite_errorname = "SQLITE_FULL"


def operational(cause: Exception) -> OperationalError:
    return OperationalError("UPDATE …", {}, cause)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/srv/models/x/W.npy"), Failure.DISK),
        (operational(FullError("database or disk is full")), Failure.DISK),
        (NoRoomError(Path("/srv/models"), 2, 1), Failure.DISK),
        (operational(Exception("server closed the connection")), Failure.DATABASE),
        (MemoryError("Unable to allocate 9 GiB"), Failure.MEMORY),
        (LeaseLostError(3), Failure.LOST),
        (OutdatedSnapshotError("a user was erased"), Failure.CHANGED),
        (TrainingError("the database has no ratings"), Failure.INPUT),
        (DivergenceError("training diverged in epoch 2"), Failure.INPUT),
        (OSError(errno.EACCES, "Permission denied"), Failure.ERROR),
        (IntegrityError("INSERT …", {}, Exception("UNIQUE")), Failure.ERROR),
        (ZeroDivisionError(), Failure.ERROR),
    ],
)
def test_a_failure_has_a_class_and_one_line_without_folders(
    error: Exception, expected: Failure
) -> None:
    assert classify(error) is expected
    assert expected.is_transient is (expected not in {Failure.INPUT, Failure.ERROR})
    said = explain(error)
    assert said
    assert "\n" not in said
    assert "/srv" not in said


def test_what_to_do_is_said() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/srv/models/x/W.npy")
    assert explain(full) == "No space left on device: W.npy; free space, then train again"
    assert explain(MemoryError("Unable to allocate 9 GiB")).endswith("or train fewer hidden units")


def fail(database: Database, error: BaseException) -> int:
    """Let a run fail; return its id."""
    run_id = request_run(database, PLAIN, "cron")
    with suppress(type(error)), hold_lease(database, run_id, 60) as lease:
        lease.report("training", epoch=3)
        raise error
    return run_id


def end(database: Database, state: RunState) -> None:
    run_id = request_run(database, PLAIN, "cron")
    with database.unit_of_work() as connection:
        repository.end(connection, run_id, state)


def test_the_row_of_a_run_has_the_class_and_the_time_of_the_next_attempt(
    database: Database,
) -> None:
    run_id = fail(database, MemoryError("Unable to allocate 9 GiB"))
    record_retry(database, run_id, MOMENT)
    (run,) = list_runs(database, 1)
    assert (run.failure, run.retry_at) == (Failure.MEMORY, MOMENT)
    assert run.progress == {"stage": "training", "epoch": 3}


@ON_ONE_DATABASE
def test_failures_in_a_row_are_counted_up_to_a_success_or_one_that_lasts(
    database: Database,
) -> None:
    def count() -> int:
        return failed_in_a_row(list_runs(database, 100))

    assert count() == 0
    fail(database, MemoryError())
    end(database, RunState.STOPPED)
    fail(database, LeaseLostError(1))
    assert count() == 2
    request_run(database, PLAIN, "cron")  # in progress
    assert count() == 2
    with database.unit_of_work() as connection:
        repository.end(connection, list_runs(database, 1)[0].id, RunState.REFUSED)
    assert count() == 0
    fail(database, MemoryError())
    fail(database, TrainingError("no ratings"))
    assert count() == 0


@ON_ONE_DATABASE
def test_the_metric_counts_the_failures_since_the_last_success(
    database: Database, tmp_path: Path
) -> None:
    def shown() -> float:
        TrainingMonitor(database, tmp_path).poll()
        (family,) = metrics.training_failures.collect()
        return family.samples[0].value

    assert shown() == 0
    fail(database, MemoryError())
    end(database, RunState.STOPPED)
    fail(database, ZeroDivisionError())
    assert shown() == 2
    end(database, RunState.PUBLISHED)
    assert shown() == 0


@ON_ONE_DATABASE
def test_a_checkpoint_is_removed_soon_after_a_user_whose_ratings_it_may_hold_is_erased(
    database: Database, tmp_path: Path
) -> None:
    store(database, people())
    folder = tmp_path / FOLDER
    with database.unit_of_work() as connection:
        revision = users.next_revision(connection)

    def leave(note: dict[str, Any]) -> str:
        identity = {"configuration": {}, "note": note}
        return write(folder, Checkpoint(identity, {"n_updates": 1}, [], {}, note)).name

    left = leave({"ratings_revision": revision})
    monitor = TrainingMonitor(database, tmp_path)
    monitor.poll()
    assert (folder / left).is_dir()
    with database.unit_of_work() as connection:
        users.erase(connection, str(people().user_keys[7]), MOMENT)
    monitor.poll()
    assert not (folder / left).exists()
    later = leave({"ratings_revision": revision + 1})
    monitor.poll()
    assert (folder / later).is_dir()


def biggest(models_dir: Path, sizes: list[int]) -> None:
    sizes.append(sum(path.stat().st_size for path in models_dir.rglob("*") if path.is_file()))


@ON_ONE_DATABASE
def test_the_room_that_is_asked_for_is_enough(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, people())
    sizes: list[int] = []
    monkeypatch.setattr("model.checkpoint.sync_folder", lambda _: biggest(tmp_path, sizes))
    monkeypatch.setattr("app.store.folder.sync_folder", lambda _: biggest(tmp_path, sizes))
    options = TrainingOptions(hyper_parameters={**ENOUGH, "n_hidden": 200, "n_epochs": 3})
    train(database, settings_for(tmp_path), options, "cron")
    monkeypatch.setattr("app.training.room.FIXED_BYTES", 300_000)  # card and report
    needed = needed_bytes(people().n_movies, Config(n_hidden=200))
    assert 0.4 * needed < max(sizes) < needed


@ON_ONE_DATABASE
def test_a_training_without_room_is_refused_before_it_begins(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, people())
    monkeypatch.setattr("app.training.room._free_bytes", lambda _: 3 * 2**20)
    with pytest.raises(NoRoomError, match=r"needs 17 MiB, 3 MiB are free") as raised:
        train(
            database, settings_for(tmp_path / "models"), PLAIN, "cron",
            on_epoch=lambda _: pytest.fail("it has begun"),
        )  # fmt: skip
    assert str(tmp_path / "models") in str(raised.value)
    assert raised.value.exit_code == 2
    (run,) = list_runs(database, 1)
    assert (run.state, run.failure) == (RunState.FAILED, Failure.DISK)
    assert run.error is not None
    assert "needs 17 MiB" in run.error
    assert not (tmp_path / "models").exists()


@ON_ONE_DATABASE
def test_a_disk_that_fills_up_while_training_is_said_with_what_is_needed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, people())

    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.training.pipeline.publish", full)
    with pytest.raises(NoRoomError, match="too little room: this training needs"):
        train(database, settings_for(tmp_path), TrainingOptions(hyper_parameters=ENOUGH), "cron")


def test_the_room_of_an_earlier_checkpoint_counts_as_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.training.room._free_bytes", lambda _: 1000)
    with pytest.raises(NoRoomError):
        refuse_too_little(tmp_path, 1500)
    (tmp_path / FOLDER / "x").mkdir(parents=True)
    (tmp_path / FOLDER / "x" / "W.npy").write_bytes(bytes(600))
    refuse_too_little(tmp_path, 1500)


def test_the_room_for_the_largest_release_is_about_a_gibibyte() -> None:
    assert 0.7 * GIB < needed_bytes(26_744, Config(n_hidden=500)) < 1.1 * GIB
