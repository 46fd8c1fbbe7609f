"""`recommender experiments`: what runs, and how the arms do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from app.db.engine import Database
from app.db.tables import experiments, feedback, users
from tests.app.command_line import Run, fill, runner


@pytest.fixture
def run(
    tmp_path: Path,
    migrated_sqlite_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    fill(tmp_path, migrated_sqlite_file)
    return runner(tmp_path, monkeypatch, capsys)


def begin(folder: Path) -> None:
    """Begin an experiment; of three users whose time is over, all in one arm, two have clicked."""
    arms = [{"name": "old", "share": 0.5}, {"name": "new", "share": 0.5}]
    begun_at = datetime.now(UTC) - timedelta(days=20)
    row = {"name": "new-model", "state": "running", "salt": "s", "begun_at": begun_at}
    database = Database(f"sqlite:///{folder / 'own.db'}")
    with database.unit_of_work() as connection:
        connection.execute(insert(experiments).values(**row, definition={"arms": arms}))
        for user_id in connection.execute(select(users.c.id).limit(3)).scalars().all():
            kinds = ("shown", "clicked") if user_id != 1 else ("shown",)
            for kind in kinds:
                told = {"feedback_id": f"{user_id}-{kind}", "user_id": user_id, "movie_id": 10}
                where = {"experiment": "new-model", "arm": "new", "recorded_ms": 0}
                moment = {"kind": kind, "occurred_at": begun_at + timedelta(days=1)}
                connection.execute(insert(feedback).values(**told, **where, **moment))
    database.dispose()


def test_experiments_are_listed_and_reported(run: Run, tmp_path: Path) -> None:
    assert run("experiments", "list").out == "There are no experiments.\n"
    begin(tmp_path)
    listed = run("experiments", "list").out
    assert all(word in listed for word in ("new-model", "running", "no scenario", "old, new"))
    report = run("experiments", "report", "new-model")
    assert report.code == 0
    assert "users who clicked within 7 days" in report.out
    (line,) = [line for line in report.out.splitlines() if "66.67%" in line]
    assert all(word in line for word in ("new", "3", "2", "undecided"))
    as_json = json.loads(run("experiments", "report", "new-model", "--json").out)
    assert [(arm["users"], arm["successes"]) for arm in as_json["arms"]] == [(0, 0), (3, 2)]
    (experiment,) = json.loads(run("experiments", "list", "--json").out)
    assert experiment["name"] == "new-model"


def test_an_unknown_experiment_is_named(run: Run) -> None:
    refused = run("experiments", "report", "old-model")
    assert refused.code != 0
    assert "There is no experiment old-model." in refused.err
