"""Metrics for Prometheus, request ids, and the two formats of the log."""

import asyncio
import json
import logging
import re
import sys
from io import StringIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.core.logging import (
    BATCH_S,
    BatchHandler,
    JsonFormatter,
    LineFormatter,
    access_logger,
    log_config,
    request_id,
)
from app.core.polling import Poller
from app.core.remote import RemoteError
from app.live.model_reloader import ModelReloader
from app.main import create_app
from tests.app.conftest import ADDRESS

Figures = dict[str, float]


def figures(client: TestClient) -> Figures:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def change(before: Figures, after: Figures, name: str) -> float:
    return after.get(name, 0) - before.get(name, 0)


def requests(method: str, route: str, status: int) -> str:
    labels = f'method="{method}",route="{route}",status="{status}"'
    return f"recommender_http_requests_total{{{labels}}}"


def test_every_status_is_counted_by_the_template_of_its_route(client: TestClient) -> None:
    before = figures(client)
    for path in ("/movies/10", "/movies/20", "/movies/11", "/movies/%20", "/somebody"):
        client.get(path)
    client.post("/movies/10")
    client.request("BREW", "/movies/10")
    after = figures(client)
    movies = "/movies/{movie}"
    assert change(before, after, requests("GET", movies, 200)) == 2
    assert change(before, after, requests("GET", movies, 404)) == 1
    assert change(before, after, requests("GET", movies, 422)) == 1
    assert change(before, after, requests("GET", "-", 404)) == 1
    assert change(before, after, requests("POST", movies, 405)) == 1
    assert change(before, after, requests("other", movies, 405)) == 1
    assert not any("somebody" in name or "BREW" in name for name in after)


def test_latency_is_counted_by_the_template_of_its_route(client: TestClient) -> None:
    before = figures(client)
    client.get("/recommendations/1")
    client.get("/recommendations/1")
    after = figures(client)
    labels = 'method="GET",route="/recommendations/{user}"'
    assert change(before, after, f"recommender_http_request_seconds_count{{{labels}}}") == 2
    assert change(before, after, f"recommender_http_request_seconds_sum{{{labels}}}") > 0
    for outcome in ("miss", "hit"):
        name = f'recommender_cache_requests_total{{outcome="{outcome}"}}'
        assert change(before, after, name) == 1


def test_the_model_that_is_served_is_named(client: TestClient) -> None:
    assert figures(client)['recommender_model_workers{version="v1"}'] == 1


def test_fallbacks_and_scoring_are_counted(client: TestClient) -> None:
    before = figures(client)
    client.get("/recommendations/nobody")
    client.get("/recommendations/3")
    after = figures(client)
    assert change(before, after, 'recommender_fallbacks_total{reason="unknown_user"}') == 1
    assert change(before, after, "recommender_scoring_seconds_count") == 1


@pytest.mark.parametrize("given", ["abc", "A-1.b_2", "x" * 64])
def test_a_sane_request_id_is_kept(lone_client: TestClient, given: str) -> None:
    response = lone_client.get("/health/live", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'a"b', "a{b}", "é", None])
def test_any_other_is_replaced_by_one_of_ours(lone_client: TestClient, given: str | None) -> None:
    headers = {b"X-Request-ID": given.encode()} if given is not None else {}
    answers = [lone_client.get("/nothing", headers=headers) for _ in range(2)]
    ids = {answer.headers["X-Request-ID"] for answer in answers}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", id_) for id_ in ids)


def record(message: str, **attributes: Any) -> logging.LogRecord:
    made = logging.LogRecord("app.x", logging.WARNING, "x.py", 1, message, (), None)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_a_json_event_is_one_line_whatever_is_in_it() -> None:
    token = request_id.set("id-1")
    try:
        raise ValueError("two\nlines")  # noqa: TRY301
    except ValueError:
        event = record("a\n\u2028b", fields={"status": 503, "key": None}, exc_info=sys.exc_info())
        text = JsonFormatter().format(event)
    finally:
        request_id.reset(token)
    assert len(text.splitlines()) == 1
    parsed = json.loads(text)
    assert parsed["message"] == "a\n\u2028b"
    assert parsed["request_id"] == "id-1"
    assert parsed["status"] == 503
    assert "key" not in parsed
    assert "ValueError: two" in parsed["exception"]
    assert parsed["time"].endswith("+00:00")


def test_a_line_of_text_ends_with_the_request_id() -> None:
    assert LineFormatter().format(record("hello")).endswith("WARNING app.x: hello")
    token = request_id.set("id-1")
    assert LineFormatter().format(record("hello")).endswith("hello [id-1]")
    request_id.reset(token)


def batches(stream: StringIO) -> BatchHandler:
    handler = BatchHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def test_lines_of_requests_are_written_together_and_soon() -> None:
    stream = StringIO()
    handler = batches(stream)

    async def log_two() -> str:
        handler.emit(record("one"))
        handler.emit(record("two"))
        at_once = stream.getvalue()
        await asyncio.sleep(5 * BATCH_S)
        return at_once

    assert asyncio.run(log_two()) == ""
    assert stream.getvalue() == "one\ntwo\n"


def test_at_the_end_of_the_service_the_last_lines_are_written(
    lone_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StringIO()
    monkeypatch.setattr(access_logger, "handlers", [batches(stream)])
    monkeypatch.setattr("app.core.logging.BATCH_S", 3600)
    access_logger.setLevel(logging.INFO)
    try:
        with TestClient(create_app(lone_settings), base_url=ADDRESS) as client:
            client.get("/nothing")
            assert stream.getvalue() == ""
    finally:
        access_logger.setLevel(logging.NOTSET)
    assert stream.getvalue().startswith("GET - 404 ")


def test_probes_are_logged_when_they_begin_to_fail_and_when_they_succeed_again(
    lone_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = lone_client.app
    models = app.state.services.find(ModelReloader)  # type: ignore[attr-defined]
    served = models.revision
    caplog.set_level(logging.INFO, access_logger.name)
    for revision in (served, "0001", "0001", "0002", "0002", served, served):
        models.revision = revision
        lone_client.get("/health/ready")
        lone_client.get("/health/live")
    assert [line.partition(",")[0] for line in caplog.messages] == [
        "/health/ready 503: The database schema is at revision 0001",
        "/health/ready 503: The database schema is at revision 0002",
        "/health/ready 200 again",
    ]


def test_a_wrong_request_for_a_probe_is_logged_as_any_other(
    lone_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, access_logger.name)
    lone_client.post("/health/live")
    (line,) = caplog.messages
    assert line.startswith("POST /health/live 405 ")


@pytest.mark.parametrize(
    ("error", "with_traceback"),
    [
        (OperationalError("SELECT 1", {}, Exception("refused\nby 10.0.0.1")), False),
        (RemoteError("refused by 10.0.0.1"), False),
        (ValueError("refused by 10.0.0.1"), True),
    ],
)
def test_a_poll_that_keeps_failing_is_one_line_with_a_traceback_where_nobody_expects_it(
    error: Exception, with_traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([error, error, None, error])

    def poll() -> None:
        failure = next(failures)
        if failure is not None:
            raise failure

    poller = Poller("a", poll, 60, "cannot see; the last picture stays")
    assert [poller.poll_now() for _ in range(3)] == [False, False, True]
    (event,) = caplog.records
    assert event.getMessage() == "cannot see; the last picture stays: refused by 10.0.0.1"
    assert bool(event.exc_info) == with_traceback
    poller.poll_now()
    assert len(caplog.records) == 2


def test_a_line_that_cannot_be_made_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    stream = StringIO()
    handler = batches(stream)
    broken = record("%d", args=("x",))
    handler.emit(broken)
    handler.flush()
    assert stream.getvalue() == ""
    assert "Logging error" in capsys.readouterr().err


@pytest.mark.parametrize(("on_terminal", "expected"), [(True, "line"), (False, "json")])
def test_the_log_is_text_on_a_terminal_and_json_elsewhere(
    monkeypatch: pytest.MonkeyPatch, on_terminal: bool, expected: str
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: on_terminal)
    assert log_config(Settings())["handlers"]["stderr"]["formatter"] == expected
    assert log_config(Settings(log_format="json"))["handlers"]["stderr"]["formatter"] == "json"
