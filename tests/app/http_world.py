"""A server in this process, for tests on raw connections."""

import asyncio
from asyncio import BaseTransport, StreamReader, StreamWriter, Transport
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from app.http.connections import Connections
from app.http.protocol import HttpProtocol

LARGE = 4 * 1024 * 1024
WAIT_S = 20


class Application:
    """Answers with the body that it read, or as the path says."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.n_begun = 0
        self.is_left = False
        self.goes_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.n_begun += 1
        self.headers = list(scope["headers"])
        path = scope["path"]
        body = b"" if path == "/unread" else await self._read(receive)
        if body is None:
            self.is_left = True
            return
        self.seen.append((path, body))
        if path.endswith("/waits"):
            await self.goes_on.wait()
        if path == "/stream":
            await self._stream(send)
        else:
            answer = b"x" * LARGE if path == "/large" else b"got " + body
            await send(_start((b"content-length", str(len(answer)).encode())))
            await send({"type": "http.response.body", "body": answer})

    async def _read(self, receive: Receive) -> bytes | None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message["body"]
            more = message["more_body"]
        return body

    async def _stream(self, send: Send) -> None:
        await send(_start())
        await self.goes_on.wait()
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


class Answer(NamedTuple):
    """A response, as it came."""

    status: int
    head: bytes
    body: bytes


class Client(NamedTuple):
    """A connection to the server."""

    reader: StreamReader
    writer: StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        """Return the next response."""
        async with asyncio.timeout(WAIT_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            _, known, length = head.partition(b"content-length: ")
            n_bytes = int(length.partition(b"\r\n")[0]) if known else 0
            return Answer(int(head.split()[1]), head, await self.reader.readexactly(n_bytes))

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b"reset"


class HttpWorld(NamedTuple):
    """The server."""

    application: Application
    connections: Connections
    writes: list[bytes]
    clients: list[Client]
    address: tuple[str, int]

    async def connect(self, data: bytes = b"") -> Client:
        n = len(self.connections)
        client = Client(*await asyncio.open_connection(*self.address, limit=2 * LARGE))
        self.clients.append(client)
        client.send(data)
        if not data:
            await until(lambda: len(self.connections) != n)
        return client

    def pass_seconds(self, seconds: float) -> None:
        """Look after the connections now, and as if so much time had passed."""
        now = monotonic()
        self.connections.check(now)
        self.connections.check(now + seconds)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - of the code under test, which has no event
            await asyncio.sleep(0.001)


@asynccontextmanager
async def http_world(bound: int = 100) -> AsyncIterator[HttpWorld]:
    application, connections, writes = Application(), Connections(bound), list[bytes]()
    config = uvicorn.Config(application, ws="none", log_config=None, lifespan="off")
    config.load()

    class Noting(HttpProtocol):
        """Notes each write."""

        def connection_made(self, transport: BaseTransport) -> None:
            assert isinstance(transport, Transport)
            write = transport.write

            def note(data: Any) -> None:
                writes.append(bytes(data))
                write(data)

            transport.write = note  # type: ignore[method-assign]
            super().connection_made(transport)

    make = partial(Noting, connections, config, ServerState(), {})
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    world = HttpWorld(application, connections, writes, [], address)
    try:
        yield world
    finally:
        application.goes_on.set()
        for client in world.clients:
            client.writer.transport.abort()
        server.close()
        await until(lambda: _drop_all(connections))


def _drop_all(connections: Connections) -> bool:
    for connection in connections:
        connection.drop()
    return not len(connections)
