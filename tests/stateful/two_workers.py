"""Two workers over one database beside the plain model, driven by Hypothesis step by step.

The polling threads of the workers stand still, so that nothing depends on time: before a worker is
read that has not seen a change of the other one, it polls as it would within a second. The worker
that made the change is read without that: there it counts at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from app.config import Settings
from app.datasets.service import DatasetConflictError, import_release
from app.db import revisions
from app.db.engine import Database
from app.db.revisions import UserRevisions
from app.http.middleware.response_cache import ResponseCache
from app.live import model_reloader
from app.live.model_reloader import ModelReloader
from app.main import create_app
from tests.app.conftest import ADDRESS
from tests.app.small_releases import make_release
from tests.app.world import make_rbm, publish
from tests.stateful.plain_model import Movie, PlainModel, Rating, Release, Value

GENRES = ("Drama", "Comedy", "Science Fiction")
MOVIES = {
    id_: Movie(f"Movie {id_}", 1990 + id_ if id_ % 4 else None, GENRES[id_ % 3 : 1 + id_ % 5])
    for id_ in range(1, 15)
}
STORED = range(1, 11)  # from the beginning
# The last model knows none of the movies.
KNOWN = {
    "20261120T101501Z-0001": [*range(1, 7), 99],
    "20261120T101502Z-0002": [*range(3, 12)],
    "20261120T101503Z-0003": [50, 51, 52],
}
FIRST = min(KNOWN)
# The second one has neither titles nor years.
RELEASES = (
    Release("one", {id_: Movie(f"Film {id_}", 1995, ("Comedy", "Drama")) for id_ in range(1, 9)},
            {"1": {1: 4.0, 2: 0.5, 8: 5.0}, "2": {3: 3.5}}),
    Release("two", {id_: Movie(f"Movie {id_}", None, ("Comedy", "Drama"))
                    for id_ in (1, 2, 3, 5, 6, 9, 12)},
            {"2": {1: 2.0, 9: 4.5}, "imported": {5: 4.0}}),
)  # fmt: skip

USERS = st.sampled_from(["1", "2", "3", "imported"])
WORKERS = st.integers(0, 1)
IDS = st.integers(1, 15)
VALUES: st.SearchStrategy[Value] = st.booleans() | st.sampled_from([0.5, 3.5, 4.0, 5.0])
SEVERAL = st.lists(st.tuples(IDS, VALUES), min_size=1, max_size=5)
KINDS = st.sampled_from(["seen", "hidden", "liked", "clicked"])
LONG_AGO = "2026-01-01T00:00:00Z"
LIMITS = st.integers(1, 8)
SEEDS = st.none() | st.integers(0, 1)
SOME_GENRES = st.lists(st.sampled_from([*GENRES, "drama", "Western"]), max_size=2)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "genre": SOME_GENRES,
        "exclude_genre": SOME_GENRES,
        "year_from": st.integers(1990, 2004),
        "year_to": st.integers(1990, 2004),
        "exclude": st.lists(IDS, max_size=3),
    },
)

# Gives a database of its own, and removes it.
NewDatabase = Callable[[], AbstractContextManager[tuple[Database, Settings]]]


class Page(NamedTuple):
    """A page that a client has read, and the cursor of the next one."""

    user: str
    options: dict[str, Any]
    before: list[int]
    cursor: str
    stamp: tuple[str | None, int]
    moment: int


class Tag(NamedTuple):
    """A response that a client keeps."""

    path: str
    etag: str
    body: bytes


class TwoWorkers(RuleBasedStateMachine):
    """Clients that write to and read from both workers."""

    pages = Bundle("pages")
    tags = Bundle("tags")

    def __init__(self, new_database: NewDatabase) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.database, settings = self.stack.enter_context(new_database())
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        # A slow machine would not use cached responses; whoever may not know a change polls anyway.
        patch.setattr(revisions, "MAX_AGE_S", 1e9)
        patch.setattr(model_reloader, "RECOUNT_S", 0.0)  # counts are due after every change
        patch.setattr(model_reloader, "RECOUNT_SHARE", 0)
        self.settings = settings.model_copy(update={"address_rate_limit": 0})
        self.plain = PlainModel(
            {id_: MOVIES[id_] for id_ in STORED},
            {version: frozenset(ids) for version, ids in KNOWN.items()},
            active=None,
        )
        self.moment = 0  # rises with every change
        self.seen = [0, 0]  # by each worker
        self.workers: list[TestClient] = []

    def teardown(self) -> None:
        self.stack.close()

    @initialize()
    def start(self) -> None:
        for seed, (version, movie_ids) in enumerate(KNOWN.items()):
            rbm = make_rbm(seed, movie_ids)
            publish(self.database, self.settings.models_dir, version, rbm, active=False)
        for _ in range(2):
            client = TestClient(create_app(self.settings), base_url=ADDRESS)
            self.workers.append(self.stack.enter_context(client))
            self.find(len(self.workers) - 1, UserRevisions).stop()
            self.find(len(self.workers) - 1, ModelReloader).stop()
        for id_ in STORED:
            self.write(0, "PUT", f"/movies/{id_}", MOVIES[id_]._asdict(), 201)
        self.activate(0, FIRST)

    # --- writing

    @rule(worker=WORKERS, user=USERS, movie=IDS, value=VALUES)
    def rate(self, worker: int, user: str, movie: int, value: Value) -> None:
        (status,) = self.plain.rate(user, [(movie, value)])
        self.write(worker, "PUT", f"/users/{user}/ratings/{movie}", _body(value), status)
        self.read_usual(worker, user)

    @rule(worker=WORKERS, user=USERS, ratings=SEVERAL)
    def rate_several(self, worker: int, user: str, ratings: list[tuple[int, Value]]) -> None:
        statuses = self.plain.rate(user, ratings)
        body = {"ratings": [{"movie_id": id_, **_body(value)} for id_, value in ratings]}
        answer = self.write(worker, "POST", f"/users/{user}/ratings", body, 200)
        assert [item["status"] for item in answer["items"]] == statuses
        self.read_usual(worker, user)

    @rule(worker=WORKERS, user=USERS, movie=IDS)
    def unrate(self, worker: int, user: str, movie: int) -> None:
        self.plain.unrate(user, movie)
        self.write(worker, "DELETE", f"/users/{user}/ratings/{movie}", None, 204)
        self.read_usual(worker, user)

    @rule(worker=WORKERS, user=USERS, movie=IDS, kind=KINDS)
    def tell(self, worker: int, user: str, movie: int, kind: str) -> None:
        status = self.plain.tell(user, movie, kind)
        event = {"user": user, "movie_id": movie, "kind": kind, "occurred_at": LONG_AGO}
        answer = self.write(worker, "POST", "/events", {"events": [event]}, 200)
        assert [item["status"] for item in answer["items"]] == [status]
        self.read_usual(worker, user)

    @rule(worker=WORKERS, user=USERS)
    def erase(self, worker: int, user: str) -> None:
        self.plain.users.pop(user, None)
        self.write(worker, "DELETE", f"/users/{user}", None, 204)
        self.read_usual(worker, user)

    @rule(worker=WORKERS, movie=IDS, genres=SOME_GENRES, title=st.sampled_from(["Heat", None]))
    def put_movie(self, worker: int, movie: int, genres: list[str], title: str | None) -> None:
        status = 200 if movie in self.plain.movies else 201
        put = Movie(title or f"Movie {movie}", 1990 + movie, tuple(genres))
        self.plain.movies[movie] = put
        self.write(worker, "PUT", f"/movies/{movie}", put._asdict(), status)

    @rule(worker=WORKERS, movie=IDS, year=st.none() | st.integers(1990, 2004))
    def change_movie(self, worker: int, movie: int, year: int | None) -> None:
        known = self.plain.movies.get(movie)
        if known is not None:
            self.plain.movies[movie] = known._replace(year=year)
        self.write(worker, "PATCH", f"/movies/{movie}", {"year": year}, 200 if known else 404)

    @rule(release=st.sampled_from(RELEASES))
    def import_release(self, release: Release) -> None:
        accepted = self.plain.import_release(release)
        lines = [
            (user, id_, stars, 1000)
            for user, rated in release.stars.items()
            for id_, stars in rated.items()
        ]
        titles = {id_: movie.title for id_, movie in release.movies.items()}
        (year,) = {movie.year for movie in release.movies.values()}
        made = make_release(lines, titles, name=release.name, year=year)
        try:
            import_release(self.database, made, replace=True)
        except DatasetConflictError:
            assert not accepted
        else:
            assert accepted
        self.moment += 1

    @rule(worker=WORKERS, version=st.sampled_from(sorted(KNOWN)))
    def activate(self, worker: int, version: str) -> None:
        self.plain.activate(version)
        self.write(worker, "PUT", "/models/active", {"version": version}, 200)

    @rule(worker=WORKERS)
    def roll_back(self, worker: int) -> None:
        possible = self.plain.roll_back()
        self.write(worker, "POST", "/models/rollback", None, 200 if possible else 409)

    @rule(worker=WORKERS)
    def count_likes(self, worker: int) -> None:
        self.plain.count()
        models = self.find(worker, ModelReloader)
        models.refresh()
        models.refresh()  # the first count of all is that of the start
        self.moment += 1

    # --- reading

    @rule(worker=WORKERS, user=USERS)
    def read_user(self, worker: int, user: str) -> None:
        """Ratings are read from the database, so they need no polling."""
        stored = self.plain.users.get(user)
        answer = self.workers[worker].get(f"/users/{user}")
        assert answer.status_code == (404 if stored is None else 200)
        if stored is not None:
            assert answer.json()["imported_from"] == stored.imported_from
            assert _ratings(answer.json()["ratings"]) == _values(stored.ratings)
            assert {each["movie_id"] for each in answer.json().get("seen", ())} == stored.seen
            assert len(answer.json().get("events", ())) == len(stored.events)
        assert _ratings(self.all_ratings(worker, user)) == _values(stored.ratings if stored else {})

    @rule(worker=WORKERS, user=USERS)
    def read_usual(self, worker: int, user: str) -> None:
        """Always the same request, so that an old response would be in the cache."""
        self.catch_up(worker)
        answer = self.get_list(worker, user, {"limit": 100, "explain": 0})
        listed = [item["movie_id"] for item in answer["items"]]
        n_personal = len(self.plain.personal(user, {}))
        assert set(listed[:n_personal]) == self.plain.personal(user, {})
        assert listed[n_personal:] == self.plain.popular(user, {})

    @rule(worker=WORKERS, user=USERS, limit=LIMITS, filters=FILTERS,
          diversity=st.sampled_from([0.0, 0.0, 0.5]), seed=SEEDS)  # fmt: skip
    def read_list(
        self, worker: int, user: str, limit: int, filters: dict[str, Any], diversity: float,
        seed: int | None,
    ) -> None:  # fmt: skip
        options = filters | ({"diversity": diversity} if diversity else {})
        options |= {} if seed is None else {"mode": "sample", "seed": seed}
        self.catch_up(worker)
        self.check_list(worker, user, options, limit)

    @rule(target=pages, worker=WORKERS, user=USERS, filters=FILTERS, limit=st.integers(1, 4))
    def read_first_page(self, worker: int, user: str, filters: dict[str, Any], limit: int) -> Any:
        self.catch_up(worker)
        answer = self.get_list(worker, user, filters | {"limit": limit})
        if answer["next"] is None:
            return multiple()
        before = [item["movie_id"] for item in answer["items"]]
        stamp = self.plain.stamp(user)
        return Page(user, filters, before, answer["next"], stamp, self.moment)

    @rule(worker=WORKERS, page=pages, other=FILTERS)
    def read_next_page(self, worker: int, page: Page, other: dict[str, Any]) -> None:
        self.catch_up(worker)
        path, options = f"/recommendations/{page.user}", page.options | {"cursor": page.cursor}
        answer = self.workers[worker].get(path, params={**options, "limit": 3})
        if self.plain.stamp(page.user) != page.stamp:
            assert answer.status_code == 410
        elif self.moment == page.moment:
            assert answer.status_code == 200
        if answer.status_code == 200:  # then the list is still the one that the client is reading
            whole = self.check_list(worker, page.user, page.options, 3)
            read = [item["movie_id"] for item in answer.json()["items"]]
            assert page.before + read == whole[: len(page.before) + len(read)]
        else:
            assert answer.status_code == 410
        if _canonical(other) != _canonical(page.options):
            changed = self.workers[worker].get(path, params={**other, "cursor": page.cursor})
            assert changed.status_code == 422

    @rule(target=tags, worker=WORKERS, user=USERS, movie=IDS, kind=st.integers(0, 3))
    def keep(self, worker: int, user: str, movie: int, kind: int) -> Any:
        path = (
            f"/recommendations/{user}?limit=5", f"/users/{user}/predictions/{movie}",
            f"/users/{user}/features", f"/movies/{movie}/similar",
        )[kind]  # fmt: skip
        self.catch_up(worker)
        answer = self.workers[worker].get(path)
        unknown = kind in {1, 3} and movie not in self.plain.movies
        assert answer.status_code == (404 if unknown else 200)
        assert answer.content == self.computed(worker, path)
        return multiple() if unknown else Tag(path, answer.headers["etag"], answer.content)

    @rule(worker=WORKERS, tag=tags)
    def ask_again(self, worker: int, tag: Tag) -> None:
        """A client is told that its response is still valid exactly if it is."""
        self.catch_up(worker)
        answer = self.workers[worker].get(tag.path, headers={"If-None-Match": tag.etag})
        fresh = self.computed(worker, tag.path)
        assert (answer.status_code == 304) == (fresh == tag.body)
        if answer.status_code == 200:
            assert answer.content == fresh

    @rule(
        worker=WORKERS,
        sort=st.sampled_from(["popular", "newest", "title"]),
        limit=st.integers(1, 8),
    )
    def list_movies(self, worker: int, sort: str, limit: int) -> None:
        self.catch_up(worker)
        listed = list(self.walk(worker, "/movies", {"sort": sort, "limit": limit}))
        found = {item["movie_id"]: _movie(item) for item in listed}
        assert found == self.plain.movies
        assert len(listed) == len(found)
        if sort == "popular":
            assert list(found) == sorted(self.plain.movies, key=self.plain.popularity)

    @rule(worker=WORKERS, movie=IDS)
    def search(self, worker: int, movie: int) -> None:
        self.catch_up(worker)
        answer = self.workers[worker].get("/movies/search", params={"q": f"Movie {movie}"})
        found = {item["movie_id"]: _movie(item) for item in answer.json()["items"]}
        assert found.items() <= self.plain.movies.items()
        named = self.plain.movies.get(movie)
        if named is not None and named.title == f"Movie {movie}":
            assert next(iter(found)) == movie

    @invariant()
    def the_registry_names_the_served_model(self) -> None:
        for client in self.workers:
            active = client.get("/models/active").json()
            assert active == {"version": self.plain.active, "previous": self.plain.previous}

    # --- the means

    def find(self, worker: int, kind: type[Any]) -> Any:
        return self.workers[worker].app.state.services.find(kind)  # type: ignore[attr-defined]

    def write(self, worker: int, method: str, path: str, body: Any, status: int) -> Any:
        knew_all = self.seen[worker] == self.moment
        answer = self.workers[worker].request(method, path, json=body)
        assert answer.status_code == status, answer.text
        self.moment += 1
        if knew_all:
            self.seen[worker] = self.moment
        return answer.json() if answer.content else None

    def catch_up(self, worker: int) -> None:
        """Poll, as a worker does within a second, if there is something that it may not know."""
        if self.seen[worker] < self.moment:
            self.find(worker, UserRevisions).poll()
            self.find(worker, ModelReloader).poll()
            self.seen[worker] = self.moment

    def computed(self, worker: int, path: str) -> bytes:
        """Return the response of a worker without its cache."""
        cache = self.find(worker, ResponseCache)
        held, cache._responses = cache._responses, type(cache._responses)()  # noqa: SLF001
        answer = self.workers[worker].get(path)
        cache._responses = held  # noqa: SLF001
        return answer.content

    def get_list(self, worker: int, user: str, options: dict[str, Any]) -> Any:
        answer = self.workers[worker].get(f"/recommendations/{user}", params=options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def walk(self, worker: int, path: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            answer = self.workers[worker].get(path, params={**options, "cursor": cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return
            assert len(page["items"]) == options["limit"]

    def all_ratings(self, worker: int, user: str) -> list[dict[str, Any]]:
        return list(self.walk(worker, f"/users/{user}/ratings", {"limit": 2}))

    def check_list(self, worker: int, user: str, options: dict[str, Any], limit: int) -> list[int]:
        """Compare a whole list, page by page, with what it should be."""
        head = self.get_list(worker, user, options | {"limit": limit})
        reason = self.plain.reason(user)
        assert (head["model"], head["reason"]) == (self.plain.active, reason)
        assert head["source"] == ("rbm" if reason is None else "popular")
        items = list(self.walk(worker, f"/recommendations/{user}", {**options, "limit": limit}))
        ids = [item["movie_id"] for item in items]
        personal = [item for item in items if item["source"] == "rbm"]
        assert all(_movie(item) == self.plain.movies[item["movie_id"]] for item in items)
        assert {item["movie_id"] for item in personal} == self.plain.personal(user, options)
        assert ids[len(personal) :] == self.plain.popular(user, options)
        assert len(set(ids)) == len(ids)
        if "mode" not in options and "diversity" not in options:
            order = [(-item["score"], item["movie_id"]) for item in personal]
            assert order == sorted(order)
        for item in items[len(personal) :]:
            assert item["score"] == pytest.approx(self.plain.share(item["movie_id"]), rel=1e-6)
        for item in personal:
            self.check_reasons(user, item["because"])
        return ids

    def check_reasons(self, user: str, because: list[dict[str, Any]]) -> None:
        rated = self.plain.users[user].ratings
        for reason in because:
            assert rated[reason["movie_id"]].liked == reason["liked"]
        effects = [reason["effect"] for reason in because]
        assert all(one >= other for one, other in pairwise([*effects, 0.0]))


def _body(value: Value) -> dict[str, Value]:
    return {"liked" if isinstance(value, bool) else "stars": value}


def _movie(item: dict[str, Any]) -> Movie:
    return Movie(item["title"], item["year"], tuple(item["genres"]))


def _values(ratings: dict[int, Rating]) -> dict[int, tuple[Value, bool]]:
    return {id_: (rating.value, rating.liked) for id_, rating in sorted(ratings.items())}


def _ratings(items: list[dict[str, Any]]) -> dict[int, tuple[Value, bool]]:
    return {
        item["movie_id"]: (item["liked"] if item["stars"] is None else item["stars"], item["liked"])
        for item in items
    }


def _canonical(filters: dict[str, Any]) -> str:
    """Return what the service takes for the same list."""
    kept = {}
    for name, value in filters.items():
        same = value
        if isinstance(value, list):
            same = sorted({each.casefold() if isinstance(each, str) else each for each in value})
        if same != []:
            kept[name] = same
    return json.dumps(kept, sort_keys=True)
