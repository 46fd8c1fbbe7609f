"""Back-ups that are made by themselves: due, written, read again, copied, tried again, removed."""

import re
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isnan
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Row, insert, select, update

from app.backup import service
from app.backup.archive import BackupError, DamagedBackupError
from app.backup.job import BackupInProgressError, Plan, Write, carry_out, seconds_left
from app.backup.monitor import BackupMonitor, read_state
from app.backup.retention import Keep
from app.backup.schedule import POLL_S, Schedule
from app.core import metrics
from app.core.remote import RemoteError, RemoteFolder
from app.db.engine import Database
from app.db.tables import backups, erasures
from app.store.folder import ModelStore

DAY = timedelta(days=1)
HOUR = 3600.0


@dataclass
class Place:
    """A database whose back-ups go into a folder, and to a second place."""

    database: Database
    plan: Plan
    far: Path
    write: Write
    time: datetime = datetime(2026, 11, 20, 3, tzinfo=UTC)

    def make(self, plan: Plan | None = None) -> service.Summary:
        return carry_out(self.database, plan or self.plan, self.write)

    def schedule(self, write: Write | None = None) -> Schedule:
        return Schedule(self.database, self.plan, DAY, write or self.write)

    def rows(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(select(backups).order_by(backups.c.id)))

    def left(self) -> float:
        with self.database.read() as connection:
            return seconds_left(connection, DAY)

    def wait(self, time: timedelta) -> None:
        """Let so much time pass, by the clock of the database."""
        self.time += time


def place_of(
    database: Database, folder: Path, patch: pytest.MonkeyPatch, write: Write | None = None
) -> Place:
    here, far = folder / "here", folder / "far"
    here.mkdir()
    plan = Plan(here, Keep(2), RemoteFolder(f"file://{far}"), DAY)
    place = Place(database, plan, far, write or back_up_of(database))
    for module in ("job", "repository"):
        patch.setattr(f"app.backup.{module}.now", lambda _: place.time)
    return place


def back_up_of(database: Database) -> Write:
    return lambda path: service.back_up(database, ModelStore(path.parent / "models"), path)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Path:
    """The file of a back-up, made once."""
    folder = tmp_path_factory.mktemp("archive")
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite_file, folder)}")
    back_up_of(database)(folder / "recommender.tar")
    database.dispose()
    return folder / "recommender.tar"


@pytest.fixture
def place(
    archive: Path, tmp_path: Path, migrated_sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    file = tmp_path / "recommender.db"
    shutil.copyfile(migrated_sqlite_file, file)
    database = Database(f"sqlite:///{file}")
    yield place_of(database, tmp_path, monkeypatch, partial(shutil.copyfile, archive))
    database.dispose()


def tars(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.tar"))


def others(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".tar")


def refuse(*_: Any, **__: Any) -> None:
    raise RemoteError("s3://elsewhere is away")


def test_of_several_processes_one_makes_what_is_due_on_either_database(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(database, tmp_path, monkeypatch)
    assert place.left() == 0

    def race(_: int) -> service.Summary | None:
        with suppress(BackupInProgressError):
            return place.make()
        return None

    with ThreadPoolExecutor(4) as pool:
        (summary,) = filter(None, pool.map(race, range(4)))
    (row,) = place.rows()
    assert row.finished_at
    assert row.holder is row.lease_until is row.error is None
    assert (row.name, row.bytes) == (summary.path.name, summary.path.stat().st_size)
    assert tars(place.far) == tars(place.plan.folder) == [row.name]
    (list_,) = others(place.far)
    assert others(place.plan.folder) == [list_]
    for path in place.far.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert place.left() == DAY.total_seconds()
    with pytest.raises(BackupInProgressError, match="another process has made"):
        place.make()
    place.wait(DAY)
    assert place.left() <= 0
    place.make()
    assert [row.due_at is not None for row in place.rows()] == [True, True]


def test_the_schedule_makes_what_is_due_and_stops_while_it_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting(Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout == POLL_S
            signal.raise_signal(signal.SIGTERM)
            return super().wait(0)

    monkeypatch.setattr("app.backup.schedule.Event", Waiting)
    place.schedule().run()
    assert len(tars(place.far)) == 1


def test_a_signal_ends_a_back_up_that_leaves_nothing_and_is_due_at_once(place: Place) -> None:
    def write(path: Path) -> None:
        path.with_name(f".{path.name}.1f.unfinished").touch()
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("it went on")

    place.schedule(write).run()
    (row,) = place.rows()
    assert row.finished_at is row.error is row.holder is None
    assert place.left() == 0
    place.make()
    assert tars(place.plan.folder) == [place.rows()[0].name]
    assert len(others(place.plan.folder)) == 1  # the unfinished one is gone


def test_one_process_makes_a_back_up_at_a_time(place: Place) -> None:
    def write(path: Path) -> object:
        with pytest.raises(BackupInProgressError, match=r"in progress, by .+:\d+:"):
            place.make()
        with pytest.raises(BackupInProgressError):
            place.make(replace(place.plan, interval=None))
        assert 0 < place.left() <= 60
        return place.write(path)

    carry_out(place.database, place.plan, write)
    assert len(place.rows()) == 1


def test_a_process_that_was_killed_is_followed_by_the_next_one(place: Place) -> None:
    with place.database.unit_of_work() as connection:
        begun = {"started_at": place.time, "due_at": place.time}
        killed = {**begun, "lease_until": place.time + timedelta(seconds=60)}
        connection.execute(insert(backups).values(name="killed", holder="gone:1:x", **killed))
    with pytest.raises(BackupInProgressError):
        place.make()
    place.wait(timedelta(seconds=61))
    place.make()
    (row,) = place.rows()
    assert row.name != "killed"
    assert row.finished_at


def test_who_has_lost_the_lease_does_not_record_the_back_up(place: Place) -> None:
    def write(path: Path) -> None:
        place.write(path)
        with place.database.unit_of_work() as connection:
            connection.execute(update(backups).values(holder="another"))

    with pytest.raises(BackupInProgressError, match="no longer on record"):
        carry_out(place.database, place.plan, write)
    assert place.rows()[0].holder == "another"


def test_a_back_up_that_cannot_be_written_is_tried_again_later_and_later(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    def write(path: Path) -> None:
        raise BackupError(f"cannot write {path.name}: No space left on device")

    schedule, waits = place.schedule(write), []
    for _ in range(4):
        assert schedule.poll() == POLL_S
        waits.append(place.left())
        place.wait(timedelta(seconds=waits[-1] + 1))
    for number, seconds in enumerate(waits):
        assert 30 * 2**number - 1 <= seconds <= 120 * 2**number
    (row,) = place.rows()
    assert row.failures == 4
    assert "No space left" in row.error
    line = r"back-up failed \(attempt 4, the next one at 20.+Z\): cannot write .+: No space left"
    assert re.match(line, caplog.messages[-1])
    assert len(caplog.messages) == 4
    state = read_state(place.database)
    assert state.failed == row
    assert state.overdue_s is not None
    assert state.overdue_s > 0
    assert tars(place.plan.folder) == []


def test_a_store_that_was_away_gets_the_same_back_up_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "upload", refuse)
        with pytest.raises(RemoteError):
            place.make()
        (row,) = place.rows()
        assert row.bytes
        assert row.finished_at is None
        place.wait(timedelta(minutes=3))
        with pytest.raises(RemoteError):
            place.make()
    assert tars(place.plan.folder) == [row.name]
    place.wait(timedelta(hours=1))
    carry_out(place.database, place.plan, refuse)  # nothing is written anew
    assert tars(place.far) == [row.name]
    assert place.rows()[0].finished_at


def test_a_store_that_is_away_for_days_keeps_no_new_back_up_from_being_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "upload", refuse)
        for _ in range(2):
            with pytest.raises(RemoteError):
                place.make()
            place.wait(DAY)
    assert len(tars(place.plan.folder)) == 2
    place.make()
    assert len(place.rows()) == 1  # what was due on the first day
    assert tars(place.far) == tars(place.plan.folder)


def test_old_ones_are_removed_at_both_places_and_nothing_else(place: Place) -> None:
    named = ["recommender-20200101T000000Z.tar", "recommender-ba9876543210-20200101T000000Z.tar"]
    for folder in (place.plan.folder, place.far):
        folder.mkdir(exist_ok=True)
        for name in named:
            (folder / name).touch()
    made = []
    for _ in range(3):
        made.append(place.make().path.name)
        place.wait(DAY)
    for folder in (place.plan.folder, place.far):
        assert tars(folder) == sorted([*named, *made[1:]])


def test_a_back_up_that_is_damaged_on_the_disk_is_not_kept(place: Place) -> None:
    def write(path: Path) -> None:
        place.write(path)
        content = bytearray(path.read_bytes())
        content[1500] ^= 1
        path.write_bytes(content)

    with pytest.raises(DamagedBackupError):
        carry_out(place.database, place.plan, write)
    assert tars(place.plan.folder) == []
    assert not place.far.exists()


def test_a_copy_that_arrives_damaged_is_removed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upload(remote: RemoteFolder, local: Path, name: str) -> None:
        real(remote, local, name)
        if name.endswith(".tar"):
            (place.far / name).write_bytes(bytes(local.stat().st_size))

    real = RemoteFolder.upload
    monkeypatch.setattr(RemoteFolder, "upload", upload)
    with pytest.raises(BackupError, match="arrived damaged at file://"):
        place.make()
    assert tars(place.far) == []


def test_a_store_that_lets_nobody_remove_holds_more(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plan = replace(place.plan, keep=Keep(1))
    monkeypatch.setattr(RemoteFolder, "remove", refuse)
    place.make(plan)
    place.wait(DAY)
    place.make(plan)
    assert (len(tars(place.plan.folder)), len(tars(place.far))) == (1, 2)
    assert "cannot remove a back-up: s3://elsewhere is away" in caplog.messages


def test_the_list_of_erased_users_is_soon_up_to_date_at_both_places(place: Place) -> None:
    schedule = place.schedule()
    schedule.poll()
    erased = {"erased_at": datetime.now(UTC), "ratings_revision": 1, "key_hmac": "0" * 64}
    with place.database.unit_of_work() as connection:
        connection.execute(insert(erasures).values(**erased))
    schedule.poll()
    (list_,) = others(place.far)
    assert "0" * 64 in (place.far / list_).read_text()
    assert "0" * 64 in (place.plan.folder / list_).read_text()
    assert len(tars(place.far)) == 1


def test_a_list_that_was_lost_comes_back_from_the_second_place(place: Place) -> None:
    erased = {"erased_at": datetime.now(UTC), "ratings_revision": 1, "key_hmac": "0" * 64}
    with place.database.unit_of_work() as connection:
        connection.execute(insert(erasures).values(**erased))
    place.make()
    (list_,) = others(place.far)
    (place.plan.folder / list_).unlink()
    with place.database.unit_of_work() as connection:
        connection.execute(erasures.delete())
    place.schedule().poll()
    assert "0" * 64 in (place.far / list_).read_text()
    assert "0" * 64 in (place.plan.folder / list_).read_text()


def test_a_failing_poll_is_one_line_until_it_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place.make()
    schedule = place.schedule()
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "upload", refuse)
        for _ in range(3):
            assert schedule.poll() == POLL_S
    line = "cannot bring the list of erased users up to date: s3://elsewhere is away"
    assert caplog.messages == [line]
    schedule.poll()
    assert len(others(place.far)) == 1


def test_one_that_is_asked_for_does_not_move_the_schedule(place: Place) -> None:
    once = replace(place.plan, interval=None)
    place.make(once)
    assert place.left() == 0
    place.wait(timedelta(hours=1))
    place.make()
    place.wait(timedelta(hours=2))
    place.make(once)
    state = read_state(place.database)
    assert state.age_s == 0
    assert state.overdue_s == -22 * HOUR


def test_one_that_was_asked_for_and_failed_becomes_that_of_the_schedule(place: Place) -> None:
    with pytest.raises(RemoteError):
        carry_out(place.database, replace(place.plan, interval=None), refuse)
    (row,) = place.rows()
    assert row.due_at is row.next_at is None
    place.wait(timedelta(hours=1))
    place.make()
    (row,) = place.rows()
    assert row.due_at == place.time
    assert place.left() == DAY.total_seconds()


def test_metrics_tell_the_age_and_when_the_next_one_is_due(place: Place) -> None:
    def figures() -> list[float]:
        return [
            metric.samples[0].value
            for metric in metrics.families()
            if metric.name.startswith("recommender_backup_")
        ]

    monitor = BackupMonitor(place.database)
    monitor.start()
    monitor.stop()
    assert all(map(isnan, figures()))
    place.make()
    place.wait(DAY + timedelta(hours=2))
    monitor.poll()
    assert figures() == [26 * HOUR, 2 * HOUR]


@pytest.mark.parametrize(("took", "allowed"), [(600, 1200), (8 * HOUR, 6 * HOUR)])
def test_the_next_one_may_take_twice_as_long_before_it_is_missed(
    place: Place, took: float, allowed: float
) -> None:
    def write(path: Path) -> None:
        place.write(path)
        place.wait(timedelta(seconds=took))

    carry_out(place.database, place.plan, write)
    place.wait(DAY - timedelta(seconds=took))
    assert read_state(place.database).overdue_s == -allowed
