"""Admission: scopes before bodies, places in lanes, and refusals."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from threading import Event
from typing import Any

import anyio.to_thread
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.types import Message

from app.auth.dependencies import Requires
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.core import metrics
from app.db.limits import REQUESTS
from app.db.revisions import UserRevisions
from app.http.handlers import handle_errors
from app.http.middleware import admission
from app.http.middleware.admission import OPERATORS, READS, WRITES, AdmissionMiddleware, Lane
from app.live.model_reloader import ModelReloader
from app.main import create_app
from tests.app.world import World

WAIT_S = 30


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


# The lane


async def settle() -> None:
    """Let all tasks go as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


def refuses(lane: Lane) -> bool:
    return lane.is_full


async def full_lane(clock: Clock, places: int = 2, waiting: int = 0) -> tuple[Lane, list[Any]]:
    lane = Lane("reads", places, clock)
    for _ in range(places):
        assert await lane.enter()
    waiters = [asyncio.create_task(lane.enter()) for _ in range(waiting)]
    await settle()
    return lane, waiters


def test_places_are_passed_on_in_the_order_of_arrival() -> None:
    async def run() -> None:
        lane, (first, second) = await full_lane(Clock(), waiting=2)
        assert not first.done()
        lane.leave(0.01)
        assert await first
        assert not second.done()
        lane.leave(0.01)
        assert await second
        assert lane.in_progress == 2
        lane.leave(0.01)
        lane.leave(0.01)
        assert lane.in_progress == 0

    asyncio.run(run())


def test_a_burst_waits_as_long_as_its_end_is_near_and_what_is_beyond_is_refused_at_once() -> None:
    async def run() -> None:
        lane, waiters = await full_lane(Clock())
        while not refuses(lane):
            waiters.append(asyncio.create_task(lane.enter()))
            await settle()
        assert len(waiters) == admission.BURST_S / lane.seconds_each == 10
        assert not await lane.enter()
        for _ in waiters:
            lane.leave()
        assert all(await asyncio.gather(*waiters))

    asyncio.run(run())


def test_a_queue_that_stands_takes_few_and_one_that_was_empty_takes_a_burst_again() -> None:
    async def run() -> None:
        clock = Clock()
        lane, waiters = await full_lane(clock, waiting=3)
        assert not refuses(lane)
        clock.now += 2 * admission.BURST_S
        assert refuses(lane)
        lane.leave()
        lane.leave()
        assert not refuses(lane), "one waits, for less than the short time"
        lane.leave()
        waiters.append(asyncio.create_task(lane.enter()))
        await settle()
        waiters += [asyncio.create_task(lane.enter()) for _ in range(4)]
        await settle()
        assert not refuses(lane)
        for _ in range(5):
            lane.leave()
        assert all(await asyncio.gather(*waiters))

    asyncio.run(run())


def test_where_requests_are_slow_as_many_may_wait_as_work() -> None:
    async def run() -> None:
        lane, waiters = await full_lane(Clock(), places=4)
        lane.seconds_each = 3.0
        while not refuses(lane):
            waiters.append(asyncio.create_task(lane.enter()))
            await settle()
        assert len(waiters) == 4
        for _ in waiters:
            lane.leave()
        assert all(await asyncio.gather(*waiters))

    asyncio.run(run())


def test_the_expected_time_follows_the_work_that_is_shared_by_those_in_progress() -> None:
    async def run() -> None:
        lane, _ = await full_lane(Clock(), places=4)
        for _ in range(100):
            lane.in_progress = 4
            lane.leave(2.0)
        assert lane.seconds_each == pytest.approx(0.5, rel=0.01)

    asyncio.run(run())


def test_behind_work_that_hangs_a_request_is_refused_after_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        lane, waiters = await full_lane(Clock(), waiting=3)
        assert await asyncio.gather(*waiters) == [False] * 3
        assert lane.in_progress == 2
        lane.leave()
        assert lane.in_progress == 1, "nobody is left to take the place"

    monkeypatch.setattr(admission, "MAX_WAIT_S", 0)
    asyncio.run(run())


@pytest.mark.parametrize("has_its_turn", [False, True])
def test_a_request_that_is_cancelled_takes_no_place(has_its_turn: bool) -> None:
    async def run() -> None:
        lane, (first, second) = await full_lane(Clock(), waiting=2)
        if has_its_turn:
            lane.leave()
        first.cancel()
        if not has_its_turn:
            lane.leave()
        assert await second
        assert first.cancelled()
        assert lane.in_progress == 2
        lane.leave()
        lane.leave()
        assert lane.in_progress == 0

    asyncio.run(run())


def test_the_lanes_leave_threads_and_connections_for_the_rest() -> None:
    async def threads() -> float:
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    places = READS + WRITES + OPERATORS
    assert places <= asyncio.run(threads()) / 2
    assert places < REQUESTS.connections


# The middleware, in front of routes that wait until they are told to go on


class Body(BaseModel):
    n: int


class Service:
    """An application whose threads wait, and that is asked without a server."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.begun: list[str] = []
        app = FastAPI()
        handle_errors(app, [], {})

        def work(request: Request) -> str:
            self.begun.append(request.url.path)
            assert self.go_on.wait(WAIT_S)
            return "done"

        def stream() -> StreamingResponse:
            def parts() -> Iterator[bytes]:
                yield b"first"
                assert self.go_on.wait(WAIT_S)

            return StreamingResponse(parts())

        async def event() -> str:
            return "done"

        def read_body(body: Body) -> int:
            return body.n

        app.get("/read/{n}")(work)
        app.put("/write/{n}")(work)
        app.get("/admin/{n}")(work)
        app.get("/health/ready")(lambda: "ready")
        app.get("/metrics")(lambda: "figures")
        app.get("/event")(event)
        app.get("/stream")(stream)
        app.post("/recommendations")(read_body)
        self.app = app
        self.admission = AdmissionMiddleware(app, routes=app.routes)

    async def ask(
        self, method: str, path: str, receive: Callable[[], Awaitable[Message]] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def nothing_more() -> Message:
            await asyncio.sleep(WAIT_S)
            return {"type": "http.disconnect"}

        scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "app": self.app,
            "headers": [(b"content-type", b"application/json")], "http_version": "1.1",
            "scheme": "http", "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        await self.admission(scope, receive or nothing_more, send)
        if not sent:
            return 0, {}, b""
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], headers, body

    async def fill(self, method: str, path: str, lane: Lane) -> list[asyncio.Task[Any]]:
        """Take all places, and let as many wait as may."""
        lane.seconds_each = 1.0
        tasks = [
            asyncio.create_task(self.ask(method, path.format(n))) for n in range(2 * lane.places)
        ]
        await self.until(lambda: lane.is_full and lane.in_progress == lane.places)
        return tasks

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():  # noqa: ASYNC110 - threads know no event of a loop
                await asyncio.sleep(0.001)


def in_service(run: Callable[[Service], Awaitable[None]]) -> None:
    service = Service()

    async def to_the_end() -> None:
        try:
            await run(service)
        finally:
            service.go_on.set()

    asyncio.run(to_the_end())


def test_a_full_lane_refuses_and_the_others_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_WAIT_S", WAIT_S)

    async def run(service: Service) -> None:
        tasks = await service.fill("GET", "/read/{}", service.admission.reads)
        status, headers, body = await service.ask("GET", "/read/99")
        assert status == 503
        assert int(headers["retry-after"]) in admission.RETRY_S
        assert json.loads(body)["error"] == "ServiceOverloaded"
        for path in ("/health/ready", "/metrics", "/event"):
            assert (await service.ask("GET", path))[0] == 200
        assert (await service.ask("GET", "/nothing"))[0] == 404
        write = asyncio.create_task(service.ask("PUT", "/write/1"))
        await service.until(lambda: "/write/1" in service.begun)
        page = asyncio.create_task(service.ask("GET", "/admin/1"))
        await service.until(lambda: "/admin/1" in service.begun)
        service.go_on.set()
        answers = await asyncio.gather(*tasks, write, page)
        assert {status for status, _, _ in answers} == {200}
        assert "/read/99" not in service.begun

    in_service(run)


def test_writes_that_hang_leave_the_reads_alone() -> None:
    async def run(service: Service) -> None:
        await service.fill("PUT", "/write/{}", service.admission.writes)
        assert (await service.ask("PUT", "/write/99"))[0] == 503
        read = asyncio.create_task(service.ask("GET", "/read/1"))
        await service.until(lambda: "/read/1" in service.begun)
        service.go_on.set()
        assert (await read)[0] == 200

    in_service(run)


def test_a_client_that_goes_while_it_waits_is_not_worked_for() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def run(service: Service) -> None:
        lane = service.admission.reads
        tasks = [asyncio.create_task(service.ask("GET", f"/read/{n}")) for n in range(lane.places)]
        await service.until(lambda: len(service.begun) == lane.places)
        waiting = asyncio.create_task(service.ask("GET", "/read/gone", gone))
        await settle()
        service.go_on.set()
        assert (await waiting)[0] == 0
        await asyncio.gather(*tasks)
        assert "/read/gone" not in service.begun
        assert lane.in_progress == 0

    in_service(run)


def test_a_place_is_free_when_the_response_begins() -> None:
    async def run(service: Service) -> None:
        lane = service.admission.reads
        downloads = [asyncio.create_task(service.ask("GET", "/stream")) for _ in range(lane.places)]
        await service.until(lambda: lane.in_progress == lane.places)
        await service.until(lambda: lane.in_progress == 0)
        assert not any(task.done() for task in downloads)
        service.go_on.set()
        assert [status for status, _, _ in await asyncio.gather(*downloads)] == [200] * lane.places

    in_service(run)


def test_a_body_takes_no_place_until_it_has_come() -> None:
    async def run(service: Service) -> None:
        lane, end = service.admission.reads, asyncio.Event()
        parts = [b'{"n": ', b"7}"]

        async def slow() -> Message:
            if len(parts) == 1:
                await end.wait()
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        sending = asyncio.create_task(service.ask("POST", "/recommendations", slow))
        await service.until(lambda: len(parts) == 1)
        assert lane.in_progress == 0
        end.set()
        assert (await sending)[::2] == (200, b"7")

    in_service(run)


def test_the_body_of_a_refused_request_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unread() -> Message:
        raise AssertionError

    async def run(service: Service) -> None:
        monkeypatch.setattr(Lane, "is_full", property(lambda _: True))
        assert (await service.ask("POST", "/recommendations", unread))[0] == 503

    in_service(run)


def test_a_body_that_is_cut_off_is_not_worked_on() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def run(service: Service) -> None:
        assert (await service.ask("POST", "/recommendations", gone))[0] == 0
        assert service.admission.reads.in_progress == 0

    in_service(run)


# The whole service


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_overloaded_service_answers_what_costs_little(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/recommendations/1?limit=5"
    services = client.app.state.services  # type: ignore[attr-defined]
    services.find(ModelReloader).refresh()  # likes are counted once after the start
    cached = client.get(path)
    monkeypatch.setattr(Lane, "is_full", property(lambda _: True))
    monkeypatch.setattr(admission, "LOG_EVERY_S", 0)
    monkeypatch.setattr(
        UserRevisions, "is_fresh", lambda _: True
    )  # whatever else this machine does
    before = metrics.refusals.labels("reads")._value.get()  # noqa: SLF001
    with caplog.at_level(logging.INFO):
        for method, refused in (
            ("GET", "/recommendations/2"), ("HEAD", "/recommendations/2"), ("GET", "/movies"),
            ("PUT", "/users/1/ratings/10"), ("DELETE", "/users/1"), ("POST", "/features"),
            ("GET", "/"),
        ):  # fmt: skip
            response = client.request(method, refused)
            assert response.status_code == 503, refused
            assert response.headers["Retry-After"] in {str(s) for s in admission.RETRY_S}
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            if method != "HEAD":
                assert response.json()["error"] == "ServiceOverloaded"
        assert client.get(path).content == cached.content  # the log is written meanwhile
    assert metrics.refusals.labels("reads")._value.get() == before + 5  # noqa: SLF001
    assert any("refused within" in line for line in caplog.messages)
    each = [record for record in caplog.records if record.name == "recommender.access"]
    assert [record.message[:20] for record in each] == ["GET /recommendations"]
    fresh = client.get(path, headers={"If-None-Match": cached.headers["ETag"]})
    assert fresh.status_code == 304
    for free in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"):
        assert client.get(free).status_code == 200
    page = client.get("/admin")
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert "Retry-After" in page.headers


OPEN_PATHS = ("/health/", "/docs", "/guide", "/static/", "/openapi.json", "/admin")


def required(context: RouteContext) -> list[Requires]:
    called = [depends.dependency for depends in getattr(context, "dependencies", [])]
    return [each for each in called if isinstance(each, Requires)]


def protected() -> Iterator[tuple[str, str, Scope]]:
    """Method, a path and the scope of every route that needs one."""
    for context in iter_route_contexts(create_app().routes):
        for requires in required(context):
            names = dict.fromkeys(context.param_convertors, "1")
            for method in context.methods or ():
                yield method, (context.path_format or "").format(**names), requires.scope


def test_every_route_names_the_scope_that_it_needs() -> None:
    for context in iter_route_contexts(create_app().routes):
        path = context.path or ""
        is_open = path == "/" or path.startswith(OPEN_PATHS)
        assert len(required(context)) == (not is_open), path


SMALLER = {Scope.READ: Scope.WRITE, Scope.WRITE: Scope.READ, Scope.ADMIN: Scope.READ}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_scope_is_checked_before_the_body_is_read(
    world: World, connect_to: Callable[..., TestClient]
) -> None:
    keys = {scope: create_key(world.database, [scope], "").text for scope in Scope}
    settings = world.settings.model_copy(
        update={"public_page": False, "address_rate_limit": 0, "key_rate_limit": 0}
    )
    app = connect_to(settings).app

    async def ask(method: str, path: str, key: str | None) -> int:
        sent: list[Message] = []

        async def unread() -> Message:
            raise AssertionError(path)

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [
            (b"host", b"127.0.0.1"), (b"content-type", b"application/json"),
            (b"content-length", b"9"),
        ]  # fmt: skip
        if key is not None:
            headers.append((b"authorization", f"Bearer {key}".encode()))
        scope = {"type": "http", "method": method, "path": path, "query_string": b"%",
                 "headers": headers, "http_version": "1.1"}  # fmt: skip
        await app(scope, unread, send)
        return int(sent[0]["status"])

    for method, path, needed in protected():
        assert asyncio.run(ask(method, path, None)) == 401, (method, path)
        assert asyncio.run(ask(method, path, "abc.wrong")) == 401, (method, path)
        assert asyncio.run(ask(method, path, keys[SMALLER[needed]])) == 403, (method, path)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_malformed_json_without_a_key_is_unauthorized(
    world: World, connect_to: Callable[..., TestClient]
) -> None:
    key = create_key(world.database, [Scope.WRITE], "").text
    client = connect_to(world.settings)

    def status(method: str, path: str, **headers: str) -> int:
        headers |= {"Content-Type": "application/json"}
        return client.request(method, path, content=b"{malformed", headers=headers).status_code

    assert status("PUT", "/users/1/ratings/10") == 401
    assert status("PUT", "/users/1/ratings/10", Authorization=f"Bearer {key}") == 422
    assert status("POST", "/movies", Authorization=f"Bearer {key}") == 403
