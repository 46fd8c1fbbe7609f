"""GET /feedback/report and `recommender feedback report`: what came of lists."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.engine import Database
from app.feedback import report
from app.feedback.identity import Origin, encode
from app.feedback.schemas import FeedbackBatch
from app.feedback.service import FeedbackService
from app.live.rules import read_rules
from tests.app.command_line import Run, fill, runner
from tests.app.world import MOVIE_IDS, add_movies

NOW = datetime.now(UTC)
SEEN_TWICE, NEVER_SHOWN = 20, 30


def feedback(secret: bytes) -> list[dict[str, Any]]:
    """What two known users and two unknown ones did, yesterday and long ago."""

    def one(
        kind: str, movie_id: int, user: str | None, origin: Origin, minute: int = 0, **more: Any
    ) -> dict[str, Any]:
        at = NOW - timedelta(days=1) + timedelta(minutes=minute)
        sent = {"recommendation_id": encode(secret, user, origin), "kind": kind, **more}
        sent = {"occurred_at": at.isoformat(), "movie_id": movie_id, **sent}
        return sent if user is None else {**sent, "user": user}

    home, mail = Origin("v1", "home"), Origin("v1", "mail", "colours", "red")
    old: dict[str, Any] = {"occurred_at": (NOW - timedelta(days=40)).isoformat()}
    return [
        *(one("shown", movie, "a", home, place="top") for movie in (10, SEEN_TWICE)),
        one("shown", SEEN_TWICE, "a", home, 1, place="top"),
        *(one("clicked", SEEN_TWICE, "a", home, minute, place="top") for minute in (2, 3, 4)),
        one("clicked", NEVER_SHOWN, "a", home, place="top"),
        one("watched", SEEN_TWICE, "a", home, place="top"),
        one("shown", 10, "b", home, place="top"),
        one("clicked", 10, "b", home, place="top"),
        one("dismissed", 10, "b", mail),
        *(one("shown", 10, None, mail, minute) for minute in (1, 2)),
        one("clicked", 10, None, mail, 3),
        one("shown", 10, "a", Origin(None, "home"), **old),
    ]


@pytest.fixture
def shop(database: Database, connect: Callable[[], TestClient]) -> TestClient:
    add_movies(database, MOVIE_IDS)
    client = connect()
    with database.read() as connection:
        sent = feedback(read_rules(connection).secret)
    results = client.post("/feedback", json={"feedback": sent}).json()["items"]
    assert {each["status"] for each in results} == {201}
    return client


def figures(row: dict[str, Any]) -> tuple[Any, ...]:
    """Users and counts, then the share of what was shown of each outcome."""
    counts = tuple(row[name] for name in ("users", "shown", "clicked", "watched", "dismissed"))
    rates = (row[name] for name in ("click_through", "conversion", "dismissal"))
    return counts, [None if rate is None else rate["share"] for rate in rates]


def test_each_combination_has_a_row(shop: TestClient) -> None:
    found = shop.get("/feedback/report").json()
    assert found["by"] == ["model", "scenario", "place", "experiment", "arm"]
    home, mail = found["rows"]
    assert [home[part] for part in found["by"]] == ["v1", "home", "top", None, None]
    assert [mail[part] for part in found["by"]] == ["v1", "mail", None, "colours", "red"]
    # Three clicks on a movie that was shown twice are two; one on a movie that was not is none.
    assert figures(home) == ((2, 4, 5, 1, 0), [0.75, 0.25, 0.0])
    # Each of the anonymous showings is a user; a dismissal without a showing is no share.
    assert figures(mail) == ((2, 2, 1, 0, 1), [0.5, 0.0, 0.0])
    for rate in (home["click_through"], mail["conversion"]):
        assert 0 <= rate["low"] <= rate["share"] <= rate["high"] <= 1
        assert rate["high"] - rate["low"] > 0.4


def test_rows_are_joined_by_what_the_report_is_not_by(shop: TestClient) -> None:
    found = shop.get("/feedback/report?by=model").json()
    (row,) = found["rows"]
    assert (row["model"], row["scenario"], found["by"]) == ("v1", None, ["model"])
    assert figures(row)[0] == (4, 6, 6, 1, 1)
    by_place = shop.get("/feedback/report?by=place&by=scenario").json()
    assert by_place["by"] == ["scenario", "place"]
    assert [(row["scenario"], row["place"]) for row in by_place["rows"]] == [
        ("home", "top"), ("mail", None),
    ]  # fmt: skip


def test_a_report_is_of_a_time(shop: TestClient) -> None:
    def rows(**times: timedelta) -> list[tuple[Any, ...]]:
        params = {name: (NOW - ago).isoformat() for name, ago in times.items()}
        found = shop.get("/feedback/report?by=model", params={"by": "model", **params}).json()
        return [(row["model"], row["shown"]) for row in found["rows"]]

    assert rows() == [("v1", 6)]
    assert rows(since=timedelta(days=41)) == [("v1", 6), (None, 1)]
    assert rows(until=timedelta(days=30)) == [(None, 1)]
    assert rows(until=timedelta(days=2)) == []
    for query in (
        "since=2026-01-01",
        "by=movie",
        "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
    ):
        refused = shop.get(f"/feedback/report?{query}")
        assert refused.status_code == 422
        assert refused.json()["fields"][0]["location"][0] == "query"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_report_has_so_many_rows_and_no_more(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_ROWS", 1)
    assert [row["scenario"] for row in shop.get("/feedback/report").json()["rows"]] == ["home"]


def test_the_command_shows_the_same(
    tmp_path: Path,
    migrated_sqlite_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(tmp_path, migrated_sqlite_file)
    run: Run = runner(tmp_path, monkeypatch, capsys)
    assert run("feedback", "report").out.startswith("There is no feedback from ")
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    with database.unit_of_work() as connection:
        rules = read_rules(connection)
        batch = FeedbackBatch.model_validate({"feedback": feedback(rules.secret)})
        current: Any = SimpleNamespace(snapshot=SimpleNamespace(rules=rules))
        FeedbackService(database, current).record(connection, batch.feedback)
    shown = run("feedback", "report", "--by", "scenario", "--by", "model")
    assert shown.code == 0
    assert "75.0 (" in shown.out
    assert "experiment" not in shown.out
    found = json.loads(run("feedback", "report", "--days", "60", "--json").out)
    assert [row["shown"] for row in found["rows"]] == [4, 2, 1]
    assert run("feedback", "report", "--by", "movie").code == 2
    exported = run("export", "feedback").out.splitlines()
    assert exported[0] == (
        "feedback_id,user,movie,kind,model,scenario,experiment,arm,place,timestamp"
    )
    assert len(exported) == 16
    assert exported[1].split(",")[1:9] == ["a", "10", "shown", "", "home", "", "", ""]
    database.dispose()
