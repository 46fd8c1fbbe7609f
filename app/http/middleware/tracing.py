"""Middleware that traces requests; where none is to be traced, the service does without it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from time import time_ns
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.keys import PRINCIPAL, UNAUTHENTICATED
from app.core import tracing
from app.core.logging import request_id
from app.core.metrics import METHODS
from app.http.middleware.admission import NEVER_REFUSED
from app.http.middleware.guards import header
from app.http.middleware.response_cache import OUTCOME
from app.http.middleware.responses import STATUS

if TYPE_CHECKING:
    from opentelemetry.trace import Span

TRACEPARENT, TRACESTATE = b"traceparent", b"tracestate"
# Version, trace, span, and flags, of which the last bit says that the caller traces this request.
W3C = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# Name in the ASGI scope of a request that is traced.
TRACED = "recommender.traced"


class TracingMiddleware:
    """Traces a share of the requests; a caller with a key may say of its own whether to trace it.

    A request is named by the template of its route: paths hold user keys.
    """

    def __init__(self, app: ASGIApp, *, share: float) -> None:
        self.app = app
        self.share = share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; most of them are not traced, and pay for no more than this."""
        if scope["type"] == "http":
            drawn = random.random() < self.share  # noqa: S311 - chooses, hides nothing
            given = header(scope, TRACEPARENT)
            if (given is not None or drawn) and not scope["path"].startswith(NEVER_REFUSED):
                caller = _caller(scope, given)
                if _is_sampled(caller[TRACEPARENT]) if caller else drawn:
                    await self._trace(caller, scope, receive, send)
                    return
        await self.app(scope, receive, send)

    async def _trace(
        self, caller: Mapping[bytes, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope[TRACED] = time_ns()
        texts = {name.decode(): value.decode("latin-1") for name, value in caller.items()}
        with tracing.begin("HTTP", caller=texts) as span:
            try:
                await self.app(scope, receive, send)
            finally:
                if span is not None:
                    _describe(span, scope)


class StepMiddleware:
    """Makes a step of a traced request of what is behind it, and of what was `before` it.

    What answers before it, as the cache does, makes no step.
    """

    def __init__(self, app: ASGIApp, *, name: str, before: str | None = None) -> None:
        self.app = app
        self.name = name
        self.before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if TRACED not in scope:
            await self.app(scope, receive, send)
            return
        if self.before:
            tracing.record(self.before, scope[TRACED])
        with tracing.step(self.name):
            await self.app(scope, receive, send)


def _caller(scope: Scope, given: bytes | None) -> dict[bytes, bytes]:
    """Return the headers of a caller's trace; nothing of a caller without a key."""
    if given is None or scope.get(PRINCIPAL, UNAUTHENTICATED) is UNAUTHENTICATED:
        return {}
    if not W3C.fullmatch(given):
        return {}
    state = header(scope, TRACESTATE)
    return {TRACEPARENT: given} | ({TRACESTATE: state} if state else {})


def _is_sampled(traceparent: bytes) -> bool:
    return bool(int(traceparent[-2:], 16) & 1)


def _describe(span: Span, scope: Scope) -> None:
    method = scope["method"] if scope["method"] in METHODS else "_OTHER"
    route = getattr(scope.get("route"), "path_format", None)
    status = scope.get(STATUS)
    attributes = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        "recommender.cache": scope.get(OUTCOME),
        "recommender.request_id": request_id.get(),
    }
    span.set_attributes({name: value for name, value in attributes.items() if value is not None})
    span.update_name(f"{method} {route}" if route else method)
    if status is not None and status >= 500:
        tracing.fail(span, str(status))
