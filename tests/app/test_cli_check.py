"""`recommender check`: everything is ok, or what to do is said."""

import json
import re
import socket
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from shutil import copytree
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import insert, update

from app.auth.scopes import Scope
from app.auth.service import create_key, revoke_key
from app.cli import checks
from app.db import tables
from app.db.engine import Database
from app.db.schema import downgrade
from app.db.sql import now
from tests.app.command_line import Run, files_in, runner
from tests.app.service_process import free_port
from tests.app.world import activate, make_rbm, publish

NAMES = ["settings", "database", "disk", "ports", "models", "backups", "clock", "keys"]


@pytest.fixture
def here(filled: Path, tmp_path: Path) -> Path:
    return copytree(filled, tmp_path / "here")


@pytest.fixture
def own(here: Path) -> Database:
    return Database(f"sqlite:///{here / 'own.db'}")


@pytest.fixture
def run(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    run = runner(here, monkeypatch, capsys)
    port = str(free_port())
    return lambda *given, **set_: run(*given, **{"RECOMMENDER_PORT": port, **set_})


def checked(run: Run, code: int, **variables: str) -> dict[str, tuple[str, str]]:
    """State and text of each check."""
    ended = run("check", "--json", **variables)
    answer = json.loads(ended.out)
    assert (ended.code, answer["ok"], ended.err) == (code, code == 0, "")
    assert [each["name"] for each in answer["checks"]] == NAMES
    return {each["name"]: (each["state"], each["text"]) for each in answer["checks"]}


def test_an_installation_that_works_is_ok_and_left_as_it_is(
    run: Run, here: Path, own: Database
) -> None:
    back_up_once(own, good=True)
    own.dispose()
    before = files_in(here)
    ended = run("check")
    lines = [line.split(maxsplit=2) for line in ended.out.splitlines()]
    assert [line[:2] for line in lines] == [["ok", name] for name in NAMES]
    assert (ended.code, ended.err) == (0, "")
    assert lines[4][2] == "v1 is active, 1 in all, all whole"
    assert files_in(here) == before


def back_up_once(database: Database, *, good: bool) -> None:
    """Record a back-up two days ago: the next one is due now, or was due a day ago."""
    begun = datetime.now(UTC) - timedelta(days=2)
    values = {
        "due_at": begun, "started_at": begun, "finished_at": begun, "name": "b.tar", "bytes": 1,
        "next_at": begun + timedelta(days=3 if good else 1),
    }  # fmt: skip
    with database.unit_of_work() as connection:
        connection.execute(insert(tables.backups).values(**values))


def test_with_a_wrong_setting_nothing_else_is_looked_at(run: Run) -> None:
    found = checked(run, 2, RECOMMENDER_WORKRES="2")
    said = "RECOMMENDER_WORKRES is not a setting; did you mean RECOMMENDER_WORKERS?"
    assert found.pop("settings") == ("failed", said)
    assert set(found.values()) == {("skipped", "see settings")}


def test_without_a_database_the_others_are_checked_and_no_file_is_made(
    run: Run, here: Path
) -> None:
    found = checked(run, 2, RECOMMENDER_DATABASE_URL="sqlite:///vra/own.db")
    assert "run `recommender db upgrade`" in found["database"][1]
    states = [state for state, _ in found.values()]
    assert states == ["ok", "failed", "ok", "ok", *["skipped"] * 4]
    assert not (here / "vra").exists()


def test_a_database_that_is_away_is_named_without_its_password(run: Run) -> None:
    away = "postgresql://me:secret@127.0.0.1:9/films"
    state, said = checked(run, 2, RECOMMENDER_DATABASE_URL=away)["database"]
    assert (state, "secret" in said, "127.0.0.1" in said) == ("failed", False, True)


def test_a_schema_that_is_behind_says_what_to_run(run: Run, own: Database) -> None:
    downgrade(own, "0001")
    state, said = checked(run, 2)["database"]
    assert state == "failed"
    assert "is at revision 0001" in said
    assert "recommender db upgrade" in said


def test_a_damaged_model_fails_where_it_is_active_and_is_a_warning_elsewhere(
    run: Run, here: Path, own: Database
) -> None:
    publish(own, here / "models", "v2", make_rbm(seed=2))
    (here / "models" / "v1" / "W.npy").write_bytes(b"")
    said = "damaged: v1; `recommender models remove`, or restore them"
    assert checked(run, 0)["models"] == ("warning", said)
    (here / "models" / "v2" / "W.npy").unlink()
    state, said = checked(run, 2)["models"]
    assert (state, "W.npy" in said) == ("failed", True)


def test_a_back_up_that_is_late_is_a_warning(run: Run, own: Database) -> None:
    assert checked(run, 0)["backups"][0] == "warning"
    back_up_once(own, good=False)
    assert checked(run, 0)["backups"] == (
        "warning",
        "the last good one is 48.0 hours old, the next one 24.0 hours late; does its process run?",
    )


def test_a_model_that_is_damaged_in_the_store_fails_though_a_copy_can_be_read(
    run: Run, here: Path
) -> None:
    store = copytree(here / "models", here / "store")
    there = {"RECOMMENDER_MODELS_URL": store.as_uri(), "RECOMMENDER_MODELS_DIR": "copies"}
    assert checked(run, 0, **there)["models"][0] == "ok"
    (store / "v1" / "W.npy").write_bytes(b"")
    state, said = checked(run, 2, **there)["models"]
    assert (state, said.partition(":")[0], "/store/v1 is damaged" in said) == (
        "failed",
        "file",
        True,
    )


def test_without_a_model_the_next_step_is_named(run: Run, own: Database) -> None:
    activate(own, None)
    assert checked(run, 0)["models"] == (
        "warning", "none is active, so that all lists are popular: `recommender models rollback`",
    )  # fmt: skip


def test_a_full_disk_fails_and_one_that_is_nearly_full_is_a_warning(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "FEW", 10**15)
    assert checked(run, 0)["disk"][0] == "warning"
    monkeypatch.setitem(checks.MIN_FREE_BYTES, "temporary", 10**18)
    state, said = checked(run, 2)["disk"]
    assert (state, said.startswith("temporary ")) == ("failed", True)


class Answers(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"status": "live"}', "ok"),
        (b'{"error": "HostNotAllowed", "detail": ""}', "ok"),
        (b"# HELP recommender_requests", "ok"),
        (b'{"status": "up"}', "failed"),
        (b"[]", "failed"),
        (b"<html>", "failed"),
    ],
)
def test_a_port_may_be_taken_by_this_service_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, body: bytes, state: str
) -> None:
    monkeypatch.setattr(Answers, "body", body)
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = str(server.server_port)
        found = checked(run, 0 if state == "ok" else 2, RECOMMENDER_METRICS_PORT=port)
        server.shutdown()
    assert found["ports"][0] == state
    assert port in found["ports"][1]


def test_a_program_that_does_not_speak_http_is_another_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ASK_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        state, said = checked(run, 2, RECOMMENDER_PORT=port)["ports"]
    assert state == "failed"
    assert said.endswith("Choose another port with RECOMMENDER_PORT")


def test_a_clock_that_was_set_back_is_noticed_by_what_the_database_holds(
    run: Run, own: Database
) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    with own.unit_of_work() as connection:
        connection.execute(update(tables.model_versions).values(created_at=later))
    state, said = checked(run, 2)["clock"]
    assert (state, f"a model of {later:%Y-%m-%d}" in said) == ("failed", True)


def test_a_network_needs_a_key(run: Run, own: Database, here: Path) -> None:
    anywhere = {"RECOMMENDER_HOST": "0.0.0.0"}  # noqa: S104 (nothing is served)
    file = {"RECOMMENDER_BOOTSTRAP_ADMIN_KEY_FILE": "keys/admin"}
    state, said = checked(run, 2, **anywhere)["keys"]
    assert (state, "recommender keys create" in said) == ("failed", True)
    assert checked(run, 0, **anywhere, **file)["keys"] == (
        "ok", "the first one is made when the service starts, and written to keys/admin",
    )  # fmt: skip
    assert not (here / "keys").exists()
    (here / "keys").mkdir()
    (here / "keys" / "admin").write_text("weak")
    state, said = checked(run, 2, **anywhere, **file)["keys"]
    assert (state, "does not hold a key" in said) == ("failed", True)
    key = create_key(own, [Scope.READ], "shop")
    assert checked(run, 0, **anywhere)["keys"] == ("ok", "1 valid")
    revoke_key(own, key.prefix)
    assert checked(run, 0, **anywhere)["keys"][0] == "warning"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_is_compared_with_this_machine(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"RECOMMENDER_DATABASE_URL": database.url.render_as_string(hide_password=False)}
    found = checked(run, 0, **there)
    assert ": 1 x 25 of its " in found["database"][1]
    assert found["clock"][1].endswith("from that of the database")
    assert checked(run, 0, **there, RECOMMENDER_WORKERS="50")["database"][0] == "warning"
    monkeypatch.setattr(checks, "now", lambda at: now(at) - timedelta(minutes=1))
    state, said = checked(run, 2, **there)["clock"]
    assert state == "failed"
    assert re.match(r"this machine is (59|60|61)\.. s ahead of the database", said)
