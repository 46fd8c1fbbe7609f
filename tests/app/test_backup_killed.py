"""Back-up and restore as users run them, and killed at any moment."""

import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner, Result

from app.backup import job, service
from app.backup.archive import BackupError
from app.backup.job import Plan, carry_out
from app.backup.retention import Keep
from app.backup.service import back_up, restore, verify
from app.cli import main as cli
from app.core.remote import RemoteFolder
from app.datasets.service import import_release
from app.db.engine import Database
from app.db.tables import backups
from app.store.folder import ModelStore
from model import artifact
from tests.app import test_backup
from tests.app.small_releases import at, large_release
from tests.app.world import World, make_rbm, publish
from tests.killing import die, die_after, kill_after, moments, run_until_killed


def state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return what a restore replaces: not the audit log, which keeps what was there before."""
    found = test_backup.state(database)
    del found["audit_log"]
    return found


def restore_all(url: str, models_dir: Path, path: Path) -> None:
    restore(Database(url), ModelStore(models_dir), path, replace=True)


# What a back-up of the schedule is killed after, and after how many calls of it.
STEPS = [
    ("app.backup.job._take", 1), ("app.backup.job._remove_unfinished", 1),
    ("app.backup.service._write_table", 1), ("app.backup.service._write_table", 9),
    ("app.backup.service.erasures.write", 1), ("app.backup.job._verified", 1),
    ("app.backup.job._record", 1), ("app.backup.copies.prune", 1),
    ("app.backup.copies.erasures.copy", 1), ("tests.app.test_backup_killed.put_half", 1),
    ("app.backup.copies.RemoteFolder.upload", 1), ("app.backup.copies.RemoteFolder.upload", 2),
    ("app.backup.copies.RemoteFolder.remove", 1),
]  # fmt: skip


def put_half(_: object, local: str, remote: str) -> None:
    """Upload the first half of a file."""
    content = Path(local).read_bytes()
    Path(remote).write_bytes(content[: len(content) // 2])


def keep_back_ups(
    url: str, models_dir: Path, here: Path, far: Path, killed: tuple[str, int] | None
) -> None:
    setattr(job, "LEASE", timedelta(0))  # noqa: B010 (see below)
    database = Database(url)
    plan = Plan(here, Keep(2), RemoteFolder(f"file://{far}"), timedelta(days=1))
    if killed is not None:
        name, n_calls = killed
        function = die_after(resolve_name(name), n_calls)
        if name.endswith("put_half"):
            name = "fsspec.implementations.local.LocalFileSystem.put_file"
        room, _, attribute = name.rpartition(".")
        setattr(resolve_name(room), attribute, function)
    carry_out(database, plan, partial(back_up, database, ModelStore(models_dir)))


def back_up_until_the_tables(url: str, models_dir: Path, folder: Path) -> None:
    setattr(service, "_write_table", die)  # noqa: B010 (mypy refuses the assignment)
    back_up(Database(url), ModelStore(models_dir), folder)


def test_the_commands_make_check_and_restore_a_back_up(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("RECOMMENDER_MODELS_DIR", str(world.settings.models_dir))
    path, before = str(tmp_path / "b.tar"), state(world.database)

    def command(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(cli.app, arguments, input=answer)

    made = command("backup", path)
    assert f"{path} written: 86 ratings by 8 users, 1 models" in made.output
    assert f"{path} is whole" in command("backup", path, "--verify").output
    assert isinstance(command("restore", path).exception, BackupError)
    assert command("restore", path, "--replace", answer="n").exit_code == 1
    assert "revoke again" in command("restore", path, "--replace", answer="y").output
    assert command("restore", path, "--replace", "--yes").exit_code == 0
    assert state(world.database) == before
    missing = command("restore", str(tmp_path / "nothing.tar"), "--replace", "--yes")
    assert "nothing.tar" in str(missing.exception)


def check_kills(database: Database, folder: Path, n_kills: int, n_users: int) -> None:
    """Restore A and B in turn, each in place of the other, and kill most of the restores."""
    models_dir, whole, seconds = folder / "models", {}, 0.0
    for seed, name in enumerate(("A", "B")):
        import_release(database, large_release(name, n_users), replace=True, now=at(100_000))
        publish(database, models_dir, f"v{name}", make_rbm(seed, n_hidden=200))
        back_up(database, ModelStore(models_dir), folder / name)
        whole[name] = state(database)
    begin = time.monotonic()
    restore(database, ModelStore(models_dir), folder / "A", replace=True)
    seconds = time.monotonic() - begin
    held, n_killed = "A", 0
    url = database.url.render_as_string(hide_password=False)
    for after in moments(n_kills, seconds):
        name = "B" if held == "A" else "A"
        kill_after(after, restore_all, url, models_dir, folder / name)
        found = state(database)
        n_killed += found == whole[held]
        held = held if found == whole[held] else name
        assert found == whole[held]
        artifact.load(models_dir / f"v{held}")
    assert n_killed > 0
    store = ModelStore(models_dir)
    with store.locked():
        store.remove_unfinished()
    assert {path.name for path in models_dir.iterdir()} == {"vA", "vB", ".publishing"}


def test_a_killed_restore_changes_nothing_or_all(database: Database, tmp_path: Path) -> None:
    check_kills(database, tmp_path, n_kills=2, n_users=40)


@pytest.mark.slow
def test_a_restore_killed_at_thirty_moments_changes_nothing_or_all(
    database: Database, tmp_path: Path
) -> None:
    check_kills(database, tmp_path, n_kills=30, n_users=200)


def test_a_killed_back_up_leaves_nothing_that_looks_like_one(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    publish(world.database, world.settings.models_dir, "v2", make_rbm(2))
    arguments = (world.settings.database_url, world.settings.models_dir, folder)
    run_until_killed(back_up_until_the_tables, *arguments)
    (left,) = folder.iterdir()
    assert left.suffix == ".unfinished"


@pytest.mark.slow
def test_a_back_up_of_the_schedule_that_is_killed_leaves_whole_ones_at_both_places(
    world: World, tmp_path: Path
) -> None:
    here, far = tmp_path / "here", tmp_path / "far"
    here.mkdir()
    settings = world.settings
    arguments = (settings.database_url, settings.models_dir, here, far)

    def check() -> tuple[set[str], set[str]]:
        for path in (*here.glob("*.tar"), *far.glob("*.tar")):
            assert verify(path).manifest.models == ["v1"]
        time.sleep(1)  # back-ups are named by the second
        return ({path.name for path in here.glob("*.tar")}, {path.name for path in far.iterdir()})

    for step in (None, None, *STEPS):
        with world.database.unit_of_work() as connection:
            connection.execute(delete(backups))
        if step is not None:
            run_until_killed(keep_back_ups, *arguments, step)
            check()
        kill_after(None, keep_back_ups, *arguments, None)
        ours, theirs = check()
        (list_,) = (path.name for path in here.glob("*.json"))
        assert theirs == {*ours, list_}
        assert {path.name for path in here.iterdir()} == theirs
