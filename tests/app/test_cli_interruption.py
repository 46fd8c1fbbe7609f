"""Ctrl-C and SIGTERM: what is kept is said, and the exit code is 128 + the signal's number."""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from app.db.engine import Database
from tests.app.command_line import Run, files_in, runner
from tests.app.small_releases import contents

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def here(tmp_path: Path, filled: Path) -> Path:
    folder = shutil.copytree(filled, tmp_path / "here")
    (folder / "ratings.csv").write_text("user,movie,rating\n" + "ann,10,4\nbob,20,2\n")
    return folder


@pytest.fixture
def run(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(here, monkeypatch, capsys)


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C, which is ignored in what a shell runs in the background."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


def before(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """Send a signal when this function is called."""

    def stop(*_: Any, **__: Any) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(name, stop)


def after(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """Send a signal when this function has done its work."""
    function = resolve_name(name)

    def stop(*arguments: Any, **named: Any) -> None:
        function(*arguments, **named)
        signal.raise_signal(number)

    monkeypatch.setattr(name, stop)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_an_import_that_is_stopped_has_imported_nothing(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    whole = files_in(here)
    before(monkeypatch, "app.datasets.staging.end", number)
    finished = run("import", "ratings.csv")
    assert finished.code == code
    name = signal.Signals(number).name
    assert finished.err == f"recommender: stopped by {name}: nothing is imported\n"
    assert files_in(here) == whole
    assert signal.getsignal(number) != signal.SIG_IGN


def test_an_import_that_is_stopped_between_two_ratings_writes_none_on_either_database(
    database: Database, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def stages() -> Iterator[Callable[..., None]]:
        def report(stage: str, done: int, _: int | None) -> None:
            if (stage, done) == ("ratings", 2):
                signal.raise_signal(signal.SIGINT)

        yield report

    monkeypatch.setattr("app.cli.progress.stages", stages)
    before = contents(database)
    url = database.url.render_as_string(hide_password=False)
    finished = run("import", "ratings.csv", RECOMMENDER_DATABASE_URL=url)
    assert finished == (130, "", "recommender: stopped by SIGINT: nothing is imported\n")
    assert contents(database) == before


def test_an_import_that_is_stopped_too_late_is_complete(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        after(patch, "app.datasets.service.import_release", signal.SIGINT)
        finished = run("import", "ratings.csv")
    assert finished.code == 130
    assert finished.err == "recommender: stopped by SIGINT: the import is complete\n"
    assert "is in the database already" in run("import", "ratings.csv").out


def test_a_download_that_is_stopped_leaves_nothing(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_client: Any, _url: str, file: Any, _progress: Any) -> str:
        file.write(b"PK")
        signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr("data.download._fetch", fetch)
    finished = run("import", "ml-1m")
    assert finished.code == 130
    assert finished.err == "recommender: stopped by SIGINT: nothing is imported\n"
    assert list((here / "datasets").iterdir()) == []


def test_a_download_that_was_finished_is_kept(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(name: str, _url: str, folder: Path, _progress: Any) -> Path:
        folder.mkdir()
        (folder / f"{name}.zip").touch()
        return folder / f"{name}.zip"

    monkeypatch.setattr("data.movielens.download", download)
    before(monkeypatch, "data.movielens.files_of", signal.SIGINT)
    finished = run("import", "ml-1m")
    kept = "nothing is imported, datasets/ml-1m.zip is kept"
    assert finished.err == f"recommender: stopped by SIGINT: {kept}\n"
    assert (here / "datasets/ml-1m.zip").exists()


def test_the_import_of_a_demo_that_is_stopped_says_so_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, "app.datasets.staging.end", signal.SIGINT)
    finished = run("prepare", "--dataset", "ratings.csv")
    assert finished.err == "recommender: stopped by SIGINT: nothing is imported\n"


@pytest.mark.parametrize("target", ["b.tar", "."])
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_back_up_that_is_stopped_leaves_nothing(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int, target: str
) -> None:
    whole = files_in(here)
    before(monkeypatch, "app.backup.service._write_table", number)
    finished = run("backup", target)
    assert finished.code == code
    assert finished.err.endswith(": no back-up is written\n")
    assert files_in(here) == whole


@pytest.mark.parametrize("target", ["b.tar", "."])
def test_a_back_up_that_is_stopped_too_late_is_whole(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    after(monkeypatch, "app.backup.service.back_up", signal.SIGINT)
    finished = run("backup", target)
    (written,) = here.glob("*.tar")
    assert finished.code == 130
    assert finished.err == f"recommender: stopped by SIGINT: the back-up {written.name} is whole\n"
    assert run("backup", "--verify", written.name).code == 0


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_restore_that_is_stopped_changes_nothing(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    assert run("backup", "b.tar").code == 0
    whole = files_in(here)
    before(monkeypatch, "app.backup.service._raise_revisions", number)
    finished = run("restore", "b.tar", "--replace", "--yes")
    assert finished.code == code
    assert finished.err.endswith(": the database is as it was\n")
    assert files_in(here).items() >= whole.items()


def test_a_restore_that_is_stopped_too_late_is_complete(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", "b.tar").code == 0
    after(monkeypatch, "app.backup.service.restore", signal.SIGINT)
    finished = run("restore", "b.tar", "--replace", "--yes")
    assert finished.code == 130
    assert finished.err == "recommender: stopped by SIGINT: the restore is complete\n"


def test_a_command_that_keeps_nothing_says_that_it_is_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, "app.registry.service.list_models", signal.SIGINT)
    assert run("models", "list") == (130, "", "recommender: stopped by SIGINT\n")


def test_a_signal_that_is_ignored_stops_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        after(monkeypatch, "app.datasets.staging.end", signal.SIGINT)
        assert run("import", "ratings.csv").code == 0
    finally:
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_an_evaluation_that_is_stopped_keeps_nothing(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    whole = files_in(here)
    before(monkeypatch, "app.evaluation.service.compare_models", number)
    finished = run("evaluate", "sample", "--json", "e.json")
    assert finished.code == code
    assert finished.err.endswith(": nothing is kept, the figures come at the end\n")
    assert files_in(here) == whole


def test_a_search_that_is_stopped_keeps_its_trials(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, "app.training.tuning.search", signal.SIGINT)
    finished = run("tune", "sample", "--study", "s.db")
    assert finished.code == 130
    assert finished.err.endswith("stopped by SIGINT: the trials that ended are kept in s.db\n")
