"""Middleware in front of the routing that answers from memory what was answered before."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.keys import PRINCIPAL, UNAUTHENTICATED
from app.db.revisions import UserRevisions
from app.http.cached_responses import CachedResponse, Moment, RequestKey, ResponseCache, etag_of

# A client may keep the answer, but asks each time whether it still is the right one.
CACHE_CONTROL = (b"cache-control", b"private, no-cache")
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What If-None-Match names still is the answer"}
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# POST is no write here: it carries what an address is too short for.
READING_PATHS = ("/recommendations", "/features")

# Names in the ASGI scope: what an endpoint tells this layer, and what it tells those around it.
MARK = "recommender.keep"
OUTCOME = "recommender.cache"


def cache_response(request: Request, user: str = "") -> None:
    """Say that the answer follows from request, model, movies and the ratings of this user."""
    request.scope[MARK] = user


class ResponseCacheMiddleware:
    """Gives kept answers again, and answers 304 to who has them already.

    It stands behind the layer that tells who asks; an answer is given again only to those who may
    do the same. A write is answered only once its revisions are known here, so that the very next
    answer of this process reflects it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        services = getattr(scope["app"].state, "services", None) if "app" in scope else None
        if scope["type"] != "http" or services is None:
            await self.app(scope, receive, send)
        elif scope["method"] == "GET":
            await self._read(services.find(ResponseCache), scope, receive, send)
        elif scope["method"] in SAFE_METHODS or scope["path"].startswith(READING_PATHS):
            await self.app(scope, receive, send)
        else:
            await self._write(services.find(ResponseCache).revisions, scope, receive, send)

    async def _read(self, cache: ResponseCache, scope: Scope, receive: Receive, send: Send) -> None:
        key = RequestKey(
            scope["path"], scope["query_string"], scope.get(PRINCIPAL, UNAUTHENTICATED).scopes
        )
        response = cache.find(key)
        if response is not None:
            scope["route"] = response.route
            scope[OUTCOME] = "hit"
            await _give(response, scope, send)
            return
        moment = cache.now()
        start: Message | None = None

        async def keep_and_send(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] == 200 and MARK in scope:
                    start = message  # its headers depend on the body
                    return
            elif start is not None and not message.get("more_body"):
                made = _cached_response(scope, moment, start, message["body"])
                cache.keep(key, made)
                scope[OUTCOME] = "miss"
                await _give(made, scope, send)
                return
            await send(message)

        await self.app(scope, receive, keep_and_send)

    async def _write(
        self, revisions: UserRevisions, scope: Scope, receive: Receive, send: Send
    ) -> None:
        known = False

        async def send_when_known(message: Message) -> None:
            nonlocal known
            if not known:
                known = True
                await run_in_threadpool(revisions.poll)
            await send(message)

        try:
            await self.app(scope, receive, send_when_known)
        finally:
            if not known:
                await run_in_threadpool(revisions.poll)


def _cached_response(scope: Scope, moment: Moment, start: Message, body: bytes) -> CachedResponse:
    etag = etag_of(body)
    headers = [*start["headers"], (b"etag", etag), CACHE_CONTROL]
    return CachedResponse(scope[MARK], moment, scope.get("route"), etag, headers, body)


async def _give(response: CachedResponse, scope: Scope, send: Send) -> None:
    if _has(scope, response.etag):
        headers = [(b"etag", response.etag), CACHE_CONTROL]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": response.headers})
    await send({"type": "http.response.body", "body": response.body})


def _has(scope: Scope, etag: bytes) -> bool:
    """Tell whether the client has this answer, as If-None-Match says."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            known = {tag.strip().removeprefix(b"W/") for tag in value.split(b",")}
            if etag in known or b"*" in known:
                return True
    return False
