"""Requests with an `Idempotency-Key`: carried out once, however often they are sent.

The response is recorded in the transaction of what it confirms, so that neither is ever there
without the other. As in draft-ietf-httpapi-idempotency-key-header.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from threading import Lock
from typing import Annotated, NamedTuple

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection, Row

from app.auth.keys import PRINCIPAL, UNAUTHENTICATED
from app.core.errors import RETRY_SOON, AppError, InvalidRequestError
from app.core.polling import Poller
from app.db import answered_requests
from app.db.engine import Database
from app.db.sql import now
from app.http.api import OMITTABLE, json_response

KEPT = timedelta(hours=24)
HEADER = "Idempotency-Key"
# A string of RFC 8941, as the draft has it, or the same without quotes, as most clients send it.
CHARACTERS = r"[A-Za-z0-9._~:+/=@-]{1,128}"
PATTERN = f'^({CHARACTERS}|"{CHARACTERS}")$'
# Several times the length of the longest response to a request with many parts.
MAX_RESPONSE = 16 * 2**20
PRUNE_S = 600.0
# Rows that are deleted in one transaction.
PRUNED_AT_ONCE = 1000


class RequestInProgressError(AppError, status=409):
    """Another request with this `Idempotency-Key` is in progress; send this one again later."""

    headers = RETRY_SOON


class SentKey(NamedTuple):
    """An `Idempotency-Key`, with the API key and the route that it came with."""

    key: str
    principal: str
    route: str

    @property
    def key_sha256(self) -> str:
        """The name of the request; different API keys have different requests."""
        return _digest(self.principal, self.key)

    def request_sha256(self, body: BaseModel) -> str:
        """Return the hash of the request; its key keeps ratings from being guessed from it."""
        return _digest(self.key, self.route, body.model_dump_json())


async def _sent_key(
    request: Request,
    key: Annotated[
        str | None,
        OMITTABLE,
        Header(
            alias=HEADER,
            pattern=PATTERN,
            description="A name for this request, such as a UUID: sent again within 24 hours, the "
            "request gets the first response and is not carried out again",
        ),
    ] = None,
) -> SentKey | None:
    if key is None:
        return None
    scope = request.scope
    principal = scope.get(PRINCIPAL, UNAUTHENTICATED).prefix or ""
    route = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}"
    return SentKey(key.strip('"'), principal, route)


IdempotencyKey = Annotated[SentKey | None, Depends(_sent_key)]


class Idempotency:
    """Carries out requests, those with a key once; a thread deletes what has expired."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._in_progress: set[str] = set()
        self._lock = Lock()
        trouble = "cannot delete expired responses"
        self._poller = Poller("idempotency", self.prune, PRUNE_S, trouble)

    def start(self) -> None:
        """Start deleting what has expired."""
        self._poller.start(poll_now=False)

    def stop(self) -> None:
        """Stop the thread."""
        self._poller.stop()

    def respond(
        self,
        key: SentKey | None,
        user: str | None,
        body: BaseModel,
        write: Callable[[Connection], BaseModel],
    ) -> Response:
        """Answer a request by what `write` returns, or as the first time.

        An erasure of the user that it is about, if it is about one, deletes what is recorded.
        """
        if key is None:
            with self.database.unit_of_work() as connection:
                return json_response(write(connection))
        name, request = key.key_sha256, key.request_sha256(body)
        with self._alone(name), self.database.unit_of_work() as connection:
            if not answered_requests.lock(connection, name):
                raise RequestInProgressError
            moment = now(connection)
            earlier = answered_requests.find(connection, name, moment - KEPT)
            if earlier is not None:
                return _first_response(earlier, request)
            response = json_response(write(connection))
            row = {
                "key_sha256": name,
                "request_sha256": request,
                "answered_at": moment,
                "status": response.status_code,
                "response": _packed(bytes(response.body)),
            }
            answered_requests.put(connection, user, row)
        return response

    def prune(self) -> None:
        """Delete expired responses, in short transactions."""
        with self.database.read() as connection:
            before = now(connection) - KEPT
            if not answered_requests.any_before(connection, before):
                return
        n_deleted = PRUNED_AT_ONCE
        while n_deleted == PRUNED_AT_ONCE:
            with self.database.unit_of_work() as connection:
                n_deleted = answered_requests.remove_before(connection, before, PRUNED_AT_ONCE)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Refuse a second request of a key before it waits for the first one's transaction."""
        with self._lock:
            if name in self._in_progress:
                raise RequestInProgressError
            self._in_progress.add(name)
        try:
            yield
        finally:
            self._in_progress.discard(name)


def _first_response(earlier: Row[str], request: str) -> Response:
    if earlier.request_sha256 != request:
        raise InvalidRequestError.at(
            ["header", HEADER],
            "this key came with another request before; take a new key for a new request",
            "idempotency_key_reused",
        )
    body = zlib.decompressobj().decompress(earlier.response, MAX_RESPONSE)
    return Response(body, earlier.status, media_type="application/json")


def _packed(body: bytes) -> bytes:
    if len(body) > MAX_RESPONSE:
        raise ValueError(f"a response of {len(body)} bytes is longer than {MAX_RESPONSE}")
    return zlib.compress(body)


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()
