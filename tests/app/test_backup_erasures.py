"""Erased users stay erased, whichever back-up is restored."""

import json
import logging
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from typer.testing import CliRunner

from app.backup import erasures
from app.backup.archive import BackupError
from app.backup.erasures import ErasureList
from app.backup.service import Summary, back_up, restore
from app.cli import main as cli
from app.db import schema as migrating
from app.db import tables
from app.db.engine import Database
from app.db.tables import answered_requests, installation, ratings, users
from app.ratings.schemas import RatingRequest
from app.ratings.service import RatingService
from app.ratings.user_repository import erased_since
from app.store.folder import ModelStore
from app.users.service import UserService
from tests.app.world import MOMENT, World

# Rows that go from either kind of database to either are those of test_backup.py.
INTO_SQLITE = pytest.mark.parametrize("other_database", ["sqlite"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def keys(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(users.c.key)).scalars())


def erase(database: Database, *names: str) -> None:
    for name in names:
        UserService(database, 4.0).erase(name)


def rate(database: Database, user: str) -> None:
    RatingService(database, 4.0).put(user, 10, RatingRequest(liked=True))


def save(world: World, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return back_up(world.database, ModelStore(world.settings.models_dir), path).path


def bring_back(
    database: Database, world: World, path: Path, erasure_list: Path | None = None
) -> Summary:
    models_dir = world.settings.models_dir
    return restore(database, ModelStore(models_dir), path, replace=True, erasure_list=erasure_list)


def n_erased(summary: Summary) -> int:
    assert summary.reapplied is not None
    return len(summary.reapplied.erased)


def the_list(folder: Path) -> Path:
    (path,) = folder.glob("recommender-erasures-*.json")
    return path


def test_users_who_were_erased_since_are_erased_again(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = save(world, tmp_path / "b.tar")
    erase(world.database, "1", "5")
    rate(world.database, "later")
    with caplog.at_level(logging.WARNING):
        assert n_erased(bring_back(world.database, world, saved)) == 2
    assert keys(world.database) == {"2", "3", "4", "6", "avant-garde", "newcomer"}
    with world.database.read() as connection:
        left = set(connection.execute(select(ratings.c.user_id).distinct()).scalars())
        assert left <= set(connection.execute(select(users.c.id)).scalars())
        assert erased_since(connection, 1)  # so the next training starts from scratch
    lines = [record.getMessage() for record in caplog.records]
    named = [
        re.fullmatch(r"erased again: user ([0-9a-f]{12})…, erased \S+", line) for line in lines
    ]
    assert len({found[1] for found in named if found}) == 2


@INTO_SQLITE
def test_a_lost_database_is_known_by_the_list_beside_the_back_ups(
    world: World, other_database: Database, tmp_path: Path
) -> None:
    saved = save(world, tmp_path / "backups" / "old.tar")
    erase(world.database, "1")
    save(world, tmp_path / "backups" / "new.tar")
    erase(world.database, "2")  # the newest list does not know
    assert n_erased(bring_back(other_database, world, saved)) == 1
    assert {"1", "2"} & keys(other_database) == {"2"}


@INTO_SQLITE
def test_the_list_can_be_written_alone_and_named(
    world: World, other_database: Database, tmp_path: Path
) -> None:
    saved = save(world, tmp_path / "backups" / "old.tar")
    the_list(tmp_path / "backups").unlink()
    erase(world.database, "1")
    path = erasures.write(world.database, tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert n_erased(bring_back(other_database, world, saved, path)) == 1


@INTO_SQLITE
def test_without_a_list_the_restore_says_that_it_knows_of_none(
    world: World, other_database: Database, tmp_path: Path
) -> None:
    saved = save(world, tmp_path / "backups" / "old.tar")
    the_list(tmp_path / "backups").unlink()
    erase(world.database, "1")
    migrating.upgrade(other_database)  # a database of another installation knows nothing
    reapplied = bring_back(other_database, world, saved).reapplied
    assert reapplied is not None
    assert reapplied.known_until is None
    assert "1" in keys(other_database)


def test_who_has_come_back_before_the_back_up_is_not_erased(world: World, tmp_path: Path) -> None:
    erase(world.database, "1")
    rate(world.database, "1")
    saved = save(world, tmp_path / "b.tar")
    assert n_erased(bring_back(world.database, world, saved)) == 0
    assert "1" in keys(world.database)


@INTO_SQLITE
def test_a_restored_database_knows_all_erasures_and_so_do_its_lists(
    world: World, other_database: Database, tmp_path: Path
) -> None:
    first = save(world, tmp_path / "first" / "b.tar")
    rate(world.database, "young")
    second = save(world, tmp_path / "second" / "b.tar")
    erase(world.database, "1", "young")
    newest = erasures.write(world.database, tmp_path)
    # The first back-up has no "young", of whom the database must know all the same.
    bring_back(other_database, world, first, newest)
    for name in "first", "second":
        the_list(tmp_path / name).unlink()
    assert n_erased(bring_back(other_database, world, second)) == 2
    assert {"1", "young"} & keys(other_database) == set()
    erase(other_database, "2")
    written = erasures.read(erasures.write(other_database, tmp_path))
    assert len({erasure.key_hmac for erasure in written.erasures}) == 3


def test_a_list_grows_and_forgets_nothing(world: World, tmp_path: Path) -> None:
    erase(world.database, "1")
    path = erasures.write(world.database, tmp_path)
    with world.database.unit_of_work() as connection:
        connection.execute(tables.erasures.delete())
    erase(world.database, "2")
    assert erasures.write(world.database, tmp_path) == path
    assert len(erasures.read(path).erasures) == 2


def test_the_list_does_not_hold_keys(world: World, tmp_path: Path) -> None:
    rate(world.database, "somebody@example.org")
    erase(world.database, "somebody@example.org")
    content = json.loads(erasures.write(world.database, tmp_path).read_text())
    assert "somebody" not in str(content)
    (erasure,) = content["erasures"]
    assert len(erasure["key_hmac"]) == 64
    with world.database.unit_of_work() as connection:  # another installation has other hashes
        connection.execute(tables.erasures.delete())
        connection.execute(update(installation).values(holdout_salt="another"))
    rate(world.database, "somebody@example.org")
    erase(world.database, "somebody@example.org")
    other = erasures.read(erasures.write(world.database, tmp_path))
    assert other.erasures[0].key_hmac != erasure["key_hmac"]
    assert len(list(tmp_path.glob("recommender-erasures-*.json"))) == 2


def test_the_list_of_another_installation_is_refused_before_anything_changes(
    world: World, tmp_path: Path
) -> None:
    saved = save(world, tmp_path / "b.tar")
    foreign = ErasureList(salt="another", written_at=MOMENT, erasures=())
    (tmp_path / "foreign.json").write_text(foreign.model_dump_json())
    rate(world.database, "later")
    with pytest.raises(BackupError, match="another installation"):
        bring_back(world.database, world, saved, tmp_path / "foreign.json")
    assert "later" in keys(world.database)


ROW: dict[str, Any] = {
    "key_hmac": "0" * 64,
    "ratings_revision": 3,
    "erased_at": "2026-11-20T10:15:00Z",
}
LIST: dict[str, Any] = {
    "format": 1, "salt": "salt 0", "written_at": "2026-11-20T10:15:00Z", "erasures": [ROW],
}  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Invalid JSON"),
        ("[]", "object"),
        (json.dumps({**LIST, "format": 2}), "format"),
        (json.dumps({**LIST, "erasures": [{**ROW, "key_hmac": "x"}]}), "erasures.0.key_hmac"),
        (json.dumps({**LIST, "erasures": [{**ROW, "ratings_revision": 2**60}]}), "less than"),
        (json.dumps({**LIST, "written_at": "2026-11-20T10:15:00"}), "timezone"),
        (json.dumps({**LIST, "more": 1}), "more"),
        (b"\xff\xfe", "Invalid JSON"),
    ],
)
def test_a_damaged_list_stops_the_restore_and_is_not_written_over(
    world: World, tmp_path: Path, content: str | bytes, said: str
) -> None:
    saved = save(world, tmp_path / "b.tar")
    path = the_list(tmp_path)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rate(world.database, "later")
    for use in (
        lambda: bring_back(world.database, world, saved),
        lambda: erasures.write(world.database, tmp_path),
    ):
        with pytest.raises(BackupError, match=f"{path.name} is no list of erasures.*{said}"):
            use()
    assert "later" in keys(world.database)


def test_an_endless_list_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasures, "MAX_LENGTH", 10)
    (tmp_path / "list.json").write_text(json.dumps(LIST))
    with pytest.raises(BackupError, match="more than 10 bytes"):
        erasures.read(tmp_path / "list.json")


def test_erasures_by_the_version_before_are_counted_since_they_have_no_hash(
    world: World, tmp_path: Path
) -> None:
    saved = save(world, tmp_path / "b.tar")
    with world.database.unit_of_work() as connection:
        row = {"erased_at": MOMENT, "ratings_revision": 5}
        connection.execute(insert(tables.erasures).values(row))
    reapplied = bring_back(world.database, world, saved).reapplied
    assert reapplied is not None
    assert (reapplied.erased, reapplied.n_without_hash) == ([], 1)


def test_a_database_of_the_version_before_is_saved_and_replaced(
    world: World, tmp_path: Path
) -> None:
    with world.database.unit_of_work() as connection:
        row = {"erased_at": MOMENT, "ratings_revision": 1}
        connection.execute(insert(tables.erasures).values(row))
    migrating.downgrade(world.database, "0007")
    saved = save(world, tmp_path / "b.tar")
    (erasure,) = erasures.read(the_list(tmp_path)).erasures
    assert erasure.key_hmac is None
    reapplied = bring_back(world.database, world, saved).reapplied
    assert reapplied is not None
    assert reapplied.n_without_hash == 0  # the back-up knows that one


def test_recorded_responses_go_with_an_erased_user_and_come_back_with_others(
    world: World, tmp_path: Path
) -> None:
    with world.database.unit_of_work() as connection:
        for key in "1", "2":
            id_ = connection.scalar(select(users.c.id).where(users.c.key == key))
            row = {
                "key_sha256": key, "request_sha256": "", "user_id": id_, "status": 200,
                "answered_at": datetime.now(UTC), "response": b"\x00\xff" + key.encode(),
            }  # fmt: skip
            connection.execute(insert(answered_requests).values(row))
    saved = save(world, tmp_path / "b.tar")
    erase(world.database, "1")
    bring_back(world.database, world, saved)
    with world.database.read() as connection:
        stored = connection.execute(select(answered_requests.c.response)).scalars().all()
    assert stored == [b"\x00\xff2"]


def test_more_users_than_a_statement_takes_are_erased(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "AT_ONCE", 2)
    saved = save(world, tmp_path / "b.tar")
    erase(world.database, "1", "2", "3", "4", "5")
    assert n_erased(bring_back(world.database, world, saved)) == 5


@INTO_SQLITE
def test_revisions_stay_above_those_of_the_list(
    world: World, other_database: Database, tmp_path: Path
) -> None:
    saved = save(world, tmp_path / "b.tar")
    content = {**LIST, "erasures": [{**ROW, "ratings_revision": 2**52}]}
    the_list(tmp_path).write_text(json.dumps(content))
    bring_back(other_database, world, saved)
    with other_database.read() as connection:
        assert connection.execute(select(installation.c.ratings_revision)).scalar_one() > 2**52
        assert connection.scalar(text("SELECT count(*) FROM erasures")) == 1


def test_the_commands_say_who_is_erased_again_and_what_nobody_knows(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("RECOMMENDER_MODELS_DIR", str(world.settings.models_dir))
    monkeypatch.setenv("COLUMNS", "500")

    def command(*arguments: str | Path) -> str:
        result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.exception
        return " ".join(result.output.split())

    folder = tmp_path / "backups"
    folder.mkdir()
    command("backup", folder / "b.tar")
    erase(world.database, "1")
    assert f"{the_list(folder)} is up to date." in command("backup", folder, "--only-erasures")
    said = command("restore", folder / "b.tar", "--replace", "--yes")
    assert "1 users of the back-up were erased again. Erasures are known until" in said
    the_list(folder).unlink()
    with world.database.unit_of_work() as connection:
        connection.execute(update(installation).values(holdout_salt="lost"))
    said = command("restore", folder / "b.tar", "--replace", "--yes")
    assert "NO LIST OF ERASED USERS" in said
    listed = erasures.write(world.database, tmp_path)
    with world.database.unit_of_work() as connection:
        row = {"erased_at": MOMENT, "ratings_revision": 2**52}
        connection.execute(insert(tables.erasures).values(row))
    said = command("restore", folder / "b.tar", "--replace", "--yes", "--erasures", listed)
    assert "1 users were erased since" in said
