"""The layer in front of the routing that answers from memory what it has answered before."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import NOBODY
from app.access.layer import PRINCIPAL, SAFE_METHODS
from app.cache.answers import Answer, Answers, Asked, Moment, etag_of
from app.cache.changes import UserChanges

# A client may keep the answer, but asks each time whether it still is the right one.
CACHE_CONTROL = (b"cache-control", b"private, no-cache")
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What If-None-Match names still is the answer"}
}
# POST is no write here: it carries what an address is too short for.
READING_PATHS = ("/recommendations", "/features")

# Names in the ASGI scope: what an endpoint tells this layer, and what it tells those around it.
MARK = "recommender.keep"
OUTCOME = "recommender.cache"


def may_keep(request: Request, user: str = "") -> None:
    """Say that the answer follows from request, model, films and the ratings of this user."""
    request.scope[MARK] = user


class CacheLayer:
    """Gives kept answers again, and answers 304 to who has them already.

    It stands behind the layer that tells who asks; an answer is given again only to those who may
    do the same. A write is answered only once its changes are known here, so that the very next
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
            await self._read(services.answers, scope, receive, send)
        elif scope["method"] in SAFE_METHODS or scope["path"].startswith(READING_PATHS):
            await self.app(scope, receive, send)
        else:
            await self._write(services.answers.changes, scope, receive, send)

    async def _read(self, answers: Answers, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["path"], scope["query_string"], scope.get(PRINCIPAL, NOBODY).scopes)
        answer = answers.find(asked)
        if answer is not None:
            scope["route"] = answer.route
            scope[OUTCOME] = "hit"
            await _give(answer, scope, send)
            return
        moment = answers.now()
        start: Message | None = None

        async def keep_and_send(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if message["status"] == 200 and MARK in scope:
                    start = message  # its headers depend on the body
                    return
            elif start is not None and not message.get("more_body"):
                answer = _answer(scope, moment, start, message["body"])
                answers.keep(asked, answer)
                scope[OUTCOME] = "miss"
                await _give(answer, scope, send)
                return
            await send(message)

        await self.app(scope, receive, keep_and_send)

    async def _write(
        self, changes: UserChanges, scope: Scope, receive: Receive, send: Send
    ) -> None:
        known = False

        async def send_when_known(message: Message) -> None:
            nonlocal known
            if not known:
                known = True
                await run_in_threadpool(changes.poll)
            await send(message)

        try:
            await self.app(scope, receive, send_when_known)
        finally:
            if not known:
                await run_in_threadpool(changes.poll)


def _answer(scope: Scope, moment: Moment, start: Message, body: bytes) -> Answer:
    etag = etag_of(body)
    headers = [*start["headers"], (b"etag", etag), CACHE_CONTROL]
    return Answer(scope[MARK], moment, scope.get("route"), etag, headers, body)


async def _give(answer: Answer, scope: Scope, send: Send) -> None:
    if _has(scope, answer.etag):
        headers = [(b"etag", answer.etag), CACHE_CONTROL]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


def _has(scope: Scope, etag: bytes) -> bool:
    """Tell whether the client has this answer, as If-None-Match says."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            known = {tag.strip().removeprefix(b"W/") for tag in value.split(b",")}
            if etag in known or b"*" in known:
                return True
    return False
