"""A request and its response on a connection of `app.http.protocol`: what is written."""

from asyncio import Event
from typing import TYPE_CHECKING

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from app.http.protocol import HttpProtocol

WITHOUT_BODY = frozenset({204, 304})
# `expected_content_length` of a response that ends with the connection.
UNTIL_CLOSE = -1


class Exchange(RequestResponseCycle):
    """A request and its response; head and body of the response are sent in one write."""

    def __init__(self, connection: "HttpProtocol", *, keep_alive: bool) -> None:
        super().__init__(
            scope=connection.scope,
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=Event(),
            expect_100_continue=connection.expect_100_continue,
            keep_alive=keep_alive,
            on_response=lambda: None,
        )
        self.connection = connection
        self._head = b""

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Send a part of the response."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._start(message["status"], [*self.default_headers, *message.get("headers", ())])
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} cannot come now")

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._head = self._encoded(status, headers)
        self.response_started = True
        self.waiting_for_100_continue = False
        # If nothing of the body comes before: a stream of events begins with its head.
        self.connection.loop.call_soon(self._write, b"")

    def _encoded(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        lines = [STATUS_LINE[status]]
        for name, value in headers:
            if name == b"content-length":
                self.chunked_encoding, self.expected_content_length = False, int(value)
            elif name == b"connection":
                self.keep_alive = False  # `close`; a server has nothing else to say
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        if self.more_body or not self.keep_alive:
            self.keep_alive = False  # what is left of the request is not read
            lines.append(b"connection: close\r\n")
        if self._has_body_of_unknown_length(status):
            if self.scope["http_version"] == "1.1":
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked\r\n")
            else:
                self.expected_content_length = UNTIL_CLOSE
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != (n := len(lines)) or head.count(b"\r") != n or b"\0" in head:
            raise RuntimeError("a header of the response contains the end of a line")
        return head

    def _has_body_of_unknown_length(self, status: int) -> bool:
        has_body = status not in WITHOUT_BODY and self.scope["method"] != "HEAD"
        return has_body and self.chunked_encoding is None

    def _continue(self, body: bytes, *, more: bool) -> None:
        self._write(self._framed(body, more=more))
        if not more:
            self.response_complete = True
            self.message_event.set()
            self.connection.end(self)

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            return b""
        if self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self.expected_content_length != UNTIL_CLOSE:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more):
                raise RuntimeError("the body of the response does not have its Content-Length")
        return body

    def _write(self, body: bytes) -> None:
        head, self._head = self._head, b""
        if head or body:
            self.connection.write(head + body)
