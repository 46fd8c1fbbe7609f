"""Clients of the proof of the stack: each knows the ratings that were acknowledged to it.

They ask through the proxy as a back end does, and count what a client sees: a request that is not
answered, answered with an error or with something else than was asked for has failed. None is
sent twice.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from itertools import count
from secrets import token_hex
from threading import Event, Thread
from typing import Any, NamedTuple, Self

PATIENCE_S = 20.0
# Connections are kept for so many requests, so that new and kept ones are interrupted.
KEPT_FOR = 25
PAUSE_S = 0.05
# The service says that the database is away, or too slow, and nothing was done.
WITHOUT_DATABASE = frozenset({"DatabaseUnavailable", "DatabaseBusy", "DatabaseReadOnly"})
RIGHT, REFUSED, FAILED = "right", "refused", "failed"


class Answer(NamedTuple):
    """What a client saw of a request."""

    ended: float
    seconds: float
    outcome: str
    what: str


class Figures(NamedTuple):
    """What the clients of one scenario saw."""

    requests: int
    refused: int
    failed: int
    lost: int
    slowest_s: float
    # From a moment until the last request that was not answered right.
    recovered_s: float
    kinds: dict[str, int]


class Client:
    """One of them: reads lists and writes ratings of a user of its own, one after the other."""

    def __init__(self, port: int, key: str, users: list[str]) -> None:
        # A new user, of whom nothing is stored.
        self.port, self.user, self.users = port, f"proof-{token_hex(6)}", users
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.answers: list[Answer] = []
        # By movie the values that may be stored: one after an acknowledged write.
        self.stored: dict[str, set[float | None]] = {}

    def work(self, movies: list[str], stopping: Event) -> None:
        """Send requests until told to stop."""
        numbers = count()
        while not stopping.is_set():
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
                for _ in range(KEPT_FOR):
                    if not self._one(connection, next(numbers), movies) or stopping.is_set():
                        break
                    stopping.wait(PAUSE_S)

    def lost(self, read: dict[str, float]) -> int:
        """Count movies whose rating is none of those that may be stored."""
        return sum(read.get(movie) not in may_be for movie, may_be in self.stored.items())

    def _one(self, connection: HTTPConnection, number: int, movies: list[str]) -> bool:
        """Send a request of each kind in turn; return whether the connection stays open."""
        movie = movies[number // 4 % len(movies)]
        match number % 4:
            case 0:  # not cached: one more movie is excluded
                user = self.users[number % len(self.users)]
                path = f"/recommendations/{user}?limit=20&exclude={10**8 + number}"
                return self._ask(connection, "GET", path)
            case 1:
                return self._ask(connection, "GET", f"/recommendations/{self.users[0]}?limit=20")
            case 2:
                return self._write(connection, movie, (1 + number // 4 % 10) / 2)
            case _:
                return self._ask(connection, "GET", f"/movies/{movie}")

    def _write(self, connection: HTTPConnection, movie: str, stars: float) -> bool:
        may_be = self.stored.setdefault(movie, set())
        may_be.add(stars)
        path = f"/users/{self.user}/ratings/{movie}"
        is_open = self._ask(connection, "PUT", path, json.dumps({"stars": stars}))
        if self.answers[-1].outcome == RIGHT:
            self.stored[movie] = {stars}
        elif len(may_be) == 1:
            may_be.add(None)  # the first write may have failed: nothing stored is right too
        return is_open

    def _ask(
        self, connection: HTTPConnection, method: str, path: str, body: str | None = None
    ) -> bool:
        begin = time.monotonic()
        try:
            connection.request(method, path, body, self.headers)
            answer = connection.getresponse()
            outcome, what = judged(answer.status, answer.read())
            is_open = not answer.will_close
        except (OSError, HTTPException) as error:
            outcome, what, is_open = FAILED, type(error).__name__, False
        ended = time.monotonic()
        self.answers.append(Answer(ended, ended - begin, outcome, f"{method} {what}"))
        return is_open


def judged(status: int, body: bytes) -> tuple[str, str]:
    """Tell right answers, those that the missing database excuses, and failures apart."""
    try:
        content = json.loads(body)
    except ValueError:
        return FAILED, f"{status}, not JSON"
    if status in (200, 201):
        return RIGHT, str(status)
    error = str(content.get("error"))
    return (REFUSED if error in WITHOUT_DATABASE else FAILED), f"{status} {error}"


class Load:
    """Clients that ask all the time; `with Load(...) as load`."""

    def __init__(self, port: int, key: str, n_clients: int) -> None:
        self.port, self.key = port, key
        self.users = [item["user"] for item in self._read("/users?limit=100")["items"]]
        self.movies = [item["movie_id"] for item in self._read("/movies?limit=50")["items"]]
        self.clients = [Client(port, key, self.users) for _ in range(n_clients)]
        self._stopping = Event()
        self._threads = [
            Thread(target=client.work, args=([str(m) for m in self.movies], self._stopping))
            for client in self.clients
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, when all requests are answered."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def figures(self, since: float) -> Figures:
        """Sum up, after the end; `since` is the moment from which the service should recover."""
        answers = [answer for client in self.clients for answer in client.answers]
        kinds: dict[str, int] = {}
        for answer in answers:
            kinds[answer.what] = kinds.get(answer.what, 0) + 1
        wrong = [answer.ended for answer in answers if answer.outcome != RIGHT]
        return Figures(
            requests=len(answers),
            refused=sum(answer.outcome == REFUSED for answer in answers),
            failed=sum(answer.outcome == FAILED for answer in answers),
            lost=self._lost(),
            slowest_s=max(answer.seconds for answer in answers),
            recovered_s=max([ended - since for ended in wrong if ended > since], default=0.0),
            kinds=dict(sorted(kinds.items())),
        )

    def _lost(self) -> int:
        lost = 0
        for client in self.clients:
            items = self._read(f"/users/{client.user}/ratings")["items"]
            lost += client.lost({str(item["movie_id"]): item["stars"] for item in items})
        return lost

    def _read(self, path: str) -> dict[str, Any]:
        """Return a response, which must be right."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            answer = connection.getresponse()
            content: dict[str, Any] = json.loads(answer.read())
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {content}")
            return content
