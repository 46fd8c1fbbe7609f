"""`recommender users`: every stored user can be seen and erased, also one that no path can name."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db.engine import Database
from app.db.tables import ratings, users
from tests.app.command_line import Run, fill, runner
from tests.app.world import add_ratings


@pytest.fixture
def run(
    tmp_path: Path,
    migrated_sqlite_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    fill(tmp_path, migrated_sqlite_file)
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    add_ratings(database, {".": {10: 4.0}, "..": {10: True, 20: False}, "-x": {30: 1.0}})
    database.dispose()
    return runner(tmp_path, monkeypatch, capsys)


def keys(folder: Path) -> set[str]:
    database = Database(f"sqlite:///{folder / 'own.db'}")
    with database.read() as connection:
        assert (
            connection.execute(
                select(ratings.c.user_id).where(~ratings.c.user_id.in_(select(users.c.id)))
            ).first()
            is None
        )
        found = set(connection.execute(select(users.c.key)).scalars())
    database.dispose()
    return found


@pytest.mark.parametrize("key", [".", "..", "-x", "1"])
def test_a_user_of_any_key_is_shown_and_erased(run: Run, tmp_path: Path, key: str) -> None:
    before = keys(tmp_path)
    shown = run("users", "show", "--", key)
    assert shown.code == 0
    assert json.loads(shown.out)["user"] == key
    erased = run("users", "erase", "--yes", "--", key)
    assert (erased.code, erased.out) == (0, f"User '{key}' is erased.\n")
    assert keys(tmp_path) == before - {key}
    again = run("users", "show", "--", key)
    assert (again.code, again.out) == (2, "")
    assert again.err == f"recommender: nothing is stored about the user '{key}'\n"


def test_a_user_is_not_erased_without_a_yes(run: Run, tmp_path: Path) -> None:
    assert run("users", "erase", "..").code != 0
    assert ".." in keys(tmp_path)


@pytest.mark.parametrize("key", ["\udcff", "a\nb", "\x1b[2J", ""])
@pytest.mark.parametrize("command", [("show",), ("erase", "--yes")])
def test_what_is_no_key_is_refused_in_one_line(
    run: Run, key: str, command: tuple[str, ...]
) -> None:
    ended = run("users", *command, "--", key)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.removesuffix("\n").isprintable()


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\u202e", "\udcff", "x" * 101])
def test_the_name_of_a_key_is_a_text(run: Run, name: str) -> None:
    ended = run("keys", "create", "--scope", "read", "--name", name)
    assert (ended.code, ended.out) == (2, "")
    assert "the name" in ended.err


@pytest.mark.parametrize("value", ["\udc80", "https://a.example\x1b[2J", "x" * 10_000])
def test_a_setting_that_is_no_text_is_refused_in_one_line(run: Run, value: str) -> None:
    ended = run("keys", "list", RECOMMENDER_CORS_ORIGINS=value)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("recommender: RECOMMENDER_CORS_ORIGINS")
    assert ended.err.removesuffix("\n").isprintable()
    assert len(ended.err) < 1000
