"""Reasons why the service refuses to start: one clear line each, through the command itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main as cli
from app.config import Settings
from app.db import schema as migrating
from app.db.engine import Database
from tests.app.service_process import environment
from tests.app.world import make_rbm, publish

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite_file: Path) -> Database:
    """One kind will do: what is refused is decided outside it."""
    path = tmp_path / "recommender.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    return Database(f"sqlite:///{path}")


def refusal(settings: Settings) -> str:
    """Start the service in a process of its own, and return the one line that it ends with."""
    ended = subprocess.run(
        [sys.executable, "-m", "app", "serve"],
        cwd=ROOT, env=environment(settings, RECOMMENDER_PORT="0"),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode != 0
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line


def refusal_here(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    **variables: str,
) -> str:  # fmt: skip
    """Do the same in this process, which is quicker."""
    for name, value in environment(settings, RECOMMENDER_PORT="0", **variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["recommender", "serve"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code not in {0, None}
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_schema_that_is_behind(database: Database, settings: Settings) -> None:
    migrating.downgrade(database, "0001")
    assert refusal(settings) == (
        f"recommender: the database {settings.database_url} is at revision 0001, this version "
        f"needs revision {migrating.head()}: run `recommender db upgrade`"
    )


def test_a_folder_of_models_that_cannot_be_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.models_dir.symlink_to(settings.models_dir)  # a link to itself
    assert refusal_here(settings, monkeypatch, capsys) == (
        f"recommender: cannot read the models folder {settings.models_dir} "
        "(RECOMMENDER_MODELS_DIR): Too many levels of symbolic links"
    )


def test_an_unknown_setting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal_here(settings, monkeypatch, capsys, RECOMMENDER_WORKRES="2") == (
        "recommender: RECOMMENDER_WORKRES is not a setting; did you mean RECOMMENDER_WORKERS?"
    )


def test_a_value_that_is_not_valid(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal_here(settings, monkeypatch, capsys, RECOMMENDER_WORKERS="many")
    assert line.startswith("recommender: RECOMMENDER_WORKERS: Input should be a valid integer")


def test_a_database_without_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.db").touch()
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'new.db'}")
    line = refusal_here(settings, monkeypatch, capsys)
    assert "new.db has no tables yet" in line
    assert "run `recommender db upgrade`" in line


def test_a_schema_that_is_more_than_one_revision_ahead(
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with database.unit_of_work() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    line = refusal_here(settings, monkeypatch, capsys)
    assert "the database is at revision '9999', which this version does not know" in line


def test_a_database_that_is_away_without_its_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "postgresql://me:secret@127.0.0.1:9/films"
    away = settings.model_copy(update={"database_url": address})
    line = refusal_here(away, monkeypatch, capsys)
    assert line.startswith("recommender: cannot use the database postgresql+psycopg://me:***@")
    assert "secret" not in line


def test_a_folder_of_models_that_is_away_although_there_are_models(
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(database, settings.models_dir, "v1", make_rbm(seed=1))
    settings.models_dir.rename(settings.models_dir.with_name("elsewhere"))
    line = refusal_here(settings, monkeypatch, capsys)
    assert "does not exist, and the database names model v1" in line


def test_a_first_key_that_is_weak(
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "key"
    file.write_text("admin.letmein")
    named = {"RECOMMENDER_BOOTSTRAP_ADMIN_KEY_FILE": str(file)}
    line = refusal_here(settings, monkeypatch, capsys, **named)
    assert line.startswith("recommender: RECOMMENDER_BOOTSTRAP_ADMIN_KEY_FILE: ")
    assert "letmein" not in line
