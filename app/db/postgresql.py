"""Connections to PostgreSQL that never wait for ever, and fail at once while the server is away."""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from threading import Lock
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import URL

from app.db.limits import Limits

# A connection that is refused, or whose packets are lost, is noticed within these times. The peer
# of an idle connection is asked after 4 s, and given up after three more seconds of silence.
NETWORK = {
    "connect_timeout": "3",
    "tcp_user_timeout": "4000",
    "keepalives_idle": "4",
    "keepalives_interval": "1",
    "keepalives_count": "3",
}
# Time for an answer beyond that of the statement, which the server ends itself.
MARGIN_S = 1.0
# Time for an answer outside of transactions: the ping when a connection is taken from the pool.
PING_S = 3.0
# While the server is away one thread at a time tries to connect, and not sooner than this after the
# last failure; less than the interval of the polls, so that mostly a poll is the one that waits.
RETRY_S = 0.3


def connect_arguments(url: URL, limits: Limits) -> dict[str, str]:
    """Return the arguments of a connection; what the address itself names comes first."""
    timeouts = {
        "lock_timeout": limits.lock_s,
        "statement_timeout": limits.statement_s,
        "idle_in_transaction_session_timeout": limits.idle_s,
    }
    options = [f"-c {name}={round(1000 * seconds)}" for name, seconds in timeouts.items()]
    given = url.query.get("options", ())
    options += [given] if isinstance(given, str) else given  # of two, the later one counts
    network = {name: value for name, value in NETWORK.items() if name not in url.query}
    return {**network, "options": " ".join(options)}


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer within `answer_s`.

    The operating system notices a lost network, but not a server that is stopped, or a proxy that
    no longer passes anything on.
    """

    answer_s = PING_S
    until = inf  # of the transaction
    connector: Connector

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
        """Wait for the server."""
        try:
            return super().wait(self._answered(gen), *arguments, **options)
        except SilenceError:
            self.connector.suspect()
            self.close()
            raise
        except OverdueError:
            self.close()
            raise

    def _answered(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Pass on what psycopg waits for; raises `SilenceError` or `OverdueError`."""
        silent_from = monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted  # nothing, ten times a second, while the server is silent
                if ready:
                    silent_from = monotonic()
                elif monotonic() > silent_from + self.answer_s:
                    raise SilenceError(f"the database has not answered for {self.answer_s:g} s")
                elif monotonic() > self.until:
                    raise OverdueError("the transaction has waited for too long")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


class SilenceError(psycopg.OperationalError):
    """The server has not answered for too long."""


class OverdueError(psycopg.OperationalError):
    """The transaction has met so many locks that its time is over."""

    sqlstate = "57014"  # as if the server had cancelled it


class NotTriedError(psycopg.OperationalError):
    """The server could not be reached a moment ago, or another thread is trying right now."""


class Connector:
    """Makes connections: while the server is away in one thread at a time, others fail at once.

    An instance is a listener of SQLAlchemy's event `do_connect`.
    """

    def __init__(self) -> None:
        self._away = False
        self._retry_at = 0.0
        self._trying = Lock()

    def __call__(
        self, _dialect: Any, _record: Any, _positional: Any, arguments: dict[str, Any]
    ) -> Connection:
        """Return a new connection; raises `psycopg.OperationalError`."""
        if not self._away:
            return self._try(arguments)
        if not self._trying.acquire(blocking=False):
            raise NotTriedError("the database is away; another thread is trying to connect")
        try:
            if monotonic() < self._retry_at:
                raise NotTriedError("the database is away; tried a moment ago")
            return self._try(arguments)
        finally:
            self._trying.release()

    def suspect(self) -> None:
        """Take the server for away until a connection succeeds."""
        self._away = True

    def _try(self, arguments: dict[str, Any]) -> Connection:
        try:
            connection = Connection.connect(**arguments)
        except psycopg.Error:
            self._retry_at = monotonic() + RETRY_S
            self._away = True
            raise
        connection.connector = self
        self._away = False
        return connection
