"""HTTP/1.1 on a connection: uvicorn's protocol on httptools, with bounds and time limits.

httptools parses faster than h11 and is as strict about each header. What it leaves to its user is
here: bounds of a head and of framing, checks between headers, trailers, slow clients.
"""

from asyncio import AbstractEventLoop, BaseTransport
from contextlib import suppress
from enum import Enum, auto
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from app.core.errors import (
    AppError,
    HeadTooLargeError,
    InvalidHttpError,
    RequestTimeoutError,
    ServiceOverloadedError,
)
from app.http import connections
from app.http.connections import Connections, Dropped, Wait
from app.http.exchange import Exchange
from app.http.middleware.responses import SECURITY_HEADERS

# Bytes of a request line with its headers, or of framing that brings no bytes of a body.
MAX_HEAD = 16 * 1024
MAX_HEADERS = 100
# Bytes of framing that a byte of a body may have; a chunk of one byte has 5.
FRAMING = 8
# Requests that a client may send before it has the response to the first.
MAX_PIPELINED = 16
# What is answered although there are too many connections.
HEALTH = b"/health/"
REFUSAL = ServiceOverloadedError().response(
    {**SECURITY_HEADERS, "Retry-After": "1", "Connection": "close"}
)
# A connection that is closed with this says so at once, and forgets what was not sent.
RESET = pack("ii", 1, 0)


class Reading(Enum):
    """What the next byte of a connection belongs to."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    REST = auto()  # what is not looked at any more


class HttpProtocol(HttpToolsProtocol):
    """A connection."""

    def __init__(
        self,
        open_connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self.all = open_connections
        self._is_above_bound = False
        self._reading = Reading.HEAD  # a new connection is for a request
        self._unparsed = 0  # bytes of which the parser has not made anything yet
        self._n_requests, self._n_received, self._n_written = 0, 0, 0
        self._waits_for, self._progress, self._since = connections.ANSWER, 0, 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        """Accept a connection, or close it at once where there are far too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.all.add(self)
        self._is_above_bound = self.all.are_too_many
        if self.all.are_far_too_many:
            self.all.count(Dropped.TOO_MANY)
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.all.remove(self)
        super().connection_lost(exc)

    # What is read.

    def data_received(self, data: bytes) -> None:
        """Read on; answer what is no HTTP."""
        if self._reading is Reading.REST:
            return
        n_requests, n_received = self._n_requests, self._n_received
        try:
            self.parser.feed_data(data)
            if n_requests == self._n_requests:
                self._bound(len(data), self._n_received - n_received)
        except httptools.HttpParserUpgrade:
            # There is nothing to upgrade to: answered as any other, as the last one.
            self._fail(InvalidHttpError())
        except (httptools.HttpParserError, AppError) as error:
            cause = error if isinstance(error, AppError) else error.__context__
            self.all.count(Dropped.INVALID)
            self._fail(cause if isinstance(cause, AppError) else InvalidHttpError())

    def _bound(self, n_bytes: int, of_body: int) -> None:
        """Bound what the parser keeps, or skips, without a word: unfinished headers, framing."""
        free = FRAMING * of_body if self._reading is Reading.BODY else 0
        self._unparsed = max(self._unparsed + n_bytes - of_body - free, 0)
        if self._unparsed > MAX_HEAD and self._reading in (Reading.HEAD, Reading.BODY):
            raise HeadTooLargeError

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._reading, self._unparsed = Reading.HEAD, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read a header; one that follows the body must not change the request."""
        if self._reading is Reading.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Answer the request, after those before it."""
        version = self.parser.get_http_version()
        self._check(version)
        self._complete_scope(version)
        self._reading, self._unparsed = Reading.BODY, 0
        self._n_requests += 1
        self.all.begin(self)
        before = self.cycle
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        self.cycle = Exchange(self, keep_alive=keep_alive and not self._is_above_bound)
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self._application())
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self._application()))

    def _check(self, version: str) -> None:
        """Refuse what two readers could understand differently, and the parser lets pass."""
        size, hosts = len(self.url), 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding" and (value.lower() != b"chunked" or version == "1.0"):
                raise InvalidHttpError
        if size > MAX_HEAD or len(self.headers) > MAX_HEADERS or len(self.pipeline) > MAX_PIPELINED:
            raise HeadTooLargeError
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
            raise InvalidHttpError
        if not self.url.startswith(b"/") or b"#" in self.url:
            raise InvalidHttpError

    def _complete_scope(self, version: str) -> None:
        raw_path, _, query = self.url.partition(b"?")
        path = raw_path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = query

    def _application(self) -> Any:
        if self._is_above_bound and not self.url.startswith(HEALTH):
            self.all.count(Dropped.TOO_MANY)
            return REFUSAL
        return self.app

    def on_body(self, body: bytes) -> None:
        """Read a part of the body."""
        self._n_received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._reading = Reading.NOTHING
        super().on_message_complete()

    # What is written.

    def write(self, data: bytes) -> None:
        """Send a part of a response."""
        if not self.transport.is_closing():
            self._n_written += len(data)
            self.transport.write(data)

    def end(self, exchange: Exchange) -> None:
        """Go on behind a response: the next request, or the end."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if not exchange.keep_alive:
            self._close()
        elif self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.flow.resume_reading()
            self.all.end(self)

    def _close(self) -> None:
        """Close, but not before the client could read the response.

        A socket that is closed with unread bytes is reset, and the response may be lost.
        """
        if self._reading is Reading.NOTHING:
            self.transport.close()
            return
        self._reading = Reading.REST
        self.flow.resume_reading()
        with suppress(OSError):  # the client has gone
            self.transport.write_eof()

    def _fail(self, error: AppError) -> None:
        """Answer what cannot be read on, after the requests before it."""
        exchange, in_body = self.cycle, self._reading is Reading.BODY
        self._reading = Reading.REST
        if exchange is None or exchange.response_complete:
            self.write(self._response(error))
            self._close()
        elif not in_body:
            exchange.keep_alive = False
        elif self.pipeline or exchange.response_started:
            self.transport.abort()
        else:
            exchange.disconnected = True
            exchange.message_event.set()
            self.write(self._response(error))
            self._close()

    def _response(self, error: AppError) -> bytes:
        response = error.response({**SECURITY_HEADERS, "Connection": "close"})
        headers = [*self.server_state.default_headers, *response.raw_headers]
        lines = [b"%b: %b\r\n" % header for header in headers]
        return b"".join([STATUS_LINE[error.status], *lines, b"\r\n", bytes(response.body)])

    # How long it takes.

    def check(self, now: float) -> None:
        """Close the connection if its client has made no progress for too long."""
        waits_for, progress = self._state()
        if waits_for is not self._waits_for or progress - self._progress >= waits_for.part:
            self._waits_for, self._progress, self._since = waits_for, progress, now
        elif now - self._since >= waits_for.seconds:
            self._give_up(waits_for)

    def drop(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _state(self) -> tuple[Wait, int]:
        """Return what the connection waits for, and a number that grows with what has come."""
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            return connections.READER, self._n_written - unsent
        if self.cycle is not None and not self.cycle.response_complete:
            asks = not (self.flow.read_paused or self.cycle.waiting_for_100_continue)
            if self._reading is Reading.BODY and asks:
                return connections.BODY, self._n_received
            return connections.ANSWER, 0
        if self._reading is Reading.REST:
            return connections.END, 0
        if self._reading is Reading.HEAD:
            return connections.HEAD, self._n_requests
        return connections.REQUEST, self._n_requests

    def _give_up(self, waits_for: Wait) -> None:
        is_new = waits_for is connections.HEAD and not self._n_requests and not self._unparsed
        if is_new or waits_for in (connections.REQUEST, connections.END):
            self.transport.abort()
            return
        self.all.count(Dropped.SLOW)
        if waits_for is connections.READER:
            self.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, RESET)
            self.transport.abort()
        else:
            self._fail(RequestTimeoutError())
