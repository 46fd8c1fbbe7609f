"""Training in processes of its own: on request, from the command line, at an interval."""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from app.cli.intervals import seconds
from app.cli.main import app as cli
from app.config import Settings
from app.db.engine import Database
from app.db.tables import training_runs
from app.jobs import repository
from app.jobs.process import start_process
from app.jobs.schedule import _due_after, first_due, retry_delay, train_every
from app.jobs.schemas import Failure, RunState, TrainingOptions
from app.jobs.service import (
    find_run,
    list_runs,
    request_run,
    start_run,
    take_waiting,
)
from tests.app.service_process import environment
from tests.app.trainings import ENOUGH, people, settings_for, store

PLAIN = TrainingOptions()
BRIEF = TrainingOptions(hyper_parameters=ENOUGH)


@pytest.fixture
def on_sqlite(tmp_path: Path, migrated_sqlite_file: Path) -> Settings:
    """Settings of an installation with people in it."""
    path = tmp_path / "recommender.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    settings = settings_for(tmp_path / "models", database_url=f"sqlite:///{path}")
    database = Database(settings.database_url)
    store(database, people())
    database.dispose()
    return settings


def test_a_started_process_carries_the_run_out(on_sqlite: Settings) -> None:
    database = Database(on_sqlite.database_url)
    run_id = request_run(database, BRIEF, "a test")
    assert start_process(on_sqlite, run_id).wait() == 0
    run = find_run(database, run_id)
    assert run.state is RunState.PUBLISHED, run.error
    assert run.holder is not None
    database.dispose()


def test_the_death_of_a_started_process_is_recorded(on_sqlite: Settings) -> None:
    database = Database(on_sqlite.database_url)
    run_id = request_run(database, BRIEF, "a test")
    start_process(on_sqlite, run_id).kill()
    while not (run := find_run(database, run_id)).state.is_final:
        time.sleep(0.05)
    assert run.state is RunState.FAILED
    assert run.failure is Failure.KILLED
    assert run.error is not None
    assert "killed by SIGKILL, perhaps for lack of memory" in run.error.replace(";", ",")
    database.dispose()


def test_a_refused_model_is_exit_code_3(
    on_sqlite: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in on_sqlite.as_environment().items():
        monkeypatch.setenv(name, value)
    invoke = partial(CliRunner().invoke, cli)
    # Couplings alone rank better than popularity, however little the hidden units know.
    config = tmp_path / "no_couplings.json"
    config.write_text('{"n_epochs": 1, "n_hidden": 1, "coupling_strength": 0}')
    refused = invoke(["retrain", "--config", str(config)])
    assert refused.exit_code == 3
    assert "not better than popularity" in " ".join(refused.output.replace("│", " ").split())
    published = invoke(["retrain", "--config", str(config), "--publish-anyway"])
    assert published.exit_code == 0
    assert "Published, although" in published.output


@pytest.mark.parametrize("interval", ["6", "0h", "h", "6 h", "-1h", "1w"])
def test_a_wrong_interval_is_refused_by_value(interval: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{interval}' is no interval such as"):
        seconds(interval)


def test_training_at_an_interval_goes_on_until_it_is_told_to_stop(
    on_sqlite: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(on_sqlite.database_url)
    begun: list[int] = []

    def start(_: Settings, run_id: int) -> subprocess.Popen[bytes]:
        with database.unit_of_work() as connection:
            repository.end(connection, run_id, RunState.REFUSED)
        begun.append(run_id)
        if len(begun) == 3:
            signal.raise_signal(signal.SIGTERM)
        lasts = 0 if len(begun) < 3 else 100
        return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({lasts})"])

    monkeypatch.setattr("app.jobs.schedule.start_process", start)
    train_every(database, on_sqlite, PLAIN, 0.01, "every now and then")
    assert begun == [1, 2, 3]
    database.dispose()


def test_where_nothing_is_new_no_run_is_requested(
    on_sqlite: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(on_sqlite.database_url)
    known = iter(["v1", "v1", None])

    def start(_: Settings, run_id: int) -> subprocess.Popen[bytes]:
        with database.unit_of_work() as connection:
            repository.end(connection, run_id, RunState.PUBLISHED)
        signal.raise_signal(signal.SIGTERM)
        return subprocess.Popen([sys.executable, "-c", ""])

    caplog.set_level("INFO", "app.jobs.schedule")
    monkeypatch.setattr("app.jobs.schedule.start_process", start)
    train_every(database, on_sqlite, PLAIN, 0.01, "every now and then", lambda: next(known))
    assert [run.id for run in list_runs(database, 10)] == [1]
    assert caplog.messages.count("nothing new since model v1") == 2
    database.dispose()


def test_a_run_asked_for_where_nobody_can_train_is_taken_by_whoever_trains_at_an_interval(
    on_sqlite: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(on_sqlite.database_url)
    begun: list[int] = []

    def start(_: Settings, run_id: int) -> subprocess.Popen[bytes]:
        begun.append(run_id)
        signal.raise_signal(signal.SIGTERM)
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])

    last = request_run(database, PLAIN, "somebody")
    with database.unit_of_work() as connection:
        repository.end(connection, last, RunState.PUBLISHED)
    monkeypatch.setattr("app.jobs.service.find_spec", lambda _: None)
    run = start_run(database, on_sqlite, PLAIN, "key 1")
    assert (run.state, run.progress) == (RunState.QUEUED, {"stage": "waiting"})
    monkeypatch.setattr("app.jobs.schedule.start_process", start)
    train_every(database, on_sqlite, PLAIN, 3600, "every hour")
    assert begun == [run.id]
    database.dispose()


def test_a_run_that_waits_is_taken_once_and_one_that_does_not_never(database: Database) -> None:
    run_id = request_run(database, PLAIN, "somebody", waits=True)
    assert [take_waiting(database), take_waiting(database)] == [run_id, None]
    with database.unit_of_work() as connection:
        repository.end(connection, run_id, RunState.FAILED)
    request_run(database, PLAIN, "somebody")
    assert take_waiting(database) is None


def test_the_first_training_is_due_an_interval_after_the_last_one_of_anybody(
    database: Database,
) -> None:
    hour = timedelta(hours=1)
    assert first_due(database, hour) <= datetime.now(UTC)
    run_id = request_run(database, PLAIN, "somebody")
    with database.unit_of_work() as connection:
        repository.end(connection, run_id, RunState.PUBLISHED)
    assert first_due(database, hour) == find_run(database, run_id).requested_at + hour


def test_a_run_of_a_clock_that_was_ahead_puts_the_next_one_off_by_one_interval_only(
    database: Database,
) -> None:
    run_id = request_run(database, PLAIN, "somebody")
    with database.unit_of_work() as connection:
        repository.end(connection, run_id, RunState.PUBLISHED)
        years = datetime.now(UTC) + timedelta(days=3650)
        connection.execute(update(training_runs).values(requested_at=years))
    hour = timedelta(hours=1)
    assert first_due(database, hour) <= datetime.now(UTC) + hour


def end_as(database: Database, failure: Failure | None) -> int:
    """Let a run end now; return its id."""
    run_id = request_run(database, PLAIN, "somebody")
    with database.unit_of_work() as connection:
        state = RunState.PUBLISHED if failure is None else RunState.FAILED
        repository.end(connection, run_id, state)
        if failure is not None:
            repository.add_progress(connection, run_id, failure=failure)
    return run_id


def test_attempts_are_a_minute_to_an_hour_apart_and_differ() -> None:
    for n_failed, (least, most) in {
        1: (60, 120), 2: (120, 240), 5: (960, 1920), 6: (1800, 3600), 5000: (1800, 3600),
    }.items():  # fmt: skip
        delays = {retry_delay(n_failed).total_seconds() for _ in range(100)}
        assert least <= min(delays) < max(delays) <= most


HOUR = timedelta(hours=1)


def seconds_from_now(moment: datetime) -> float:
    return (moment - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("failure", Failure)
def test_only_what_may_pass_by_itself_is_tried_again_before_the_regular_time(
    failure: Failure, database: Database
) -> None:
    run_id = end_as(database, failure)
    regular = datetime.now(UTC) + 5 * HOUR
    due = _due_after(database, run_id, regular)
    retry_at = find_run(database, run_id).retry_at
    if failure.is_transient:
        assert 50 < seconds_from_now(due) <= 120
        assert retry_at == due
    else:
        assert (due, retry_at) == (regular, None)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_waiting_grows_with_each_failure_and_begins_anew_after_a_success(
    database: Database,
) -> None:
    regular = datetime.now(UTC) + 5 * HOUR
    for n_failed in range(1, 5):
        due = _due_after(database, end_as(database, Failure.DATABASE), regular)
        assert 30 * 2**n_failed - 10 < seconds_from_now(due) <= 60 * 2**n_failed
    assert _due_after(database, end_as(database, None), regular) == regular
    due = _due_after(database, end_as(database, Failure.DISK), regular)
    assert seconds_from_now(due) <= 120


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_attempts_are_no_later_than_the_regular_time_and_a_minute_apart_at_least(
    database: Database,
) -> None:
    for _ in range(8):
        run_id = end_as(database, Failure.MEMORY)
    regular = datetime.now(UTC) + timedelta(minutes=5)
    assert _due_after(database, run_id, regular) == regular
    soon = datetime.now(UTC) + timedelta(seconds=1)
    assert 50 < seconds_from_now(_due_after(database, run_id, soon)) <= 60
    assert 50 < seconds_from_now(_due_after(database, end_as(database, Failure.ERROR), soon)) <= 60


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_restart_does_not_hurry_the_next_attempt(database: Database) -> None:
    for _ in range(4):
        run_id = end_as(database, Failure.DATABASE)
    due = _due_after(database, run_id, datetime.now(UTC) + 5 * HOUR)
    assert first_due(database, 5 * HOUR) == due.replace(microsecond=due.microsecond)
    # The process was killed before it could record the time.
    end_as(database, Failure.DATABASE)
    assert 900 < seconds_from_now(first_due(database, 5 * HOUR)) <= 1920


def test_a_database_that_is_away_is_tried_again_with_back_off_and_one_line_each(
    on_sqlite: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(on_sqlite.database_url)
    counted: list[int] = []

    def delay(n_failed: int) -> timedelta:
        counted.append(n_failed)
        return timedelta(0)

    def away_at_first(*arguments: Any) -> int:
        if len(counted) < 3:
            raise OperationalError("INSERT", {}, Exception("no route to host"))
        return request_run(*arguments)

    def start(_: Settings, run_id: int) -> subprocess.Popen[bytes]:
        signal.raise_signal(signal.SIGTERM)
        with database.unit_of_work() as connection:
            repository.end(connection, run_id, RunState.PUBLISHED)
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr("app.jobs.schedule.retry_delay", delay)
    monkeypatch.setattr("app.jobs.schedule.request_run", away_at_first)
    monkeypatch.setattr("app.jobs.schedule.start_process", start)
    train_every(database, on_sqlite, PLAIN, 3600, "every hour")
    assert counted == [1, 2, 3]
    warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert warned == [f"cannot train now (attempt {n}): no route to host" for n in counted]
    database.dispose()


def test_a_failure_is_logged_once_with_its_class_and_no_traceback(
    tmp_path: Path, migrated_sqlite_file: Path
) -> None:
    path = tmp_path / "empty.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    settings = settings_for(tmp_path / "models", database_url=f"sqlite:///{path}")
    database = Database(settings.database_url)
    run_id = request_run(database, PLAIN, "a test")
    process = subprocess.run(
        [sys.executable, "-m", "app", "retrain", "--run", str(run_id)],
        cwd=Path(__file__).parents[2], env=environment(settings), text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    assert process.returncode == 2
    assert process.stderr.count("no ratings") == 1
    assert f"training run {run_id} failed (input): the database has no ratings" in process.stderr
    assert "Traceback" not in process.stderr
    database.dispose()


@pytest.mark.slow
def test_the_service_that_trains_leaves_when_it_is_told_to(on_sqlite: Settings) -> None:
    how = ("--every", "1s", "--epochs", "2", "--from-scratch")  # trains where nothing is new
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "retrain", *how],
        cwd=Path(__file__).parents[2], env=environment(on_sqlite), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    database = Database(on_sqlite.database_url)
    while sum(run.state.is_final for run in list_runs(database, 5)) < 2:
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    _, log = process.communicate(timeout=100)
    assert process.returncode == 0, log
    assert "Traceback" not in log
    runs = list_runs(database, 5)
    assert all(run.state.is_final for run in runs)
    assert runs[-1].requested_by.startswith("every 1s (")
    database.dispose()
