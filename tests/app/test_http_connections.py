"""Slow clients, and more connections than a worker can have."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

import pytest

from app.http.connections import (
    ANSWERED_ABOVE,
    BODY,
    END,
    HEAD,
    MAX_CONNECTIONS,
    NO_DESCRIPTOR,
    READER,
    REQUEST,
    RESERVED_DESCRIPTORS,
    Bounds,
    Connections,
)
from tests.app.http_world import Client, HttpWorld, http_world, until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
WAITS = b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n"
HEALTH = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
EARLY = 0.01


def run(test: Callable[[HttpWorld], Awaitable[None]], bound: int = 100) -> None:
    async def in_world() -> None:
        async with http_world(bound) as world:
            await test(world)

    asyncio.run(in_world())


async def received(world: HttpWorld, n_bytes: int) -> None:
    """Wait until the server has read so much of bodies."""
    await until(lambda: sum(each._n_received for each in world.connections) == n_bytes)  # type: ignore[attr-defined] # noqa: SLF001


@pytest.mark.parametrize("before", [b"", GET])
def test_a_request_whose_head_does_not_end_is_refused_after_a_time(before: bytes) -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(before)
        if before:
            await client.answer()
        client.send(GET[:-2])
        (connection,) = world.connections
        await until(lambda: connection._unparsed > 0)  # type: ignore[attr-defined] # noqa: SLF001
        world.pass_seconds(HEAD.seconds - EARLY)
        assert not client.reader.at_eof()
        world.pass_seconds(HEAD.seconds)
        answer = await client.answer()
        assert (answer.status, answer.body[:25]) == (408, b'{"error":"RequestTimeout"')
        assert await client.rest() == b""

    run(test)


@pytest.mark.parametrize(("before", "limit"), [(b"", HEAD), (GET, REQUEST)])
def test_a_connection_without_a_request_is_closed_after_a_time(before: bytes, limit: HEAD) -> None:  # type: ignore[valid-type]
    async def test(world: HttpWorld) -> None:
        client = await world.connect(before)
        if before:
            await client.answer()
        world.pass_seconds(limit.seconds - EARLY)  # type: ignore[attr-defined]
        assert len(world.connections) == 1
        world.pass_seconds(limit.seconds)  # type: ignore[attr-defined]
        assert await client.rest() == b""

    run(test)


def test_a_body_may_take_as_long_as_it_makes_progress() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(POST)
        await until(lambda: world.application.n_begun == 1)
        now = 0.0
        for n in range(1, 5):
            world.connections.check(now)
            client.send(b"x" * BODY.part)
            await received(world, n * BODY.part)
            now += BODY.seconds
            world.connections.check(now)
        assert not world.application.is_left
        client.send(b"x" * (BODY.part - 1))
        await received(world, 5 * BODY.part - 1)
        world.connections.check(now + BODY.seconds)
        assert (await client.answer()).status == 408
        await until(lambda: world.application.is_left)
        assert await client.rest() == b""

    run(test)


def test_a_request_that_is_being_answered_has_no_time_limit() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(WAITS)
        await until(lambda: world.application.n_begun == 1)
        world.pass_seconds(10**6)
        world.application.goes_on.set()
        assert (await client.answer()).status == 200

    run(test)


async def connect_without_reading(world: HttpWorld, data: bytes) -> Client:
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    own.connect(world.address)
    client = Client(*await asyncio.open_connection(sock=own, limit=1))
    world.clients.append(client)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(data)
    await until(lambda: bool(world.writes))
    return client


def test_a_client_that_does_not_read_its_response_is_closed_after_a_time() -> None:
    async def test(world: HttpWorld) -> None:
        await connect_without_reading(world, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.05)  # for what the kernel takes at once
        world.pass_seconds(READER.seconds - EARLY)
        assert len(world.connections) == 1
        world.pass_seconds(READER.seconds)
        await until(lambda: len(world.connections) == 0)

    run(test)


def test_a_client_that_does_not_close_after_its_last_response_is_closed_after_a_time() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(b"no HTTP\r\n\r\n")
        assert (await client.answer()).status == 400
        world.pass_seconds(END.seconds - EARLY)
        assert len(world.connections) == 1
        world.pass_seconds(END.seconds)
        await until(lambda: len(world.connections) == 0)

    run(test)


def test_at_the_bound_a_new_connection_takes_the_place_of_the_longest_idle_one() -> None:
    async def test(world: HttpWorld) -> None:
        busy = await world.connect(WAITS)
        await until(lambda: world.application.n_begun == 1)
        half, kept = await world.connect(), await world.connect()
        half.send(GET[:-2])
        kept.send(GET)
        await kept.answer()
        new = await world.connect(GET)
        assert (await new.answer()).status == 200
        assert await half.rest() == b""
        kept.send(GET)
        assert (await kept.answer()).status == 200
        world.application.goes_on.set()
        assert (await busy.answer()).status == 200

    run(test, bound=3)


def test_where_all_connections_are_in_use_a_new_one_is_told_so_but_health_is_answered() -> None:
    async def test(world: HttpWorld) -> None:
        for _ in range(2):
            await world.connect(WAITS)
        await until(lambda: world.application.n_begun == 2)
        refused = await world.connect(GET)
        answer = await refused.answer()
        assert (answer.status, answer.body[:28]) == (503, b'{"error":"ServiceOverloaded"')
        assert b"retry-after: 1\r\n" in answer.head
        assert await refused.rest() == b""
        health = await world.connect(HEALTH)
        answer = await health.answer()
        assert answer.status == 200
        assert b"connection: close\r\n" in answer.head
        assert len(world.application.seen) == 3

    run(test, bound=2)


def test_far_above_the_bound_a_connection_is_closed_at_once() -> None:
    async def test(world: HttpWorld) -> None:
        for n in range(ANSWERED_ABOVE + 1):
            await world.connect(WAITS if n == 0 else HEALTH.replace(b"live", b"waits"))
            await until(lambda n=n: world.application.n_begun == n + 1)  # type: ignore[misc]
        client = Client(*await asyncio.open_connection(*world.address))
        world.clients.append(client)
        assert await client.rest() == b""
        assert len(world.connections) == ANSWERED_ABOVE + 1

    run(test, bound=1)


def test_thousands_of_half_sent_requests_do_not_stop_others() -> None:
    async def test(world: HttpWorld) -> None:
        for _ in range(500):
            await world.connect(GET[:-2])
        client = await world.connect(GET)
        assert (await client.answer()).status == 200
        await until(lambda: len(world.connections) <= 100)
        world.pass_seconds(HEAD.seconds)
        world.pass_seconds(END.seconds)
        await until(lambda: len(world.connections) == 1)  # the one that is kept

    run(test)


def test_what_is_dropped_within_a_second_is_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(world: HttpWorld) -> None:
        world.connections.check(0.0)
        for _ in range(3):
            await (await world.connect(b"no HTTP\r\n\r\n")).answer()
        for _ in range(1000):
            asyncio.get_running_loop().call_exception_handler({"message": NO_DESCRIPTOR})
        world.connections.check(0.1)
        world.connections.check(0.2)

    with caplog.at_level(logging.INFO):
        run(test)
    (line,) = caplog.messages
    assert line == "closed connections within a second: {'invalid': 3, 'no_descriptor': 1000}"


def test_another_failure_in_the_event_loop_is_logged_as_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(world: HttpWorld) -> None:
        world.connections.check(0.0)
        asyncio.get_running_loop().call_exception_handler({"message": "something else"})

    run(test)
    assert caplog.messages == ["something else"]


@pytest.mark.parametrize("descriptors", [256, 1024, 4096, 20_000, 2**20])
def test_the_bounds_leave_descriptors_for_files_and_for_what_is_being_accepted(
    descriptors: int,
) -> None:
    bounds = Bounds.of(descriptors)
    assert 0 < bounds.connections <= MAX_CONNECTIONS
    assert bounds.backlog > 0
    used = RESERVED_DESCRIPTORS + bounds.connections + 4 * bounds.backlog
    assert used <= descriptors


def test_connections_are_forgotten_when_they_close() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET)
        await client.answer()
        client.writer.close()
        await until(lambda: len(world.connections) == 0)
        assert Connections(1).are_too_many is False

    run(test)
