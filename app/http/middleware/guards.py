"""Middleware that decodes paths, and refuses other hosts and bodies that are too long."""

from collections.abc import Iterable, Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import ContentTooLargeError, HostNotAllowedError
from app.http.handlers import respond
from app.http.identifiers import decoded

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class PathMiddleware:
    """Decodes the path so that a key may hold a slash: routes match the decoded path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and b"%" in scope.get("raw_path", b""):
            scope["path"] = decoded(scope["raw_path"])
        await self.app(scope, receive, send)


class HostMiddleware:
    """Refuses requests with another name in the Host header.

    A page of another site can let its own name point to a loopback address (DNS rebinding); the
    browser then sends that name.
    """

    def __init__(self, app: ASGIApp, *, names: Iterable[str]) -> None:
        self.app = app
        self.names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and _host_name(scope) not in self.names:
            await respond(HostNotAllowedError(), scope)(scope, receive, send)
            return
        await self.app(scope, receive, send)


class BodyLimitMiddleware:
    """Refuses bodies that are longer than any valid one, whatever Content-Length says.

    A path in `larger` has its own limit.
    """

    def __init__(self, app: ASGIApp, *, limit: int, larger: Mapping[str, int]) -> None:
        self.app = app
        self.limit = limit
        self.larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.larger.get(scope["path"], self.limit)
        announced = header(scope, b"content-length") or b"0"
        if len(announced) > len(str(limit)) or int(announced) > limit:
            await respond(ContentTooLargeError(), scope)(scope, receive, send)
            return
        length = 0

        async def receive_within_limit() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > limit:
                # FastAPI does not wrap this exception; `app.http.handlers` makes the response.
                raise HTTPException(ContentTooLargeError.status)
            return message

        await self.app(scope, receive_within_limit, send)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of this name (lower case) in a request."""
    for given, value in scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return None


def _host_name(scope: Scope) -> str:
    host = (header(scope, b"host") or b"").decode("latin-1").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
