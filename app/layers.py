"""Layers of bare ASGI around the application: what is asked of every request, whatever its route.

Bare ASGI, because Starlette's ``BaseHTTPMiddleware`` costs more than answering from memory.
"""

import logging
from collections.abc import Iterable
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import ContentTooLargeError, HostNotAllowedError, InternalError

access_logger = logging.getLogger("app.access")
logger = logging.getLogger(__name__)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

SECURITY_HEADERS = {
    # Answers are data: nothing in them may run, load or be framed. A page brings its own policy.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # What somebody likes stays out of shared caches.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeadersLayer:
    """Adds the security headers that an answer does not bring itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ObservingLayer:
    """Logs each request by the template of its route, and answers for whatever failed.

    Neither path nor query is logged: they hold user keys.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        begin = perf_counter()
        method = scope["method"]

        async def send_and_remember(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_remember)
        except Exception:
            # Raised on, for the server to log with its traceback; the client gets none.
            if not status:
                await InternalError().response()(scope, receive, send_and_remember)
            raise
        finally:
            elapsed = 1000 * (perf_counter() - begin)
            access_logger.info("%s %s %d %.1f ms", method, _template(scope), status, elapsed)


class HostLayer:
    """Refuses requests that were addressed to another name.

    A page of another site can make a browser send requests to a loopback address by giving its own
    name that address (DNS rebinding); the Host header then tells.
    """

    def __init__(self, app: ASGIApp, *, names: Iterable[str]) -> None:
        self.app = app
        self.names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and _host_name(scope) not in self.names:
            await HostNotAllowedError().response()(scope, receive, send)
            return
        await self.app(scope, receive, send)


class BodyLimitLayer:
    """Refuses bodies that are longer than any valid one, announced or not."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if len(announced) > len(str(self.limit)) or int(announced) > self.limit:
            await ContentTooLargeError().response()(scope, receive, send)
            return
        length = 0

        async def receive_within_limit() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > self.limit:
                # FastAPI passes this kind on as it is; errors.handle_errors gives it its shape.
                raise HTTPException(ContentTooLargeError.status)
            return message

        await self.app(scope, receive_within_limit, send)


class HeadLayer:
    """Answers HEAD as GET without the body, on every route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # A copy: the server looks at the method in its own scope to know that no body follows.
        inner = {**scope, "method": "GET"}
        try:
            await self.app(inner, receive, send_without_body)
        finally:
            scope["route"] = inner.get("route")


def _host_name(scope: Scope) -> str:
    host = Headers(scope=scope).get("host", "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _template(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "-")
