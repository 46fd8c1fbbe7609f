"""The responses that are cached, the least recently used ones dropped first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from app.auth.scopes import Scope
from app.db.revisions import UserRevisions

# About 10,000 responses of 20 movies; one worker holds no more beside the model, which all share.
MAX_BYTES = 32 * 1024 * 1024
# What a response takes beside its body and its request: headers, objects.
OVERHEAD = 1500


class RequestKey(NamedTuple):
    """All of a request that a response follows from."""

    path: str
    query: bytes
    scopes: frozenset[Scope]


class Moment(NamedTuple):
    """What a response can be made from at a moment.

    The number of the snapshot of model and movies, not the snapshot, which would stay in memory.
    """

    generation: int
    clock: int


class CachedResponse(NamedTuple):
    """A response, and what it was made from."""

    user: str  # whose ratings; empty for nobody's
    made_at: Moment
    route: Any
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class ResponseCache:
    """Keeps responses, and gives only those that would be made the same again.

    A response follows from the request, the model with the movies (one immutable snapshot, whose
    number `generation` gives; 0 before there is one) and the ratings of one user. The whole request
    is the key; the other two are compared. Used on the event loop alone.
    """

    def __init__(self, generation: Callable[[], int], revisions: UserRevisions) -> None:
        self.generation = generation
        self.revisions = revisions
        self.n_bytes = 0
        self._responses: OrderedDict[RequestKey, CachedResponse] = OrderedDict()

    def __len__(self) -> int:
        """Count the responses that are cached."""
        return len(self._responses)

    def now(self) -> Moment:
        """Take note before anything is read."""
        return Moment(self.generation(), self.revisions.clock)

    def find(self, key: RequestKey) -> CachedResponse | None:
        """Return a response that still is right."""
        response = self._responses.get(key)
        if response is None or not self.revisions.is_fresh():
            return None
        if not self._is_right(response):
            self._drop(key)
            return None
        self._responses.move_to_end(key)
        return response

    def keep(self, key: RequestKey, response: CachedResponse) -> None:
        """Cache a response, unless what it was made from has changed meanwhile."""
        if not self._is_right(response) or _size(key, response) > MAX_BYTES:
            return
        self._drop(key)
        self._responses[key] = response
        self.n_bytes += _size(key, response)
        while self.n_bytes > MAX_BYTES:
            self._drop(next(iter(self._responses)))

    def _is_right(self, response: CachedResponse) -> bool:
        generation, clock = response.made_at
        return 0 < generation == self.generation() and self.revisions.is_current(
            response.user, clock
        )

    def _drop(self, key: RequestKey) -> None:
        response = self._responses.pop(key, None)
        if response is not None:
            self.n_bytes -= _size(key, response)


def etag_of(body: bytes) -> bytes:
    """Name the contents of a response."""
    return b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def _size(key: RequestKey, response: CachedResponse) -> int:
    return len(key.path) + len(key.query) + len(response.body) + OVERHEAD
