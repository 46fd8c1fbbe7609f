"""`serve --wait`: until the database is there."""

from pathlib import Path
from typing import Any

import pytest

from app.cli import waiting
from app.cli.session import NoDatabaseError, SchemaBehindError, SettingError
from app.cli.waiting import wait_for_database
from app.db.engine import Database
from app.db.schema import upgrade


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    address = f"sqlite:///{tmp_path / 'late.db'}"
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", address)
    return address


def in_turn(monkeypatch: pytest.MonkeyPatch, *steps: Any) -> None:
    """Do one of these each time that it waits."""
    left = list(steps)
    monkeypatch.setattr(waiting, "sleep", lambda _seconds: left.pop(0)())


def test_it_waits_for_the_password_the_database_and_its_tables(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "password"
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", "postgresql://films@127.0.0.1:1/films")
    monkeypatch.setenv("RECOMMENDER_DATABASE_PASSWORD_FILE", str(file))

    def another_address() -> None:
        monkeypatch.setenv("RECOMMENDER_DATABASE_URL", url)
        monkeypatch.delenv("RECOMMENDER_DATABASE_PASSWORD_FILE")

    def migrate() -> None:
        database = Database(url)
        upgrade(database)
        database.dispose()

    in_turn(monkeypatch, lambda: file.write_text("one"), lambda: None, another_address, migrate)
    wait_for_database(60)
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("Waiting, since ") for line in lines] == [True] * 3  # each once
    assert all(word in line for word, line in zip(("password", ":1/", "late"), lines, strict=True))


def test_the_last_reason_is_the_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoDatabaseError, match="there is no database"):
        wait_for_database(0)
    Path(url.removeprefix("sqlite:///")).touch()
    in_turn(monkeypatch)
    with pytest.raises(SchemaBehindError, match="has no tables yet"):
        wait_for_database(0)


def test_a_wrong_setting_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_WORKERS", "none")
    with pytest.raises(SettingError, match="RECOMMENDER_WORKERS"):
        wait_for_database(60)
