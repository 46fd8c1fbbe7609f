"""Admission: a request begins its work with the scope of its route, its body, and a place.

Each worker has a lane of places for reads, one for writes and one for the operators' pages, so that
none of them waits for another. A request for which no place will be free soon is refused at once:
a refusal is cheap, and work that is finished after its client has gone is lost.
"""

import logging
import random
from asyncio import CancelledError, Future, get_running_loop
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from re import Match
from time import monotonic
from typing import NamedTuple

from anyio import CancelScope
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.dependencies import Requires
from app.core import metrics
from app.core.errors import AppError, ContentTooLargeError, ServiceOverloadedError
from app.http.handlers import respond
from app.http.middleware.response_cache import READING_PATHS, SAFE_METHODS

logger = logging.getLogger(__name__)

# Places of each lane, in each worker. Together they must be fewer than the 40 threads of anyio, in
# which they work; each may hold a connection to the database.
READS, WRITES, OPERATORS = 4, 8, 4
# Never refused: they say how the service is.
NEVER_REFUSED = ("/health/", "/metrics")
# Their pages, and reports, which may take seconds.
OPERATORS_PATHS = ("/admin", "/feedback/report", "/experiments")

# How long a request may expect to wait for a place: after a quiet moment, for bursts, and while the
# queue has not been empty for as long as that (after CoDel: Nichols & Jacobson 2012, and Maurer,
# Fail at Scale, 2015).
BURST_S, STANDING_S = 0.1, 0.02
# So many may wait in any case, in places: where requests are slow, a wait of one is long.
BURST_SHARE, STANDING_SHARE = 1.0, 0.25
# The longest wait, which only a request behind work that hangs comes to.
MAX_WAIT_S = 1.0
# How long a request keeps the whole lane busy, until measured, and the weight of the last one in
# the moving mean.
USUAL_S, WEIGHT = 0.01, 0.1
# Clients that were refused together come back at different times.
RETRY_S = (1, 2, 3, 4)
REFUSALS = [ServiceOverloadedError().response({"Retry-After": str(s)}) for s in RETRY_S]
LOG_EVERY_S = 1.0

# Name in the ASGI scope of a refused request, for the log.
REFUSED = "recommender.refused"


class Lane:
    """Places for requests in progress, and those who wait for one, first come, first served.

    Used on the event loop alone.
    """

    def __init__(self, name: str, places: int, clock: Callable[[], float] = monotonic) -> None:
        self.name = name
        self.places = places
        self.clock = clock
        self.in_progress = 0
        self.seconds_each = USUAL_S
        self._queue: deque[Future[bool]] = deque()
        self._empty_at = clock()

    @property
    def has_no_place(self) -> bool:
        """True when a further request would have to wait."""
        return self.in_progress >= self.places

    @property
    def is_full(self) -> bool:
        """True when a further request would be refused."""
        if not self.has_no_place:
            return False
        standing = bool(self._queue) and self.clock() - self._empty_at > BURST_S
        seconds, share = (STANDING_S, STANDING_SHARE) if standing else (BURST_S, BURST_SHARE)
        waiting = len(self._queue)
        return waiting >= share * self.places and waiting * self.seconds_each >= seconds

    async def enter(self) -> bool:
        """Take a place, now or when one is free; False when the request is refused."""
        if self.is_full:
            return False
        if not self.has_no_place:
            self.in_progress += 1
            return True
        if not self._queue:
            self._empty_at = self.clock()
        turn: Future[bool] = get_running_loop().create_future()
        self._queue.append(turn)
        timer = get_running_loop().call_later(MAX_WAIT_S, self._give_up, turn)
        try:
            return await turn
        except CancelledError:
            self._give_up(turn)
            if not turn.cancelled() and turn.result():
                self.leave()
            raise
        finally:
            timer.cancel()

    def leave(self, seconds: float | None = None) -> None:
        """Give the place to the next in the queue, after so many seconds of work."""
        if seconds is not None:
            each = seconds / self.in_progress
            self.seconds_each += WEIGHT * (each - self.seconds_each)
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self.in_progress -= 1

    def _give_up(self, turn: "Future[bool]") -> None:
        """Take a request out of the queue."""
        if turn in self._queue:
            self._queue.remove(turn)
        if not turn.done():
            turn.set_result(False)


class Admitted(NamedTuple):
    """What a route needs before its work begins."""

    route: BaseRoute
    matches: Callable[[str], Match[str] | None]
    requires: list[Requires]
    has_body: bool
    lane: Lane | None


class AdmissionMiddleware:
    """Checks the scope before the body is read, then gives a place to what a thread works on.

    An `async` endpoint has no thread and takes no place: files, events and uploads, which can take
    minutes. A place is free again when the response begins, so a slow download does not hold one.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self.app = app
        self.reads = Lane("reads", READS)
        self.writes = Lane("writes", WRITES)
        self.operators = Lane("operators", OPERATORS)
        self._routes: defaultdict[str, list[Admitted]] = defaultdict(list)
        for context in iter_route_contexts(routes):
            if isinstance(context.original_route, APIRoute):
                for method in context.methods or ():
                    self._routes[method].append(self._admitted(method, context))
        self._refused: Counter[str] = Counter()

    def _admitted(self, method: str, context: RouteContext) -> Admitted:
        called = [depends.dependency for depends in context.dependencies]
        is_async = iscoroutinefunction(context.endpoint)
        return Admitted(
            route=context.original_route,
            matches=context.path_regex.match,
            requires=[each for each in called if isinstance(each, Requires)],
            has_body=context.body_field is not None,
            lane=None if is_async else self._lane(method, context.path or ""),
        )

    def _lane(self, method: str, path: str) -> Lane | None:
        if path.startswith(NEVER_REFUSED):
            return None
        if path.startswith(OPERATORS_PATHS):
            return self.operators
        reads = method in SAFE_METHODS or path.startswith(READING_PATHS)
        return self.reads if reads else self.writes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        try:
            for each in found.requires:
                each.check(scope)
            await self._admit(found, scope, receive, send)
        except AppError as error:
            scope["route"] = found.route
            await respond(error, scope)(scope, receive, send)

    def _find(self, scope: Scope) -> Admitted | None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        candidates = self._routes.get(scope["method"], ())
        return next((each for each in candidates if each.matches(path)), None)

    async def _admit(self, found: Admitted, scope: Scope, receive: Receive, send: Send) -> None:
        lane, request = found.lane, Received(receive)
        if lane is None:
            await self.app(scope, receive, send)
        elif lane.is_full:  # not even its body is read
            await self._refuse(found, lane, scope, send)
        # The body comes before the place, or a slow client would hold one.
        elif not found.has_body or await request.read_body():
            waits = lane.has_no_place
            if await lane.enter():
                await self._work(lane, scope, request, send, waited=waits)
            else:
                await self._refuse(found, lane, scope, send)

    async def _work(
        self, lane: Lane, scope: Scope, request: "Received", send: Send, *, waited: bool
    ) -> None:
        begin, holds_place = monotonic(), True

        def leave() -> None:
            nonlocal holds_place
            if holds_place:
                holds_place = False
                lane.leave(monotonic() - begin)

        async def send_and_leave(message: Message) -> None:
            await send(message)
            leave()

        try:
            if not (waited and await request.is_gone()):
                await self.app(scope, request.receive, send_and_leave)
        finally:
            leave()

    async def _refuse(self, found: Admitted, lane: Lane, scope: Scope, send: Send) -> None:
        """Answer with bytes that are ready: most requests of an overload come here."""
        scope["route"], scope[REFUSED] = found.route, True
        self._count(lane)
        response = random.choice(REFUSALS)  # noqa: S311 - spreads clients, hides nothing
        if lane is self.operators:
            response = respond(ServiceOverloadedError(), scope, {"Retry-After": str(RETRY_S[0])})
        start = {"status": response.status_code, "headers": response.raw_headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": response.body})

    def _count(self, lane: Lane) -> None:
        metrics.count_refusal(lane.name)
        if not self._refused:
            get_running_loop().call_later(LOG_EVERY_S, self._log)
        self._refused[lane.name] += 1

    def _log(self) -> None:
        refused, self._refused = self._refused, Counter()
        numbers = ", ".join(f"{number} {name}" for name, number in refused.items())
        logger.warning("overloaded: %s refused within %g s", numbers, LOG_EVERY_S)


class Received:
    """The messages of a request, of which some are read before the application asks for them."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: deque[Message] = deque()

    async def receive(self) -> Message:
        """Return the next message."""
        return self._kept.popleft() if self._kept else await self._receive()

    async def read_body(self) -> bool:
        """Read the body; False when the client went before its end."""
        parts, more = [], True
        while more:
            try:
                message = await self._receive()
            except HTTPException as error:  # of `BodyLimitMiddleware`
                raise ContentTooLargeError from error
            if message["type"] != "http.request":
                return False
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._kept.append({"type": "http.request", "body": body, "more_body": False})
        return True

    async def is_gone(self) -> bool:
        """Tell whether the client has closed the connection, without waiting for it."""
        with CancelScope() as scope:
            scope.cancel()
            message = await self._receive()
            self._kept.append(message)
            return bool(message["type"] == "http.disconnect")
        return False
