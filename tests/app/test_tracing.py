"""Traces, as a collector receives them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from logging import INFO
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import ValidationError
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from app import config
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.core import tracing
from app.db.engine import Database
from app.http.middleware.tracing import StepMiddleware, TracingMiddleware
from app.jobs.schemas import TrainingOptions
from app.main import create_app
from app.training.pipeline import train
from tests.app.trainings import ENOUGH, people, store
from tests.app.world import World

USER = "somebody@example.com"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Receives spans as OTLP over HTTP."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = 200
        self.answers = Event()
        self.answers.set()

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]  # type: ignore[no-any-return, unused-ignore]

    @property
    def spans(self) -> list[Any]:
        """All spans, in the order in which they began."""
        found = [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def tree(self) -> dict[str, str]:
        """The name of each span's parent."""
        by_id = {span.span_id: span.name for span in self.spans}
        return {span.name: by_id.get(span.parent_span_id, "") for span in self.spans}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector of traces, to which those of this process are sent."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            found.answers.wait()
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield found
        server.shutdown()
        thread.join()


def values(span: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in span.attributes
    }


@pytest.fixture
def serve(world: World) -> Callable[..., Any]:
    """Serve, and end, so that all spans are sent."""

    @contextmanager
    def start(share: float) -> Iterator[TestClient]:
        settings = world.settings.model_copy(update={"trace_share": share})
        with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
            yield client

    return start


def test_a_trace_leads_from_the_request_to_cache_database_and_scores(
    serve: Callable[..., Any], collector: Collector
) -> None:
    with serve(1.0) as client:
        client.get("/recommendations/1?limit=3", headers={"X-Request-ID": "first"})
        client.get("/recommendations/1?limit=3", headers={"X-Request-ID": "second"})
    tree = collector.tree()
    request = "GET /recommendations/{user}"
    assert tree[request] == ""
    assert tree["cache"] == request
    assert tree["admission"] == request
    assert tree["endpoint"] == "admission"
    assert tree["scoring"] == "endpoint"
    assert "endpoint" in {parent for name, parent in tree.items() if name.startswith("SELECT ")}
    missed, hit = [values(span) for span in collector.spans if span.name == request]
    assert missed == {
        "http.request.method": "GET",
        "http.route": "/recommendations/{user}",
        "http.response.status_code": 200,
        "recommender.cache": "miss",
        "recommender.request_id": "first",
    }
    assert (hit["recommender.cache"], hit["recommender.request_id"]) == ("hit", "second")
    assert collector.names()[-1:] == [request], "a hit needs no more"
    (resource,) = {
        str(each.resource.attributes) for all_ in collector.requests for each in all_.resource_spans
    }
    assert "service.name" in resource


def test_no_span_holds_a_key_or_a_value(serve: Callable[..., Any], collector: Collector) -> None:
    with serve(1.0) as client:
        assert client.put(f"/users/{USER}/ratings/10", json={"liked": True}).status_code == 201
        assert client.get(f"/users/{USER}/ratings").status_code == 200
        assert client.get(f"/recommendations/{USER}?explain=3").status_code == 200
        assert client.put("/users/1/ratings/987654", json={"liked": True}).status_code == 404
    assert "PUT /users/{user}/ratings/{movie}" in collector.names()
    sent = b"".join(collector.bodies)
    assert USER.encode() not in sent
    assert b"somebody" not in sent
    assert b"987654" not in sent


def test_failures_are_marked_without_their_text(
    serve: Callable[..., Any], collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"no room for {USER}")

    with serve(1.0) as client:
        monkeypatch.setattr("app.recommendations.service.page", fail)
        with pytest.raises(RuntimeError):
            client.get("/recommendations/1")
        services = client.app.state.services
        with (
            tracing.begin("by hand"),
            services.find(Database).read() as connection,
            pytest.raises(DBAPIError),
        ):
            connection.execute(text("SELECT name FROM nowhere WHERE name = :name"), {"name": USER})
    failed = {span.name: values(span)["error.type"] for span in collector.spans if span.status.code}
    assert failed["GET /recommendations/{user}"] == "RuntimeError"
    assert failed["SELECT nowhere"]
    assert USER.encode() not in b"".join(collector.bodies)


@pytest.mark.parametrize(
    ("share", "flags", "with_key", "traced", "continued"),
    [
        (0.0001, "01", True, True, True),
        (1.0, "00", True, False, False),
        (1.0, "01", False, True, False),  # by the share alone
        (0.0001, "zz", True, False, False),
    ],
)
def test_a_caller_with_a_key_decides_by_traceparent(
    serve: Callable[..., Any],
    world: World,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    *,
    share: float,
    flags: str,
    with_key: bool,
    traced: bool,
    continued: bool,
) -> None:
    monkeypatch.setattr("app.http.middleware.tracing.random.random", lambda: 0.5)
    key = create_key(world.database, [Scope.READ], "a caller")
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}", "tracestate": "shop=1"}
    if with_key:
        headers["Authorization"] = f"Bearer {key.text}"
    with serve(share) as client:
        client.get("/recommendations/1", headers=headers)
    spans = [span for span in collector.spans if span.name.startswith("GET ")]
    assert bool(spans) == traced
    if spans:
        assert (spans[0].trace_id.hex() == TRACE) == continued
        assert (spans[0].parent_span_id.hex() == SPAN) == continued


def test_probes_and_polls_are_not_traced(serve: Callable[..., Any], collector: Collector) -> None:
    with serve(1.0) as client:
        client.get("/health/ready")
        client.get("/metrics")
        client.request("BREW", "/movies/10")
    assert set(collector.names()) == {"_OTHER /movies/{movie}", "cache", "admission", "endpoint"}


def test_a_training_shows_its_steps(
    database: Database, settings: Settings, collector: Collector
) -> None:
    store(database, people())
    options = TrainingOptions(from_scratch=True, hyper_parameters=ENOUGH, publish_anyway=True)
    traced = settings.model_copy(update={"trace_share": 0.01})
    train(database, traced, options, "a test")
    tree = collector.tree()
    steps = {name for name, parent in tree.items() if parent == "training"}
    assert {"snapshot", "split", "train", "judge", "publish", "prune"} <= steps
    assert {name for name, parent in tree.items() if parent == "train"} >= {"settings", "fit"}
    assert len({span.trace_id for span in collector.spans}) == 1
    (root,) = [span for span in collector.spans if span.name == "training"]
    assert values(root) == {"recommender.training_run": 1}


def test_a_collector_that_refuses_spans_is_said_once(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    exporter = tracing.make_exporter()
    for status in (200, 400, 400, 200):
        collector.status = status
        exporter.export([])
    away, back = [record.getMessage() for record in caplog.records if record.levelno >= INFO]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in away
    assert "again" in back


def test_a_collector_that_hangs_does_not_hold_up_the_end(
    serve: Callable[..., Any], collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "STOP_S", 0.01)
    collector.answers.clear()
    with serve(1.0) as client:
        client.get("/recommendations/1")
    assert not collector.answers.is_set(), "the service has ended before"
    collector.answers.set()


def test_what_cannot_be_loaded_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> SimpleNamespace | None:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name)
        return find_spec(name)  # type: ignore[return-value]

    monkeypatch.setattr(config, "find_spec", find)
    assert Settings().trace_share == 0, "not asked for"
    with pytest.raises(ValidationError, match=r'pip install "recommender\[otel\]"'):
        Settings(trace_share=0.01)


def test_a_service_that_traces_nothing_has_nothing_of_it(
    serve: Callable[..., Any], collector: Collector
) -> None:
    with serve(0.0) as client:
        client.get("/recommendations/1")
        stack = {each.cls for each in client.app.user_middleware}
        assert not any(event.contains(Engine, *each) for each in tracing.STATEMENTS.items())
    assert not stack & {TracingMiddleware, StepMiddleware}
    assert not collector.bodies
