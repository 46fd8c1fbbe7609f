"""Commands that cannot do what they are asked: one line, an exit code, and nothing half-written."""

import errno
import os
import re
import resource
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from typer.main import get_command

from app.backup.service import back_up
from app.cli import main as cli
from app.cli.failures import UNEXPECTED, exit_code, explained
from app.db.engine import Database
from app.store.folder import ModelStore
from tests.app.command_line import Finished, Run, files_in, runner
from tests.app.trainings import people, store

# Commands that only use a database that is there. Those that make one: db upgrade, import, demo,
# prepare, restore, keys create.
READING: dict[str, tuple[str, ...]] = {
    "serve": (),
    "keys list": (),
    "keys revoke": ("0123456789ab",),
    "train": (),
    "retrain": (),
    "tune": ("db",),
    "evaluate": ("db",),
    "recommend": ("1",),
    "partition": ("db", "shards"),
    "experiments list": (),
    "experiments report": ("colours",),
    "feedback report": (),
    "users show": ("1",),
    "users erase": ("1", "--yes"),
    "backup": ("b.tar",),
    "export": ("ratings", "--output", "ratings.csv"),
    "models list": (),
    "models show": ("v1",),
    "models activate": ("v1",),
    "models rollback": (),
    "models prune": (),
    "models remove": ("v1",),
    "models export": ("v1",),
    "models import": ("v1.tar",),
    "models upload": (),
}
# Besides the models: the lock of the folder, and what the next training resumes from.
LEFT_BY_A_TRAINING = {".publishing", ".checkpoint"}
# Says what is wrong among what is right.
REPORTING = {"check"}
MAKING = {"db upgrade", "import", "demo", "prepare", "restore", "keys create"}


@pytest.fixture(scope="module")
def back_up_file(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Path:
    """A back-up of the folder."""
    path = tmp_path_factory.mktemp("backup") / "b.tar"
    database = Database(f"sqlite:///{filled / 'own.db'}")
    back_up(database, ModelStore(filled / "models"), path)
    database.dispose()
    return path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def run(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(here, monkeypatch, capsys)


@pytest.fixture
def installed(here: Path, filled: Path) -> Path:
    """The folder with a database and a model of its own."""
    return shutil.copytree(filled, here, dirs_exist_ok=True)


def assert_refused(finished: Finished, *parts: str) -> None:
    assert finished.code == 2, finished
    assert finished.out.strip() == ""
    (line,) = finished.err.splitlines()
    assert line.startswith("recommender: ")
    for part in parts:
        assert part in line


def all_commands() -> dict[str, Any]:
    """Every command by what is typed for it."""
    found: dict[str, Any] = {}
    groups: list[tuple[str, Any]] = [("", get_command(cli.app))]
    while groups:
        before, group = groups.pop()
        for name, command in group.commands.items():
            found[f"{before}{name}"] = command
            if hasattr(command, "commands"):
                groups.append((f"{name} ", command))
                del found[f"{before}{name}"]
    return found


def test_every_command_is_known_to_make_a_database_or_not() -> None:
    assert {*READING, *REPORTING, *MAKING} == set(all_commands())


def test_the_documents_name_the_commands_that_make_a_database() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    sentence = "These commands make a database that is not there: "
    (named,) = [line for line in page.splitlines() if line.startswith(sentence)]
    assert set(re.findall("`([^`]+)`", named)) == MAKING


def test_no_option_has_a_senseless_opposite() -> None:
    options = [*get_command(cli.app).params]
    options += [option for command in all_commands().values() for option in command.params]
    assert [option.name for option in options if option.secondary_opts] == []


@pytest.mark.parametrize("command", READING)
def test_a_mistyped_path_of_the_database_makes_nothing(here: Path, run: Run, command: str) -> None:
    mistyped = {"RECOMMENDER_DATABASE_URL": "sqlite:///vra/own.db"}
    (here / "v1.tar").touch()
    assert_refused(
        run(*command.split(), *READING[command], **mistyped),
        "there is no database vra/own.db (RECOMMENDER_DATABASE_URL): run `recommender db upgrade`",
    )
    assert [path.name for path in here.iterdir()] == ["v1.tar"]


def text(path: Path, _: Path) -> None:
    path.write_text("user,movie,rating\n" * 500)


def truncated(path: Path, whole: Path) -> None:
    path.write_bytes(whole.read_bytes()[: 3 * 4096 + 100])


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def unreadable(path: Path, _: Path) -> None:
    path.symlink_to(path)  # also for root


NO_DATABASE = [
    (text, "file is not a database"),
    (truncated, "database disk image is malformed"),
    (folder, "it is no file"),
    (unreadable, "Too many levels of symbolic links"),
]


@pytest.mark.parametrize(("make", "reason"), NO_DATABASE)
@pytest.mark.parametrize("command", ["serve", "keys list", "models list", "db upgrade", "backup b"])
def test_a_file_that_is_no_database_is_named_and_left_alone(
    here: Path, run: Run, filled: Path, command: str, make: Any, reason: str
) -> None:
    make(here / "own.db", filled / "own.db")
    before = files_in(here)
    assert_refused(run(*command.split()), "cannot use the database ", "own.db: ", reason)
    assert files_in(here) == before


def test_a_file_that_is_no_study_is_named_and_left_alone(
    here: Path, run: Run, filled: Path
) -> None:
    text(here / "own.db", filled)
    before = files_in(here)
    finished = run("tune", "sample", "--trials", "1", "--study", "own.db")
    assert finished.code == 2
    assert finished.err.splitlines()[-1] == (
        "recommender: cannot use the database sqlite:///own.db: file is not a database"
    )
    assert files_in(here) == before


@pytest.mark.parametrize("command", ["restore", "backup --verify"])
@pytest.mark.parametrize("length", [0, 700, 10_240, -10_240, -700])
def test_a_truncated_back_up_is_named_and_makes_nothing(
    here: Path, back_up_file: Path, run: Run, command: str, length: int
) -> None:
    (here / "b.tar").write_bytes(back_up_file.read_bytes()[:length])
    assert_refused(run(*command.split(), "b.tar"), "b.tar is ")
    assert [path.name for path in here.iterdir()] == ["b.tar"]


def test_a_back_up_that_is_missing_is_named(here: Path, run: Run) -> None:
    assert_refused(run("restore", "b.tar"), "b.tar: No such file or directory")
    assert not list(here.iterdir())


@pytest.mark.usefixtures("installed")
def test_a_port_in_use_is_named(here: Path, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = [run("serve", "--port", port), run("serve", RECOMMENDER_PORT=port)]
        shutil.rmtree(here)
        here.mkdir()
        refused.append(run("demo", "--port", port))
    for finished in refused:
        assert_refused(finished, f"127.0.0.1 port {port}: Address already in use", "--port")
    assert not list(here.iterdir()), "told before anything is done"


@pytest.mark.parametrize("source", ["nowhere.csv", "db"])
def test_an_unknown_baseline_is_refused_before_any_data_is_read(run: Run, source: str) -> None:
    assert_refused(
        run("evaluate", source, "--models", "ease,foo"),
        "--models: there is no model 'foo'; there are popularity, bias, item-knn, ease",
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["serve", "--port", "70000"], "--port: Input should be less than or equal to 65535"),
        (["serve", "--workers", "0"], "--workers: Input should be greater than or equal to 1"),
        (["serve", "--host", ""], "--host: String should have at least 1 character"),
        (["serve", "--host", "::"], "refusing to serve on ::: there is no API key"),
        (["serve", "--prot", "1"], "No such option: --prot (Possible options: --host, --port)"),
        (["serv"], "No such command 'serv'. Did you mean 'serve'"),
        (["recommend"], "Missing argument 'user'"),
        (["evaluate", "sample", "--json", "no/f.json"], "cannot write no/f.json: there is no"),
        (["evaluate", "sample", "--report", "no/f.html"], "cannot write no/f.html: there is no"),
        (["tune", "sample", "--output", "no/f.json"], "cannot write no/f.json: there is no"),
        (["models", "import", "no.tar"], "cannot read no.tar: No such file or directory"),
        (["models", "import", "own.db"], "own.db cannot be imported: "),
        (["models", "activate", "v2"], "no model v2"),
        (["keys", "revoke", "0123"], "there is no valid key 0123"),
        (["import", "nowhere.csv"], "nowhere.csv is not a file"),
        (["import", "ml-1m"], "ml-1m cannot be downloaded"),
        (["import", "ml-1n"], "'ml-1n' is neither a release (ml-latest-small, "),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("installed")
def test_what_is_wrong_is_named(run: Run, arguments: list[str], reason: str) -> None:
    assert_refused(run(*arguments), reason)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("RECOMMENDER_PORT", "many", "Input should be a valid integer"),
        ("RECOMMENDER_LIKE_THRESHOLD", "nan", "Input should be"),
        ("RECOMMENDER_PROT", "1", "did you mean RECOMMENDER_PORT"),
    ],
)
def test_a_wrong_setting_is_named(run: Run, name: str, value: str, reason: str) -> None:
    assert_refused(run("serve", **{name: value}), name, reason)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("command", [["retrain"], ["retrain", "--every", "6h"]])
def test_an_image_that_cannot_train_says_so_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert_refused(
        run(*command),
        "this needs numba, which is not installed here: take the training image, or "
        '`pip install "recommender[train]"`',
    )


def test_a_package_that_no_extra_has_is_a_mistake_of_ours() -> None:
    error = ModuleNotFoundError("No module named 'app.nothing'", name="app.nothing")
    assert explained(error) is error
    assert exit_code(error) == UNEXPECTED


@pytest.mark.usefixtures("installed")
def test_an_error_that_nobody_expects_has_another_code(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("prefix")

    monkeypatch.setattr("app.auth.service.list_keys", fail)
    finished = run("keys", "list")
    assert finished.code == 1
    assert finished.err == "recommender: KeyError: 'prefix' (--debug shows where)\n"


@pytest.mark.usefixtures("installed")
def test_a_statement_that_is_wrong_is_no_failure_of_the_database(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(database: Any) -> None:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT 1 FROM nowhere")

    monkeypatch.setattr("app.auth.service.list_keys", fail)
    finished = run("keys", "list")
    assert finished.code == 1
    assert "no such table: nowhere" in finished.err


@pytest.fixture
def full_database() -> Iterator[None]:
    """No page can be added to a database of SQLite."""

    def limit(driver: Any, _: Any) -> None:
        driver.execute("PRAGMA max_page_count = 1")  # or as many as it has

    event.listen(Engine, "connect", limit)
    yield
    event.remove(Engine, "connect", limit)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file that is written reaches the disk."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("data.durable.os.fsync", fail)


@pytest.mark.usefixtures("full_database")
def test_a_full_disk_of_the_database_is_named_by_its_folder(installed: Path, run: Run) -> None:
    write_many_users(installed / "r.csv")
    before = rows(installed)
    finished = run("import", "r.csv", RECOMMENDER_DATABASE_URL=f"sqlite:///{installed}/own.db")
    assert_refused(finished, f"no room in the folder {installed}: database or disk is full")
    assert rows(installed) == before


def test_a_quota_of_the_disk_of_the_database_is_named_by_its_folder(
    installed: Path, run: Run
) -> None:
    write_many_users(installed / "r.csv")
    before = rows(installed)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((installed / "own.db").stat().st_size, hard))
    try:
        finished = run("import", "r.csv", RECOMMENDER_DATABASE_URL=f"sqlite:///{installed}/own.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_refused(finished, f"cannot write to the folder {installed}: disk I/O error")
    assert rows(installed) == before


@pytest.mark.usefixtures("full_database")
def test_a_full_disk_when_the_database_is_made_leaves_no_table(here: Path, run: Run) -> None:
    finished = run("db", "upgrade", RECOMMENDER_DATABASE_URL=f"sqlite:///{here}/own.db")
    assert_refused(finished, f"no room in the folder {here}: database or disk is full")
    assert rows(here) == {}


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("backup", "cannot write new/b.tar: No space left on device"),
        ("models export v1", "cannot write new/b.tar: No space left on device"),
        ("evaluate --model v1 --json", "cannot write new/b.tar: No space left on device"),
    ],
)
def test_a_full_disk_is_named_by_the_file_that_is_not_written(
    installed: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str, named: str
) -> None:
    (installed / "new").mkdir()
    before = files_in(installed)
    monkeypatch.setattr("app.cli.evaluation._judge_version", lambda *_: {})
    assert_refused(run(*command.split(), "new/b.tar"), named)
    assert files_in(installed) == before


@pytest.mark.slow
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_of_the_models_is_named_and_nothing_is_published(
    installed: Path, run: Run
) -> None:
    database = Database(f"sqlite:///{installed / 'own.db'}")
    store(database, people())
    database.dispose()
    finished = run("train", "--epochs", "1", "--hidden", "2")
    assert finished.code == 2
    assert finished.err.startswith("recommender: the disk of the models folder models has too")
    assert {path.name for path in (installed / "models").iterdir()} <= {"v1", *LEFT_BY_A_TRAINING}


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_of_the_models_is_named_by_a_restore(
    here: Path, back_up_file: Path, run: Run
) -> None:
    finished = run("restore", str(back_up_file))
    assert_refused(finished, "no room in the folder models: No space left on device")
    assert rows(here) == {}
    assert [path.name for path in (here / "models").iterdir()] == [".publishing"]


def test_training_without_ratings_says_what_to_do(
    here: Path, run: Run, migrated_sqlite_file: Path
) -> None:
    shutil.copyfile(migrated_sqlite_file, here / "own.db")
    assert_refused(run("train"), "run `recommender import` first")


def write_many_users(path: Path) -> None:
    """Write more ratings than fit into the database as it is."""
    ratings = "".join(f"user-{n},10,4\n" for n in range(5000))
    path.write_text(f"user,movie,rating\n{ratings}")


def rows(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the database of a folder."""
    with closing(sqlite3.connect(folder / "own.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
            for (name,) in names.fetchall()
        }
