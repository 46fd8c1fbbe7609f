"""Layers of bare ASGI around the application: what is asked of every request, whatever its route.

Bare ASGI, because Starlette's ``BaseHTTPMiddleware`` costs more than answering from memory.
"""

from collections.abc import Iterable, Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import ContentTooLargeError, HostNotAllowedError

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
# As the server takes them: encoding them anew took a fifth of an answer from memory.
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


# Names in the ASGI scope: what inner layers add to the answer, and the status that it had.
HEADERS = "recommender.headers"
STATUS = "recommender.status"


class AnswerLayer:
    """Completes every answer: the one place where its start is changed, which costs a call each.

    Adds the security headers that the answer does not bring itself, and whatever the layers inside
    have put into `scope[HEADERS]`; leaves its status in `scope[STATUS]`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added: list[tuple[bytes, bytes]] = []
        scope[HEADERS] = added

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope[STATUS] = message["status"]
                headers = message.get("headers", ())
                brought = {name for name, _ in headers}
                own = [header for header in _SECURITY if header[0] not in brought]
                message["headers"] = [*headers, *added, *own]
            await send(message)

        await self.app(scope, receive, send_completed)


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
    """Refuses bodies that are longer than any valid one, announced or not.

    A path that is in `larger` has its own limit; it must not hold a body in memory.
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
            await ContentTooLargeError().response()(scope, receive, send)
            return
        length = 0

        async def receive_within_limit() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > limit:
                # FastAPI passes this kind on as it is; error_handlers gives it its shape.
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
