"""Requests over all routes, and that they are answered as they always were.

What is answered on purpose in another way is recorded anew with

    RECOMMENDER_TEST_RECORD=1 pytest tests/app/test_recorded_responses.py

and a further request needs no more than its line in one of the files; `tests.app.recording` says
what can be in it. Numbers with a fraction may differ in their last bits, as they do between
processors; RECOMMENDER_TEST_EXACT_RESPONSES=1 asks for every byte, as a change of the code alone
has to keep it. Each file has a service and a database to itself.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.engine import Database
from app.main import create_app
from tests.app.recorded_world import add_keys, fill, freeze, freeze_limits
from tests.app.recording import Sender, difference, read, write

FILES = sorted((Path(__file__).parent / "recorded").glob("*.json"))
RECORDS = "RECOMMENDER_TEST_RECORD" in os.environ
EXACT = "RECOMMENDER_TEST_EXACT_RESPONSES" in os.environ
MOST_SHOWN = 5
NONE: dict[str, Any] = {"status": None, "headers": []}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_requests_are_answered_as_recorded(
    path: Path, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = read(path)
    if RECORDS and not database.is_sqlite:
        pytest.skip("it is recorded on SQLite")
    freeze(monkeypatch, database)
    # A path without a name that is drawn for each test: some errors name a file.
    monkeypatch.chdir(tmp_path)
    models_dir = Path("models")
    if recording["filled"]:
        fill(database, models_dir)
    if recording["keys"]:
        add_keys(database)
    address = database.url.render_as_string(hide_password=False)
    settings = {**recording["settings"], "database_url": address, "models_dir": models_dir}
    app = create_app(Settings(**settings))
    different = []
    with TestClient(app, base_url=recording["address"], raise_server_exceptions=False) as client:
        freeze_limits(app)
        sender = Sender(client)
        for number, exchange in enumerate(recording["exchanges"], 1):
            app.state.draining.value = exchange.get("draining", False)
            answer = sender.send(exchange)
            if RECORDS:
                exchange["answer"] = answer
            elif lines := difference(exchange.get("answer", NONE), answer, exact=EXACT):
                different.append("\n".join([f"{number}. {exchange['request']}", *lines]))
    if RECORDS:
        write(path, recording)
    shown = "\n\n".join(different[:MOST_SHOWN])
    assert not different, f"{path.name}: {len(different)} answers differ\n\n{shown}"


def routes_of(routes: Iterable[Any]) -> Iterable[Any]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from routes_of(inner.routes) if inner else [route]


def test_every_route_is_recorded() -> None:
    routes = list(routes_of(create_app().routes))
    missing = {(method, route.path) for route in routes for method in route.methods}
    for path in FILES:
        for exchange in read(path)["exchanges"]:
            method, address = exchange["request"].split(" ", 1)
            asked = address.partition("?")[0]
            fitting = (r for r in routes if method in r.methods and r.path_regex.match(asked))
            if (route := next(fitting, None)) is not None:
                missing.discard((method, route.path))
    assert not missing
