"""The command in this process, as `recommender` runs it: a process of its own takes a second."""

import gc
import shutil
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from app.cli import main as cli
from app.cli import output
from app.db.engine import Database
from tests.app.world import MOVIE_IDS, add_movies, add_ratings, draw_ratings, make_rbm, publish


class Finished(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


def runner(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run commands in a folder, with a database and models of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(output.out, "width", 200)

    def run(*arguments: str, **variables: str) -> Finished:
        ours = {
            "RECOMMENDER_DATABASE_URL": "sqlite:///own.db",
            "RECOMMENDER_MODELS_DIR": "models",
            "RECOMMENDER_DATASETS_DIR": "datasets",
            "RECOMMENDER_DATASETS_URL": "http://127.0.0.1:9/",  # nobody listens there
            **variables,
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ours.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["recommender", *arguments])
            patch.setattr(sys, "stdin", StringIO())  # nobody answers a question
            with pytest.raises(SystemExit) as ended:
                cli.main()
        gc.enable()  # `serve` has it off until it serves
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Finished(code or 0, *capsys.readouterr())

    return run


def fill(folder: Path, migrated: Path) -> None:
    """Put a database with movies, users and ratings into a folder, and a published model."""
    shutil.copyfile(migrated, folder / "own.db")
    database = Database(f"sqlite:///{folder / 'own.db'}")
    add_movies(database, MOVIE_IDS)
    add_ratings(database, draw_ratings())
    publish(database, folder / "models", "v1", make_rbm(seed=1))
    database.dispose()


def files_in(folder: Path) -> dict[str, bytes]:
    """All files of a folder with their content; those that SQLite makes beside its own are none."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }
