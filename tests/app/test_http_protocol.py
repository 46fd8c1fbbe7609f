"""HTTP on raw connections: strictness, bounds of a head, and one write for a response."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from app.http.protocol import MAX_HEAD, MAX_HEADERS, MAX_PIPELINED
from tests.app.http_world import LARGE, HttpWorld, http_world, until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def run(test: Callable[[HttpWorld], Awaitable[None]]) -> None:
    async def in_world() -> None:
        async with http_world() as world:
            await test(world)

    asyncio.run(in_world())


AMBIGUOUS = {
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "a length with a sign": POST + b"Content-Length: +1\r\n\r\na",
    "a length in hexadecimal": POST + b"Content-Length: 0x1\r\n\r\na",
    "an empty length": POST + b"Content-Length:\r\n\r\na",
    "a huge length": POST + b"Content-Length: 99999999999999999999\r\n\r\na",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "a folded encoding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "LF for CRLF": b"GET / HTTP/1.1\nHost: a\n\n",
    "LF behind a header": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "LF at the end": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "CR in a header": b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 1\r\n\r\na",
    "a space before the name": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "another encoding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an encoding behind chunks": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "an encoding in a list": POST + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    "an unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "encoded twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
    "a chunk size with LF": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + b"1\r\naX0\r\n\r\n",
    "a space behind a chunk size": CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
    "a chunk size with 0x": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
    "a chunk size of 65 bits": CHUNKED + b"10000000000000001\r\na\r\n0\r\n\r\n",
    "LF in a chunk extension": CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a URL with a host": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the path": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a byte above 127 in the path": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in the path": b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + GET,
    "a method that is none": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_request_that_two_readers_could_understand_differently_is_refused(
    request_: bytes,
) -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(request_)
        answer = await client.answer()
        assert answer.status == 400
        assert b"connection: close\r\n" in answer.head
        assert b"x-content-type-options: nosniff\r\n" in answer.head
        assert answer.body.startswith(b'{"error":"InvalidHttp"')
        client.send(GET)
        assert await client.rest() in (b"", b"reset")
        assert world.application.seen == []

    run(test)


@pytest.mark.parametrize("at_once", [True, False])
def test_requests_are_answered_one_after_the_other_on_one_connection(at_once: bool) -> None:
    async def test(world: HttpWorld) -> None:
        requests = [
            GET,
            POST + b"Content-Length: 3\r\n\r\nabc",
            CHUNKED + b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            b"GET /%C3%A4?b=%20 HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n",
        ]
        client = await world.connect(b"".join(requests) if at_once else b"")
        for n, request in enumerate(requests):
            if not at_once:
                for byte in request:
                    client.send(bytes([byte]))
                    await asyncio.sleep(0)
            answer = await client.answer()
            assert answer.status == 200
            assert answer.body == (b"got ", b"got abc", b"got abc", b"got ")[n]
        assert world.application.seen[-1][0] == "/ä"
        assert world.application.headers == [(b"host", b"a"), (b"x-empty", b"")]

    run(test)


def test_head_and_body_of_a_response_are_one_write() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET)
        answer = await client.answer()
        assert world.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngot "]
        assert answer.body == b"got "

    run(test)


def test_the_head_of_a_stream_does_not_wait_for_its_body() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET.replace(b"/ ", b"/stream "))
        assert b"transfer-encoding: chunked\r\n" in (await client.answer()).head
        assert not world.application.goes_on.is_set()
        world.application.goes_on.set()
        assert await client.reader.readexactly(13) == b"3\r\none\r\n0\r\n\r\n"

    run(test)


def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    async def test(world: HttpWorld) -> None:
        world.application.goes_on.set()
        client = await world.connect(b"GET /stream HTTP/1.0\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert body == b"one"

    run(test)


def test_a_header_behind_the_body_does_not_reach_the_request() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(CHUNKED + b"0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n")
        assert (await client.answer()).status == 200
        assert [name for name, _ in world.application.headers] == [b"host", b"transfer-encoding"]

    run(test)


TOO_LARGE = {
    "a URL": b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a URL without end": b"GET /" + b"x" * MAX_HEAD,
    "a header": GET[:-2] + b"X: " + b"x" * MAX_HEAD + b"\r\n\r\n",
    "a value without end": GET[:-2] + b"X: " + b"x" * MAX_HEAD,
    "a name without end": GET[:-2] + b"x" * MAX_HEAD,
    "many headers": GET[:-2] + b"X: y\r\n" * MAX_HEADERS + b"\r\n",
    "many headers without end": GET[:-2] + b"X: y\r\n" * (MAX_HEAD // 6 + 1),
    "a chunk extension": CHUNKED + b"1;" + b"x" * 16 * MAX_HEAD,
    "a trailer": CHUNKED + b"1\r\na\r\n0\r\nX: " + b"x" * 16 * MAX_HEAD,
    "many trailers": CHUNKED + b"1\r\na\r\n0\r\n" + b"X: y\r\n" * 4 * MAX_HEAD,
}


@pytest.mark.parametrize("size", [1, 1000, 10**6])
@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_the_parser_would_gather_without_end_is_refused(request_: bytes, size: int) -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect()
        (connection,) = world.connections
        # As the kernel may deliver it: the beginning in pieces, the end by itself.
        n = len(request_)
        cuts = sorted({*range(0, min(300 * size, n), size), n * 7 // 8})
        for begin, end in pairwise([*cuts, n]):
            connection.data_received(request_[begin:end])  # type: ignore[attr-defined]
        answer = await client.answer()
        assert answer.status == 431
        assert await client.rest() == b""
        assert world.application.seen == []

    run(test)


def test_small_chunks_are_read() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(CHUNKED + b"1\r\na\r\n" * MAX_HEAD + b"0\r\n\r\n")
        assert (await client.answer()).body == b"got " + b"a" * MAX_HEAD

    run(test)


def test_what_follows_a_bad_request_is_not_read_and_those_before_it_are_answered() -> None:
    async def test(world: HttpWorld) -> None:
        slow = GET.replace(b"/ ", b"/waits ")
        client = await world.connect(slow + GET + b"no HTTP\r\n\r\n" + GET)
        await until(lambda: world.application.n_begun == 1)
        world.application.goes_on.set()
        assert (await client.answer()).status == 200
        assert (await client.answer()).status == 200
        assert await client.rest() == b""
        assert [path for path, _ in world.application.seen] == ["/waits", "/"]

    run(test)


@pytest.mark.parametrize("header", [b"Connection: close", b"Connection: upgrade\r\nUpgrade: h2c"])
def test_the_last_request_of_a_connection_is_answered_and_nothing_behind_it(header: bytes) -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET[:-2] + header + b"\r\n\r\n" + GET)
        answer = await client.answer()
        assert answer.status == 200
        assert b"connection: close\r\n" in answer.head
        assert await client.rest() == b""
        assert len(world.application.seen) == 1

    run(test)


def test_only_some_requests_may_be_sent_before_the_first_response() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET.replace(b"/ ", b"/waits ") + GET * (2 * MAX_PIPELINED))
        await until(lambda: world.application.n_begun == 1)
        world.application.goes_on.set()
        answered = (await client.rest()).count(b"200 OK")
        assert answered == MAX_PIPELINED + 2

    run(test)


def test_a_response_before_the_end_of_the_body_reaches_the_client_that_goes_on_sending() -> None:
    async def test(world: HttpWorld) -> None:
        head = b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % LARGE
        client = await world.connect(head)
        answer = await client.answer()
        assert answer.status == 200
        assert b"connection: close\r\n" in answer.head
        client.send(b"x" * LARGE)
        assert await client.rest() == b""

    run(test)


def test_a_client_that_asks_first_is_told_to_continue() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(POST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert (await client.answer()).status == 100
        client.send(b"a")
        assert (await client.answer()).body == b"got a"

    run(test)


def test_a_large_response_arrives_whole() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET.replace(b"/ ", b"/large "))
        assert len((await client.answer()).body) == LARGE

    run(test)


def test_head_is_answered_without_a_body() -> None:
    async def test(world: HttpWorld) -> None:
        client = await world.connect(GET.replace(b"GET", b"HEAD") + GET)
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 4\r\n" in head
        assert (await client.answer()).body == b"got "

    run(test)
