"""The response cache: GET responses in memory, in front of the routing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.keys import PRINCIPAL, UNAUTHENTICATED
from app.auth.scopes import Scope as KeyScope
from app.db.revisions import UserRevisions
from app.http.middleware.responses import HEADERS

# About 10,000 responses of 20 movies, in each worker.
MAX_BYTES = 32 * 1024 * 1024
# Bytes of a response beside its body and its request: headers, objects.
OVERHEAD = 1500
# A client may keep a response, but asks each time whether it is still valid.
CACHE_CONTROL = (b"cache-control", b"private, no-cache")
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The response that If-None-Match names is still valid"}
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# POST changes nothing here: its body carries parameters that are too long for a URL.
READING_PATHS = ("/recommendations", "/rank", "/features")

# A response from memory may be out of date, or the only one that can be given.
DEGRADED = (b"recommender-degraded", b"database")

# Names in the ASGI scope: set by the endpoint, and by the middleware for the log.
CACHEABLE = "recommender.cacheable"
OUTCOME = "recommender.cache"


class RequestKey(NamedTuple):
    """The parts of a request that decide its response."""

    path: str
    query: bytes
    scopes: frozenset[KeyScope]


class Moment(NamedTuple):
    """What responses are made from at a moment.

    The number of the snapshot, since a reference would keep an old model in memory.
    """

    generation: int
    clock: int


class CachedResponse(NamedTuple):
    """A response, and what it was made from."""

    user: str  # whose ratings it depends on; empty for none
    made_at: Moment
    route: Any
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class ResponseCache:
    """Returns a cached response only while the same request would give the same again.

    A response follows from the request, the snapshot of model and movies (`generation` numbers it;
    0 before the first one) and the ratings of one user. The request is the key; the others are
    compared. While the database is away, that is as far as it is known here: what this process has
    acknowledged counts, and responses are marked. The least recently used responses are dropped
    first. Used on the event loop alone.
    """

    def __init__(self, generation: Callable[[], int], revisions: UserRevisions) -> None:
        self.generation = generation
        self.revisions = revisions
        self.n_bytes = 0
        self._responses: OrderedDict[RequestKey, CachedResponse] = OrderedDict()

    def __len__(self) -> int:
        """Count the cached responses."""
        return len(self._responses)

    def now(self) -> Moment:
        """Return the moment, before anything is read for a response."""
        return Moment(self.generation(), self.revisions.clock)

    def find(self, key: RequestKey) -> CachedResponse | None:
        """Return the cached response if it is still valid."""
        response = self._responses.get(key)
        if response is None or not (self.revisions.is_fresh() or self.revisions.is_away()):
            return None
        if not self._is_valid(response):
            self._drop(key)
            return None
        self._responses.move_to_end(key)
        return response

    def store(self, key: RequestKey, response: CachedResponse) -> None:
        """Cache a response, unless it is no longer valid."""
        if not self._is_valid(response) or _size(key, response) > MAX_BYTES:
            return
        self._drop(key)
        self._responses[key] = response
        self.n_bytes += _size(key, response)
        while self.n_bytes > MAX_BYTES:
            self._drop(next(iter(self._responses)))

    def _is_valid(self, response: CachedResponse) -> bool:
        generation, clock = response.made_at
        return 0 < generation == self.generation() and self.revisions.is_current(
            response.user, clock
        )

    def _drop(self, key: RequestKey) -> None:
        response = self._responses.pop(key, None)
        if response is not None:
            self.n_bytes -= _size(key, response)


def cache_response(request: Request, user: str = "") -> None:
    """Allow caching: request, model, movies and the ratings of this user decide the response."""
    request.scope[CACHEABLE] = user


class ResponseCacheMiddleware:
    """Sends cached responses, and 304 to clients that have them already.

    It runs after authentication, and the scopes are part of the key. A write is answered only when
    its revision is known here, so that the next response of this process reflects it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        services = getattr(scope["app"].state, "services", None) if "app" in scope else None
        if scope["type"] != "http" or services is None:
            await self.app(scope, receive, send)
            return
        cache = services.find(ResponseCache)
        if cache.revisions.is_away():
            scope[HEADERS].append(DEGRADED)
        if scope["method"] == "GET":
            await self._read(cache, scope, receive, send)
        elif scope["method"] in SAFE_METHODS or scope["path"].startswith(READING_PATHS):
            await self.app(scope, receive, send)
        else:
            await self._write(cache.revisions, scope, receive, send)

    async def _read(self, cache: ResponseCache, scope: Scope, receive: Receive, send: Send) -> None:
        scopes = scope.get(PRINCIPAL, UNAUTHENTICATED).scopes
        key = RequestKey(scope["path"], scope["query_string"], scopes)
        response = cache.find(key)
        if response is not None:
            scope["route"] = response.route
            scope[OUTCOME] = "hit"
            await _send(response, scope, send)
            return
        moment = cache.now()
        start: Message | None = None

        async def send_and_store(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] == 200 and CACHEABLE in scope:
                    start = message  # its headers depend on the body
                    return
            elif start is not None and not message.get("more_body"):
                made = _cached_response(scope, moment, start, message["body"])
                cache.store(key, made)
                scope[OUTCOME] = "miss"
                await _send(made, scope, send)
                return
            await send(message)

        await self.app(scope, receive, send_and_store)

    async def _write(
        self, revisions: UserRevisions, scope: Scope, receive: Receive, send: Send
    ) -> None:
        known = False

        async def send_when_known(message: Message) -> None:
            nonlocal known
            # A refused request has changed nothing, and the database may be why it was refused.
            if not known and message["status"] < 400:
                await run_in_threadpool(revisions.poll)
            known = True
            await send(message)

        await self.app(scope, receive, send_when_known)


def _size(key: RequestKey, response: CachedResponse) -> int:
    return len(key.path) + len(key.query) + len(response.body) + OVERHEAD


def _cached_response(scope: Scope, moment: Moment, start: Message, body: bytes) -> CachedResponse:
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'.encode()
    headers = [*start["headers"], (b"etag", etag), CACHE_CONTROL]
    return CachedResponse(scope[CACHEABLE], moment, scope.get("route"), etag, headers, body)


async def _send(response: CachedResponse, scope: Scope, send: Send) -> None:
    status, headers, body = 200, response.headers, response.body
    if _client_has(scope, response.etag):
        status, headers, body = 304, [(b"etag", response.etag), CACHE_CONTROL], b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _client_has(scope: Scope, etag: bytes) -> bool:
    """Tell whether the client has this response, by If-None-Match."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            known = {tag.strip().removeprefix(b"W/") for tag in value.split(b",")}
            if etag in known or b"*" in known:
                return True
    return False
