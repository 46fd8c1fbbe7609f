"""Clients of the soak: each knows all acknowledged ratings of its users, and checks every response.

A user is written by one client alone, so the client knows the truth. What it may rely on:

- ratings are read from the database: an acknowledged write is in every later response;
- a list reflects the client's own writes on the connection that made them at once, and on every
  other one (of another worker, perhaps) after a second;
- a write that failed without a response may have happened or not: it is read again.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from threading import Event

# How long cached responses of another worker may be used after a write (docs/performance.md).
SEEN_BY_ALL_S = 1.0
# The service is busy, or the list has changed while it was read: no mistake, and tried later.
REFUSED = frozenset({429, 503})
EXPIRED = 410
TRIES = 3
THINK_S = 0.01
# The service closes a connection that was idle for 75 s; as connection pools do, use none as old.
MAX_IDLE_S = 60.0
GENRES = ("Comedy", "Drama", "Horror", "Western")

LIMITS = (5, 20, 50)  # movies of a page

Value = float | bool
_numbers = count(1)


class WrongResponseError(Exception):
    """A response that the service must not give."""


class RefusedError(Exception):
    """The service said that it is busy, or did not answer at all."""


class Response(NamedTuple):
    """A response, and the connection and moment of its request."""

    status: int
    etag: str
    body: bytes
    connection: int
    sent_at: float

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


class KeptConnection:
    """A connection that stays with one worker, and is opened anew when it has ended."""

    def __init__(self, address: str, key: str, counts: Counter[str]) -> None:
        self.address, self.counts = urlsplit(address).netloc, counts
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.number, self.used_at, self.connection = self._opened()

    def ask(self, method: str, path: str, body: Any = None, etag: str = "") -> Response:
        """Return the response; raises `RefusedError`, also where there is none."""
        headers = self.headers | ({"If-None-Match": etag} if etag else {})
        sent_at = time.monotonic()
        if sent_at - self.used_at > MAX_IDLE_S:
            self.open_anew()
        try:
            text = None if body is None else json.dumps(body)
            self.connection.request(method, path, text, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.counts[f"without a response ({type(error).__name__})"] += 1
            self.open_anew()
            raise RefusedError from error
        self.used_at = time.monotonic()
        self.counts["requests"] += 1
        if answer.will_close:
            self.open_anew()
        if answer.status in REFUSED:
            self.counts["refused"] += 1
            raise RefusedError
        if answer.status >= 500:
            raise WrongResponseError(f"{answer.status}: {content.decode()[:300]}")
        etag = answer.headers.get("etag", "")
        return Response(answer.status, etag, content, self.number, sent_at)

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def open_anew(self) -> None:
        """Open another one in its place."""
        self.close()
        self.number, self.used_at, self.connection = self._opened()

    def _opened(self) -> tuple[int, float, http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.address, timeout=120)
        return next(_numbers), time.monotonic(), connection


class User:
    """A user with all acknowledged ratings."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.ratings: dict[int, Value] = {}
        self.exists = False
        self.certain = True  # no write is without a response
        self.written_at = 0.0
        self.written_on = 0

    def is_due(self, response: Response) -> bool:
        """Tell whether this response must reflect every write."""
        old = response.sent_at - self.written_at > SEEN_BY_ALL_S
        return old or response.connection == self.written_on


class Client:
    """Reads and writes for a few users until the end, and notes what is wrong."""

    def __init__(
        self, address: str, key: str, name: str, movies: Sequence[int], counts: Counter[str]
    ) -> None:
        self.movies, self.counts = movies, counts
        self.random = random.Random(name)  # noqa: S311 - traffic, not secrets
        self.users = [User(f"{name}-{number}") for number in range(8)]
        self.connections = [KeptConnection(address, key, counts) for _ in range(2)]
        self.wrong: list[str] = []
        self.steps: dict[Callable[[User], None], float] = {
            self.read_list: 25, self.read_twice: 10, self.read_pages: 4, self.sample: 3,
            self.anonymous: 4, self.batch: 3, self.rate: 20, self.rate_several: 5, self.unrate: 5,
            # Rarely: a training during which somebody was erased has to begin anew.
            self.erase: 0.05, self.read_ratings: 8, self.search: 4, self.look_around: 6,
        }  # fmt: skip

    def run(self, end: Event) -> None:
        """Work until the end."""
        steps, weights = list(self.steps), list(self.steps.values())
        while not end.wait(THINK_S):
            (step,) = self.random.choices(steps, weights)
            user = self.random.choice(self.users)
            try:
                self.reread(user) if not user.certain else step(user)
            except RefusedError:
                end.wait(0.2)
            except Exception as error:
                self.note(f"{step.__name__}, {user.key}: {type(error).__name__} {error}")
        for connection in self.connections:
            connection.close()

    def note(self, text: str) -> None:
        """Record a wrong response."""
        self.counts["wrong"] += 1
        self.wrong.append(text)

    # --- writing

    def rate(self, user: User) -> None:
        """Rate a movie."""
        movie, value = self.random.choice(self.movies), self.draw()
        path = f"/users/{user.key}/ratings/{movie}"
        answer = self.write(user, "PUT", path, _body(value))
        check(answer.status == (200 if movie in user.ratings else 201), answer)
        self.store(user, {movie: value})

    def rate_several(self, user: User) -> None:
        """Rate several movies in one transaction."""
        values = {movie: self.draw() for movie in self.random.sample(self.movies, 10)}
        rows = [{"movie_id": movie, **_body(value)} for movie, value in values.items()]
        answer = self.write(user, "POST", f"/users/{user.key}/ratings", {"ratings": rows})
        check(answer.status == 200, answer)
        expected = [200 if movie in user.ratings else 201 for movie in values]
        check([item["status"] for item in answer.json()["items"]] == expected, answer)
        self.store(user, values)

    def unrate(self, user: User) -> None:
        """Delete a rating."""
        if user.ratings:
            movie = self.random.choice(list(user.ratings))
            answer = self.write(user, "DELETE", f"/users/{user.key}/ratings/{movie}")
            check(answer.status == 204, answer)
            del user.ratings[movie]

    def erase(self, user: User) -> None:
        """Erase the user, who is gone then."""
        answer = self.write(user, "DELETE", f"/users/{user.key}")
        check(answer.status == 204, answer)
        user.ratings, user.exists = {}, False
        self.read_ratings(user)
        on_same = self.get(f"/recommendations/{user.key}", same_as=user)
        check(on_same.json()["reason"] in {"unknown_user", "no_model"}, on_same)

    def write(self, user: User, method: str, path: str, body: Any = None) -> Response:
        """Write; until the response, the client does not know what is stored."""
        user.certain = False
        connection = self.random.choice(self.connections)
        answer = connection.ask(method, path, body)
        user.certain, user.written_at = True, time.monotonic()
        user.written_on = answer.connection
        return answer

    def store(self, user: User, values: dict[int, Value]) -> None:
        """Note what is acknowledged."""
        user.ratings |= values
        user.exists = True

    def reread(self, user: User) -> None:
        """Learn what came of a write without a response."""
        answer = self.get(f"/users/{user.key}")
        user.exists = answer.status == 200
        user.ratings = _values(answer.json()["ratings"]) if user.exists else {}
        user.certain, user.written_at, user.written_on = True, time.monotonic(), 0

    # --- reading

    def read_list(self, user: User) -> None:
        """Read the first page of a list."""
        options = {"limit": self.random.choice(LIMITS), "explain": self.random.randrange(4)}
        if self.random.random() < 0.3:
            options["genre"] = self.random.choice(GENRES)  # type: ignore[assignment]
        answer = self.get(f"/recommendations/{user.key}?{urlencode(options)}")
        check(answer.status == 200, answer)
        self.check_items(user, answer, answer.json()["items"])

    def read_twice(self, user: User) -> None:
        """Ask again for what the client has: 304 only if a new response would be the same."""
        path = f"/recommendations/{user.key}?limit=10"
        connection = self.random.choice(self.connections)  # another worker may be a second behind
        first = connection.ask("GET", path)
        self.check_items(user, first, first.json()["items"])
        for _ in range(TRIES):  # another model, movie or count may come in between
            again = connection.ask("GET", path, etag=first.etag)
            if again.status == 200:
                self.check_items(user, again, again.json()["items"])
                return
            check(again.status == 304, again)
            # A request that nobody has sent before is not in the cache.
            new = connection.ask("GET", f"{path}&exclude={next(_numbers) + 10**6}")
            if not user.is_due(again) or new.json()["items"] == first.json()["items"]:
                return
        check(False, again)  # noqa: FBT003 - the condition is above

    def read_pages(self, user: User) -> None:
        """Read a list to its end: no movie twice."""
        options = {"limit": 40, "explain": 0}
        items: list[dict[str, Any]] = []
        cursor: str | None = ""
        connection = self.random.choice(self.connections)
        while cursor is not None:
            query = urlencode({**options, "cursor": cursor})
            answer = connection.ask("GET", f"/recommendations/{user.key}?{query}")
            if answer.status == EXPIRED:
                self.counts["expired cursors"] += 1
                return
            check(answer.status == 200, answer)
            items += answer.json()["items"]
            cursor = answer.json()["next"]
        self.check_items(user, answer, items)

    def sample(self, user: User) -> None:
        """Read a sampled list."""
        seed = self.random.randrange(3)
        answer = self.get(f"/recommendations/{user.key}?mode=sample&seed={seed}&limit=20")
        check(answer.status == 200, answer)
        self.check_items(user, answer, answer.json()["items"], sampled=True)

    def anonymous(self, _user: User) -> None:
        """Recommend by the ratings in the request."""
        values = {movie: self.draw() for movie in self.random.sample(self.movies, 15)}
        rows = [{"movie_id": movie, **_body(value)} for movie, value in values.items()]
        connection = self.random.choice(self.connections)
        answer = connection.ask("POST", "/recommendations", {"ratings": rows, "limit": 20})
        check(answer.status == 200, answer)
        check(not {item["movie_id"] for item in answer.json()["items"]} & values.keys(), answer)

    def batch(self, _user: User) -> None:
        """Read lists of all users of this client at once."""
        connection = self.random.choice(self.connections)
        keys = [user.key for user in self.users]
        answer = connection.ask("POST", "/recommendations/batch", {"users": keys, "limit": 10})
        check(answer.status == 200, answer)
        for user, page in zip(self.users, answer.json()["items"], strict=True):
            self.check_items(user, answer, page["items"])

    def read_ratings(self, user: User) -> None:
        """Compare what is stored with what was acknowledged, on both connections."""
        for connection in self.connections:
            answer = connection.ask("GET", f"/users/{user.key}/ratings?limit=1000")
            check(_values(answer.json()["items"]) == user.ratings, answer)
            whole = connection.ask("GET", f"/users/{user.key}")
            check(whole.status == (200 if user.exists else 404), whole)
            if user.exists:
                check(_values(whole.json()["ratings"]) == user.ratings, whole)

    def search(self, _user: User) -> None:
        """Find a movie by its title."""
        movie = self.random.choice(self.movies)
        answer = self.get("/movies/search?" + urlencode({"q": f"Movie Number {movie}"}))
        check(answer.status == 200, answer)
        check(movie in {item["movie_id"] for item in answer.json()["items"]}, answer)

    def look_around(self, user: User) -> None:
        """Ask for everything else."""
        movie = self.random.choice(self.movies)
        path = self.random.choice((
            f"/users/{user.key}/predictions/{movie}", f"/users/{user.key}/features?limit=5",
            f"/movies/{movie}/similar?limit=10", f"/movies/{movie}", "/movies?sort=newest&limit=20",
            "/model/features?limit=5", "/models/active", "/health/ready", "/metrics",
        ))  # fmt: skip
        answer = self.get(path)
        check(answer.status == 200, answer)

    def get(self, path: str, *, etag: str = "", same_as: User | None = None) -> Response:
        """Read on either connection, or on the one of the user's last write."""
        connection = self.random.choice(self.connections)
        for candidate in self.connections:
            if same_as is not None and candidate.number == same_as.written_on:
                connection = candidate
        return connection.ask("GET", path, etag=etag)

    def check_items(
        self, user: User, answer: Response, items: list[dict[str, Any]], *, sampled: bool = False
    ) -> None:
        """Check a list: none twice, none rated, the best first, reasons among the ratings."""
        ids = [item["movie_id"] for item in items]
        check(len(set(ids)) == len(ids), answer)
        if user.certain and user.is_due(answer):
            check(not set(ids) & user.ratings.keys(), answer)
            reasons = {reason["movie_id"] for item in items for reason in item["because"]}
            check(reasons <= user.ratings.keys(), answer)
        sources = [item["source"] for item in items]
        check(sources == sorted(sources, reverse=True), answer)  # `rbm` before `popular`
        for one, other in pairwise(items):
            if one["source"] == other["source"]:
                order = (-one["score"], one["movie_id"]) < (-other["score"], other["movie_id"])
                check(order or sampled, answer)

    def draw(self) -> Value:
        """Draw a rating."""
        if self.random.random() < 0.3:
            return self.random.random() < 0.6
        return self.random.randrange(1, 11) / 2


def check(right: bool, answer: Response) -> None:  # noqa: FBT001 - a condition
    """Raise an error that shows the response, unless it is right."""
    if not right:
        raise WrongResponseError(f"{answer.status}: {answer.body.decode()[:400]}")


def _body(value: Value) -> dict[str, Value]:
    return {"liked" if isinstance(value, bool) else "stars": value}


def _values(items: list[dict[str, Any]]) -> dict[int, Value]:
    return {
        item["movie_id"]: item["liked"] if item["stars"] is None else item["stars"]
        for item in items
    }
