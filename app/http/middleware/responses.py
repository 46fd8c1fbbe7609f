"""Middleware that completes responses: security headers, HEAD, the end of connections."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.shutdown import Draining

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
CLOSE = (b"connection", b"close")

# Names in the ASGI scope: what inner layers add to the answer, and the status that it had.
HEADERS = "recommender.headers"
STATUS = "recommender.status"


class ResponseHeadersMiddleware:
    """Completes every answer: the one place where its start is changed, which costs a call each.

    Adds the security headers that the answer does not bring itself, and whatever the layers inside
    have put into `scope[HEADERS]`; leaves its status in `scope[STATUS]`.
    """

    def __init__(self, app: ASGIApp, *, draining: Draining) -> None:
        self.app = app
        self.draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # A client that is told to close its connection makes another one, which leads elsewhere.
        added: list[tuple[bytes, bytes]] = [CLOSE] if self.draining.value else []
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


class HeadMiddleware:
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
