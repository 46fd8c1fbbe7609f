"""The answers that are kept, the least recently used ones dropped first."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Any, NamedTuple

from app.access.scopes import Scope
from app.cache.changes import UserChanges
from app.recommendations.model_server import ModelServer
from app.recommendations.snapshot import Snapshot

# About 10,000 answers of 20 films; one worker holds no more beside the model, which all share.
MOST_BYTES = 32 * 1024 * 1024
# What an answer takes beside its body and its request: headers, objects.
OVERHEAD = 1500


class Asked(NamedTuple):
    """All of a request that an answer follows from."""

    path: str
    query: bytes
    scopes: frozenset[Scope]


class Moment(NamedTuple):
    """What an answer can be made from at a moment."""

    snapshot: Snapshot | None
    clock: int


class Answer(NamedTuple):
    """An answer, and what it was made from."""

    user: str  # whose ratings; empty for nobody's
    made_at: Moment
    route: Any
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Answers:
    """Keeps answers, and gives only those that would be made the same again.

    An answer follows from the request, the model with the films (one immutable `Snapshot`) and
    the ratings of one user. The whole request is the key; the other two are compared. Used on the
    event loop alone.
    """

    def __init__(self, models: ModelServer, changes: UserChanges) -> None:
        self.models = models
        self.changes = changes
        self.n_bytes = 0
        self._answers: OrderedDict[Asked, Answer] = OrderedDict()

    def __len__(self) -> int:
        """Count the answers that are kept."""
        return len(self._answers)

    def now(self) -> Moment:
        """Take note before anything is read."""
        return Moment(self.models.held, self.changes.clock)

    def find(self, asked: Asked) -> Answer | None:
        """Return an answer that still is right."""
        answer = self._answers.get(asked)
        if answer is None or not self.changes.is_fresh():
            return None
        if not self._is_right(answer):
            self._drop(asked)
            return None
        self._answers.move_to_end(asked)
        return answer

    def keep(self, asked: Asked, answer: Answer) -> None:
        """Keep an answer, unless what it was made from has changed meanwhile."""
        if not self._is_right(answer) or _size(asked, answer) > MOST_BYTES:
            return
        self._drop(asked)
        self._answers[asked] = answer
        self.n_bytes += _size(asked, answer)
        while self.n_bytes > MOST_BYTES:
            self._drop(next(iter(self._answers)))

    def _is_right(self, answer: Answer) -> bool:
        snapshot, clock = answer.made_at
        return (
            snapshot is not None
            and snapshot is self.models.held
            and self.changes.is_current(answer.user, clock)
        )

    def _drop(self, asked: Asked) -> None:
        answer = self._answers.pop(asked, None)
        if answer is not None:
            self.n_bytes -= _size(asked, answer)


def etag_of(body: bytes) -> bytes:
    """Name the contents of an answer."""
    return b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def _size(asked: Asked, answer: Answer) -> int:
    return len(asked.path) + len(asked.query) + len(answer.body) + OVERHEAD
