"""Middleware that gives each request an id, logs and counts it, and answers failures with 500."""

import logging
import random
import re
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.keys import PRINCIPAL
from app.core import metrics
from app.core.errors import InternalError
from app.core.logging import access_logger, request_id
from app.http.handlers import FAILURE, respond
from app.http.middleware.admission import REFUSED
from app.http.middleware.guards import header
from app.http.middleware.response_cache import OUTCOME
from app.http.middleware.responses import HEADERS, STATUS

REQUEST_ID = b"x-request-id"
# A client or proxy may send an id of this form.
PROBES = frozenset({"/health/live", "/health/ready"})
SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestLogMiddleware:
    """Logs and counts each request by the template of its route, and answers failures with 500.

    Neither path nor query is logged: they hold user keys. Probes come every second for ever: they
    are logged when they begin to fail, fail for another reason, or succeed again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._failing: dict[str, str] = {}  # why, by the path of the probe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = perf_counter()
        id_ = _request_id(scope)
        request_id.set(id_)
        scope[HEADERS].append((REQUEST_ID, id_.encode()))
        try:
            await self.app(scope, receive, send)
        except Exception:
            # Raised again: the server logs the traceback, and the client does not see it.
            if STATUS not in scope:
                await respond(InternalError(), scope)(scope, receive, send)
            raise
        finally:
            status, seconds = scope.get(STATUS, 0), perf_counter() - begin
            _count(scope, status, seconds)
            if scope["path"] in PROBES and (status < 400 or status >= 500):
                self._log_probe(scope, status)
            # Refused requests are counted in one line a second.
            elif REFUSED not in scope and access_logger.isEnabledFor(logging.INFO):
                _log(scope, status, seconds)

    def _log_probe(self, scope: Scope, status: int) -> None:
        path, error = scope["path"], scope.get(FAILURE)
        before = self._failing.pop(path, None)
        if status < 400:
            if before is not None:
                access_logger.warning("%s %d again", path, status)
            return
        why = self._failing[path] = error.detail if error else "it failed"
        if why != before:
            access_logger.warning("%s %d: %s", path, status, why)


def _count(scope: Scope, status: int, seconds: float) -> None:
    metrics.observe_request(scope["method"], _template(scope), status, seconds)
    if OUTCOME in scope:
        metrics.count_cache(scope[OUTCOME])


def _log(scope: Scope, status: int, seconds: float) -> None:
    route, method = _template(scope), scope["method"]
    milliseconds = 1000 * seconds
    principal = scope.get(PRINCIPAL)
    fields = {
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(milliseconds, 1),
        "key": principal.prefix if principal else None,
    }
    message, values = "%s %s %d %.1f ms", (method, route, status, milliseconds)
    # `info` would search the stack for its caller, which is slow.
    record = access_logger.makeRecord(
        access_logger.name, logging.INFO, __file__, 0, message, values, None,
        extra={"fields": fields},
    )  # fmt: skip
    access_logger.handle(record)


def _request_id(scope: Scope) -> str:
    given = header(scope, REQUEST_ID)
    if given and SANE_ID.fullmatch(given):
        return given.decode()
    return f"{random.getrandbits(64):016x}"  # a name, not a secret


def _template(scope: Scope) -> str:
    return getattr(scope.get("route"), "path_format", "-")
