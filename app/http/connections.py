"""The connections of a worker: how many there may be, and how long clients may keep one waiting.

Nothing here depends on a proxy in front of the service. Once a second each connection is asked what
it waits for, which costs a request less than timers of its own.
"""

import logging
import resource
from asyncio import AbstractEventLoop, get_running_loop
from collections import Counter, OrderedDict
from collections.abc import Iterator
from enum import Enum
from time import monotonic
from typing import Any, NamedTuple, Protocol

from app.core import metrics

logger = logging.getLogger(__name__)

# More connections would cost memory (16 KB each) and serve nobody.
MAX_CONNECTIONS = 4096
# Descriptors for the database, files, metrics and the connections of `ANSWERED_ABOVE`.
RESERVED_DESCRIPTORS = 128
# Where all connections are in use, so many more are accepted to be told so, or asked for health.
ANSWERED_ABOVE = 32
# One round of the event loop accepts as many connections as the backlog holds, and closes those
# that are too many three rounds later: a tenth of the descriptors, four times.
BACKLOG_SHARE, MAX_BACKLOG = 0.1, 1024

# What asyncio says when no descriptor is left, once for each place of the backlog.
NO_DESCRIPTOR = "socket.accept() out of system resource"


class Wait(NamedTuple):
    """What a connection waits for, and how long its client may take for the next part of it."""

    what: str
    seconds: float
    part: int = 1


# A client that sends or reads without a pause needs 820 bytes a second.
ANSWER = Wait("our answer", float("inf"))
REQUEST = Wait("another request", 75.0)  # longer than load balancers keep idle connections
HEAD = Wait("a head", 10.0)
BODY = Wait("a body", 20.0, 16 * 1024)
READER = Wait("the response to be read", 20.0, 16 * 1024)
END = Wait("the client to close", 5.0)  # after a response that says so


class Dropped(Enum):
    """Why a connection was closed or refused."""

    INVALID = "invalid"  # no HTTP, or a head that is too large
    SLOW = "slow"
    IDLE = "idle"  # the longest idle one, for the sake of a new one
    TOO_MANY = "too_many"
    NO_DESCRIPTOR = "no_descriptor"


class Bounds(NamedTuple):
    """How many connections a worker has, and how many wait to be accepted."""

    connections: int
    backlog: int

    @classmethod
    def of(cls, descriptors: int) -> "Bounds":
        """Leave room for files, and for connections that are accepted and closed again."""
        room = max(descriptors - RESERVED_DESCRIPTORS, 20)
        backlog = min(int(room * BACKLOG_SHARE), MAX_BACKLOG)
        return cls(min(room // 2, MAX_CONNECTIONS), backlog)


class Connection(Protocol):
    """What is asked of a connection; made in `app.http.protocol`."""

    def check(self, now: float) -> None:
        """Close it if its client is too slow."""

    def drop(self) -> None:
        """Close it, although its client did nothing wrong."""


class Connections:
    """The open connections of a worker; used on its event loop alone."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._open: set[Connection] = set()
        self._idle: OrderedDict[Connection, None] = OrderedDict()  # the longest idle one first
        self._dropped: Counter[str] = Counter()
        self._loop: AbstractEventLoop | None = None

    def __len__(self) -> int:
        """Count the open connections."""
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        """Go through those that are open now."""
        return iter(list(self._open))

    def add(self, connection: Connection) -> None:
        """Note a new one; at the bound the longest idle one makes room for it."""
        if len(self._open) >= self.bound and self._idle:
            longest, _ = self._idle.popitem(last=False)
            self._open.discard(longest)
            self.count(Dropped.IDLE)
            longest.drop()
        self._open.add(connection)
        self._idle[connection] = None

    def remove(self, connection: Connection) -> None:
        """Forget one that is closed."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def begin(self, connection: Connection) -> None:
        """Note that a request has arrived on it."""
        self._idle.pop(connection, None)

    def end(self, connection: Connection) -> None:
        """Note that it waits for its client again."""
        if connection in self._open:
            self._idle[connection] = None

    @property
    def are_too_many(self) -> bool:
        """True while the bound is passed: only health is answered on a further connection."""
        return len(self._open) > self.bound

    @property
    def are_far_too_many(self) -> bool:
        """True while a further connection cannot even be answered."""
        return len(self._open) > self.bound + ANSWERED_ABOVE

    def count(self, reason: Dropped) -> None:
        """Count one that was closed or refused, for metrics and log."""
        metrics.count_dropped_connection(reason.value)
        self._dropped[reason.value] += 1

    def check(self, now: float | None = None) -> None:
        """Close those whose clients are too slow, and log the last second in one line."""
        self._handle_failed_accepts()
        now = monotonic() if now is None else now
        for connection in self:
            connection.check(now)
        metrics.connections.set(len(self._open))
        if self._dropped:
            logger.warning("closed connections within a second: %s", dict(self._dropped))
            self._dropped.clear()

    def _handle_failed_accepts(self) -> None:
        if self._loop is None:
            self._loop = get_running_loop()
            self._loop.set_exception_handler(self._handle)

    def _handle(self, loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") == NO_DESCRIPTOR:
            self.count(Dropped.NO_DESCRIPTOR)
        else:
            loop.default_exception_handler(context)


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files as far as the bounds can use it; return it."""
    wanted = 2 * MAX_CONNECTIONS + 4 * MAX_BACKLOG
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited:
        return wanted
    raised = wanted if hard == unlimited else min(wanted, hard)
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return max(soft, raised)
