"""`recommender backup` to a second place, and `recommender restore` from there."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from app.core.remote import RemoteError, RemoteFolder
from app.db.engine import Database
from app.users.service import UserService
from tests.app.command_line import Run, files_in, runner


@pytest.fixture
def here(tmp_path: Path, filled: Path) -> Path:
    folder = shutil.copytree(filled, tmp_path / "here")
    (folder / "b").mkdir()
    return folder


@pytest.fixture
def run(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(here, monkeypatch, capsys)


def test_a_back_up_is_restored_from_the_second_place_without_those_who_were_erased(
    here: Path, run: Run
) -> None:
    made = run("backup", "b", "--copy", "far", "--keep", "1")
    assert made.code == 0
    assert "written and copied: 86 ratings by 8 users, 1 models" in made.out
    (path,) = (here / "far").glob("*.tar")
    database = Database(f"sqlite:///{here / 'own.db'}")
    UserService(database, 4.0).erase("1")
    assert "is up to date" in run("backup", "b", "--only-erasures", "--copy", "far").out
    shutil.rmtree(here / "b")
    shutil.rmtree(here / "models")
    address = f"file://{path}"
    assert f"{address} is whole: 86 ratings" in run("backup", "--verify", address).out
    restored = run("restore", address, "--replace", "--yes")
    assert f"{address} restored: 86 ratings by 8 users, 1 models" in restored.out
    assert "1 users of the back-up were erased again" in restored.out
    assert run("users", "show", "1").code == 2
    assert [each.name for each in (here / "models").iterdir() if each.name != ".publishing"] == [
        "v1"
    ]
    database.dispose()


def test_a_database_of_an_earlier_moment_passes_through_a_back_up(here: Path, run: Run) -> None:
    """As docs/backup.md tells after a recovery by the database's own means."""
    earlier = shutil.copy(here / "own.db", here / "earlier.db")
    database = Database(f"sqlite:///{here / 'own.db'}")
    UserService(database, 4.0).erase("1")
    database.dispose()
    run("backup", "b", "--only-erasures")
    shutil.copy(earlier, here / "own.db")
    assert run("users", "show", "1").code == 0
    assert run("backup", "b/recovered.tar").code == 0
    restored = run("restore", "b/recovered.tar", "--replace", "--yes")
    assert "1 users of the back-up were erased again" in restored.out
    assert run("users", "show", "1").code == 2


def test_a_second_place_that_is_away_costs_no_back_up(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RemoteError("s3://far is away")

    monkeypatch.setattr(RemoteFolder, "upload", refuse)
    finished = run("backup", "b", "--copy", "far")
    (path,) = (here / "b").glob("*.tar")
    assert finished.code == 2
    said = f"the back-up b/{path.name} is whole, but not copied\nrecommender: s3://far is away\n"
    assert finished.err == said


def test_a_back_up_for_the_second_place_that_is_stopped_leaves_nothing(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("app.backup.service._write_table", stop)
    finished = run("backup", "b", "--keep", "3")
    assert finished.code == 143
    assert finished.err == "recommender: stopped by SIGTERM: no back-up is written\n"
    assert list((here / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--every", "1d"], "nowhere is no folder: --every, --keep and --copy need one"),
        (["b", "--every", "1w"], "'1w' is no interval such as 90s, 30m, 6h or 1d"),
        (["b", "--keep-weekly", "4"], "--keep-weekly, --keep-monthly: needs --keep"),
        (["b", "--keep", "0"], "'--keep': Input should be greater than or equal to 1"),
        (["b", "--copy", "b"], "--copy b is the folder of the back-ups itself"),
        (["b", "--copy", "nothing://far"], "nothing://far"),
        (["s3://far/b", "--every", "1d"], "s3://far/b: a back-up is made in a folder"),
        (["--verify", "file:///nowhere/b.tar"], "file:///nowhere/b.tar is not there; no back-up"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    here: Path, run: Run, arguments: list[str], said: str
) -> None:
    before = files_in(here)
    finished = run("backup", *arguments)
    assert finished.code == 2
    assert said in finished.err
    assert files_in(here) == before
