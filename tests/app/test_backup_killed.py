"""Back-up and restore as users run them, and killed at any moment."""

import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.backup import service
from app.backup.archive import BackupError
from app.backup.service import back_up, restore
from app.cli import main as cli
from app.datasets.service import import_release
from app.db.engine import Database
from app.registry.folder import locked, remove_unfinished
from model import artifact
from tests.app import test_backup
from tests.app.small_releases import at, large_release
from tests.app.world import World, make_rbm, publish
from tests.killing import die, kill_after, moments, run_until_killed


def state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return what a restore replaces: not the audit log, which keeps what was there before."""
    found = test_backup.state(database)
    del found["audit_log"]
    return found


def restore_all(url: str, models_dir: Path, path: Path) -> None:
    restore(Database(url), models_dir, path, replace=True)


def back_up_until_the_tables(url: str, models_dir: Path, folder: Path) -> None:
    setattr(service, "_write_table", die)  # noqa: B010 (mypy refuses the assignment)
    back_up(Database(url), models_dir, folder)


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
        back_up(database, models_dir, folder / name)
        whole[name] = state(database)
    begin = time.monotonic()
    restore(database, models_dir, folder / "A", replace=True)
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
    with locked(models_dir):
        remove_unfinished(models_dir)
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
