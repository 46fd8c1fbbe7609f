"""A client that rates and reads, and knows what every response must be."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tests.app.world import MOVIE_IDS

USERS = ("1", "2", "3")
ANONYMOUS = {"ratings": [{"movie_id": 50, "liked": True}], "limit": 5}
# A request that takes longer is a failure of the test.
MAX_S = 30.0


class Answer(NamedTuple):
    status: int
    body: Any
    degraded: bool
    seconds: float


class Checker:
    """Rates and reads for a few users; each 200 must agree with what was acknowledged."""

    def __init__(self, address: str, rated: dict[str, dict[int, bool]]) -> None:
        self.address = address
        self.rated = {user: dict(rated[user]) for user in USERS}
        self.unknown: set[tuple[str, int]] = set()  # by writes that were not acknowledged
        self.answers: list[Answer] = []
        self._generator = np.random.default_rng(1)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request; only answers that are documented are right."""
        request = urllib.request.Request(  # noqa: S310 (our own service)
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        begin = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=MAX_S) as response:  # noqa: S310
                status, headers, text = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            status, headers, text = error.code, error.headers, error.read()
        answer = Answer(
            status,
            json.loads(text) if text else None,
            headers["Recommender-Degraded"] == "database",
            time.monotonic() - begin,
        )
        if status >= 500:
            assert status == 503, answer
            assert headers["Retry-After"]
            assert "SELECT" not in str(answer.body)
        self.answers.append(answer)
        return answer

    def rate(self, user: str) -> Answer:
        """Give a random rating."""
        movie, liked = int(self._generator.choice(MOVIE_IDS)), bool(self._generator.random() < 0.5)
        self.unknown.add((user, movie))
        answer = self.ask("PUT", f"/users/{user}/ratings/{movie}", {"liked": liked})
        if answer.status < 300:
            self.rated[user][movie] = liked
            self.unknown.discard((user, movie))
        return answer

    def read(self, user: str) -> Answer:
        """Read recommendations: never a movie that the user is known to have rated."""
        answer = self.ask("GET", f"/recommendations/{user}?limit=100&explain=0")
        if answer.status == 200:
            listed = {item["movie_id"] for item in answer.body["items"]}
            assert not listed & self._known(user).keys(), (listed, answer.degraded)
        return answer

    def ratings(self, user: str) -> Answer:
        """Read the ratings: every acknowledged one is there."""
        answer = self.ask("GET", f"/users/{user}/ratings?limit=1000")
        if answer.status == 200:
            stored = {item["movie_id"]: item["liked"] for item in answer.body["items"]}
            known = self._known(user)
            assert {movie: stored.get(movie) for movie in known} == known
        return answer

    def anonymous(self) -> Answer:
        """Ask for what needs no database."""
        return self.ask("POST", "/recommendations", ANONYMOUS)

    def mixed(self, seconds: float) -> None:
        """Send requests of every kind, one after the other."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            user = str(self._generator.choice(USERS))
            kind = self._generator.integers(0, 4)
            work: Callable[[str], Answer] = (self.rate, self.read, self.ratings, self._other)[kind]
            work(user)

    def seconds_until_well(self) -> float:
        """Wait until everything is answered as usual."""
        begin = time.monotonic()
        while time.monotonic() < begin + MAX_S:
            answers = [self.rate("3"), self.read("3"), self.ratings("3"), self.anonymous()]
            if all(answer.status < 300 and not answer.degraded for answer in answers):
                seconds = time.monotonic() - begin
                for user in USERS:
                    assert self.ratings(user).status == 200
                return seconds
            time.sleep(0.05)
        raise AssertionError(self.answers[-4:])

    @contextmanager
    def slowest(self) -> Iterator[list[float]]:
        """Give the time of the slowest answer in the block."""
        begin, found = len(self.answers), [0.0]
        yield found
        found[0] = max(answer.seconds for answer in self.answers[begin:])

    def _other(self, _user: str) -> Answer:
        return self.anonymous()

    def _known(self, user: str) -> dict[int, bool]:
        return {m: liked for m, liked in self.rated[user].items() if (user, m) not in self.unknown}
