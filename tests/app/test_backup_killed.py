"""Back-up and restore as people run them, and killed at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.backup.archive import BackupError
from app.backup.service import back_up, restore
from app.cli import main as cli
from app.datasets.service import import_release
from app.db.engine import Database
from app.registry.folder import remove_strays
from model import artifact
from tests.app.small_releases import at, large_release
from tests.app.test_backup import state
from tests.app.world import World, make_rbm, publish

ROOT = Path(__file__).parents[2]

# Forked, since loading all that a restore needs takes longer than the restore.
RESTORER = """
import os, sys
from pathlib import Path
from app.backup import rows, service
from app.db.engine import Database

for path in sys.stdin:
    pid = os.fork()
    if pid == 0:
        print(os.getpid(), flush=True)
        service.restore(Database(sys.argv[1]), Path(sys.argv[2]), Path(path.strip()), replace=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def test_the_commands_make_check_and_restore_a_back_up(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("RECOMMENDER_MODELS_DIR", str(world.settings.models_dir))
    path, before = str(tmp_path / "b.zip"), state(world.database)

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
    missing = command("restore", str(tmp_path / "nothing.zip"), "--replace", "--yes")
    assert "nothing.zip" in str(missing.exception)


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
    moments = random.Random()  # noqa: S311 (any moments do)
    with subprocess.Popen(
        [sys.executable, "-c", RESTORER, url, str(models_dir)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as restorer:  # fmt: skip
        assert restorer.stdin is not None
        assert restorer.stdout is not None
        for number in range(n_kills):
            name = "B" if held == "A" else "A"
            print(folder / name, file=restorer.stdin, flush=True)
            pid = int(restorer.stdout.readline())
            time.sleep((number + moments.random()) / n_kills * 1.1 * seconds)
            with suppress(ProcessLookupError):  # it may have come to its end
                os.kill(pid, signal.SIGKILL)
            assert int(restorer.stdout.readline()) in {0, -signal.SIGKILL}
            found = state(database)
            n_killed += found == whole[held]
            held = held if found == whole[held] else name
            assert found == whole[held]
            artifact.load(models_dir / f"v{held}")
        restorer.stdin.close()
    assert n_killed > 0
    remove_strays(models_dir)
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
    code = (
        "import os, signal, sys; from pathlib import Path; from app.backup import service;"
        "from app.db.engine import Database;"
        "service._write_table = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
        "service.back_up(Database(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    arguments = [world.settings.database_url, str(world.settings.models_dir), str(folder)]
    killed = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert left.suffix == ".unfinished"
