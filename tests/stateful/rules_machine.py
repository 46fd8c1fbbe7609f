"""Rules, movies and ratings change at two workers, and lists of every sort are read from them.

The clock of the database moves in the test alone. A worker makes lists by the rules that it found
when it polled last, and by the ratings of now; so it is also read before it has polled.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from app.db.revisions import UserRevisions
from app.live.model_reloader import ModelReloader
from tests.stateful.plain_rules import NO_RULES, Film, check_list
from tests.stateful.rule_strategies import (
    GENRES,
    IDS,
    KNOWN,
    NAMES,
    REQUEST_FILTERS,
    YEARS,
    definitions,
)
from tests.stateful.rules_world import RulesWorld

USERS = st.sampled_from(["1", "2", "3"])
WORKERS = st.integers(0, 1)
SCENARIOS = st.none() | NAMES
HOUR = 3600
OTHER_LISTS = (
    "/movies?limit=100&sort=title", "/movies?limit=100&sort=newest", "/movies?limit=100",
    "/movies/trending?limit=100&window=30d", "/movies/search?q=film&limit=50",
    "/movies/3/similar?limit=100", "/movies/20/similar?limit=100",
    "/model/features?limit=100&films=20",
)  # fmt: skip


class Page(NamedTuple):
    """The first page of a list, as a client keeps it."""

    user: str
    scenario: str | None
    filters: dict[str, Any]
    items: list[dict[str, Any]]
    cursor: str
    shown: set[int]


class RulesMachine(RulesWorld):
    """Clients that change rules at either worker, and read lists from both."""

    pages = Bundle("pages")

    @initialize()
    def start(self) -> None:
        self.start_workers()
        for id_ in range(1, 12):
            self.rate(0, str(id_ % 3 + 1), 2 * id_, liked=bool(id_ % 4))
        self.activate(0, min(KNOWN))
        self.count(0)
        home = {"pins": [{"movie_id": 9, "position": 2}], "not_again_days": 7}
        self.put_scenario(0, "home", home)
        mail = {"number": 6, "max_per_genre": 2, "filters": {"year_from": 1995}}
        self.put_scenario(0, "mail", mail)
        self.show(0, "1", "home", 3)
        self.poll(1)

    # --- what changes

    @rule(worker=WORKERS, user=USERS, movie=IDS, liked=st.booleans())
    def rate(self, worker: int, user: str, movie: int, *, liked: bool) -> None:
        answer = self.workers[worker].put(f"/users/{user}/ratings/{movie}", json={"liked": liked})
        assert (answer.status_code == 404) == (movie not in self.now.films)
        if movie in self.now.films:
            self.liked[user][movie] = liked

    @rule(worker=WORKERS, user=USERS, movie=IDS)
    def unrate(self, worker: int, user: str, movie: int) -> None:
        assert self.workers[worker].delete(f"/users/{user}/ratings/{movie}").status_code == 204
        self.liked[user].pop(movie, None)
        self.seen[user].discard(movie)

    @rule(worker=WORKERS, user=USERS, movie=IDS, kind=st.sampled_from(["seen", "hidden"]))
    def see(self, worker: int, user: str, movie: int, kind: str) -> None:
        # An event of its own each time: one that is known would not count again.
        event = {"event_id": f"{len(self.used)} {time.monotonic_ns()}", "user": user,
                 "movie_id": movie, "kind": kind}  # fmt: skip
        self.workers[worker].post("/events", json={"events": [event]})
        if movie in self.now.films:
            self.seen[user].add(movie)
            self.used.add(movie)

    @rule(worker=WORKERS, movie=IDS, genre=st.sampled_from(GENRES), year=st.sampled_from(YEARS))
    def describe(self, worker: int, movie: int, genre: str, year: int | None) -> None:
        film = self.now.films.get(movie, Film())
        self.now.films[movie] = Film((genre,), year, film.attributes)
        self.send(worker, "PUT", f"/movies/{movie}", self.body(movie))

    @rule(worker=WORKERS, movie=IDS, withdrawn=st.booleans())
    def withdraw(self, worker: int, movie: int, *, withdrawn: bool) -> None:
        self.change(worker, movie, withdrawn=withdrawn)

    @rule(worker=WORKERS, movie=IDS, begin=st.integers(-2, 2), hours=st.integers(1, 4))
    def limit(self, worker: int, movie: int, begin: int, hours: int) -> None:
        at = self.now.clock + begin * HOUR
        self.change(worker, movie, begin=at, end=at + hours * HOUR)

    @rule(worker=WORKERS, movie=IDS)
    def remove(self, worker: int, movie: int) -> None:
        answer = self.workers[worker].delete(f"/movies/{movie}")
        touched = self.used | {id_ for rated in self.liked.values() for id_ in rated}
        film = self.now.films.get(movie)
        if film is not None and movie in touched:
            film.withdrawn = True
        else:
            self.now.films.pop(movie, None)
        assert answer.status_code == (200 if movie in self.now.films else 204)
        self.polled(worker)

    @rule(hours=st.integers(1, 3))
    def pass_time(self, hours: int) -> None:
        self.now.clock += hours * HOUR

    @rule(worker=WORKERS, name=NAMES, definition=definitions())
    def put_scenario(self, worker: int, name: str, definition: dict[str, Any]) -> None:
        self.poll(worker)
        answer = self.workers[worker].put(f"/scenarios/{name}", json=definition)
        if self.names_nothing_unknown(definition):
            assert answer.status_code == (200 if name in self.now.scenarios else 201), answer.text
            self.now.scenarios[name] = definition
        else:
            assert answer.status_code == 422
        self.polled(worker)
        self.read_list(worker, "1", name, {}, 100, None)

    @rule(worker=WORKERS, name=NAMES)
    def delete_scenario(self, worker: int, name: str) -> None:
        answer = self.workers[worker].delete(f"/scenarios/{name}")
        in_use = {name for asked, (_, arms) in self.now.experiments.items()
                  for name in (asked, *arms.values())}  # fmt: skip
        assert answer.status_code == (409 if name in in_use else 204)
        if name in self.now.scenarios.keys() - in_use:
            del self.now.scenarios[name]
            self.polled(worker)

    @rule(worker=WORKERS, name=NAMES, other=NAMES)
    def begin_experiment(self, worker: int, name: str, other: str) -> None:
        if {name, other} - self.now.scenarios.keys() or name in self.now.experiments:
            return
        self.n_experiments += 1
        arms = [{"name": "as-it-is", "share": 0.4}, {"name": "b", "share": 0.4, "scenario": other}]
        body = {"scenario": name, "arms": arms}
        self.send(worker, "PUT", f"/experiments/e{self.n_experiments}", body)
        experiment = (f"e{self.n_experiments}", {"as-it-is": name, "b": other})
        self.now.experiments[name] = experiment
        self.polled(worker)

    @rule(worker=WORKERS, name=NAMES)
    def stop_experiment(self, worker: int, name: str) -> None:
        if name in self.now.experiments:
            experiment, _ = self.now.experiments.pop(name)
            self.send(worker, "POST", f"/experiments/{experiment}/stop")
            self.polled(worker)

    @rule(worker=WORKERS, version=st.sampled_from(sorted(KNOWN)))
    def activate(self, worker: int, version: str) -> None:
        self.send(worker, "PUT", "/models/active", {"version": version})
        self.now.known = frozenset(KNOWN[version])
        self.polled(worker)

    @rule(worker=WORKERS)
    def count(self, worker: int) -> None:
        models = self.find(worker, ModelReloader)
        models.refresh()
        models.refresh()  # the first count of all is that of the start
        self.now.ratings = Counter(id_ for rated in self.liked.values() for id_ in rated)
        self.polled(worker)

    @rule(worker=WORKERS)
    def poll(self, worker: int) -> None:
        self.find(worker, ModelReloader).poll()
        self.polled(worker)

    # --- what must hold

    @rule(worker=WORKERS, user=USERS, name=SCENARIOS, filters=REQUEST_FILTERS,
          limit=st.integers(1, 7), seed=st.none() | st.integers(0, 1))  # fmt: skip
    def read_list(
        self, worker: int, user: str, name: str | None, filters: dict[str, Any], limit: int,
        seed: int | None,
    ) -> None:  # fmt: skip
        query = filters | ({} if seed is None else {"mode": "sample", "seed": seed})
        head, items = self.walk(worker, user, name, query, limit)
        if head is not None:
            self.check(worker, user, name, filters, head, items, is_ordered=seed is None)

    @rule(worker=WORKERS, name=SCENARIOS, filters=REQUEST_FILTERS, limit=st.integers(1, 30))
    def read_batch(
        self, worker: int, name: str | None, filters: dict[str, Any], limit: int
    ) -> None:
        users = ["1", "2", "3"]
        query = filters | ({"scenario": name} if name else {})
        self.find(worker, UserRevisions).poll()
        body = {"users": users, "limit": limit, "explain": 0, **query}
        batch = self.workers[worker].post("/recommendations/batch", json=body)
        if self.refused(worker, name, batch):
            return
        for user, answer in zip(users, batch.json()["items"], strict=True):
            _, items = self.walk(worker, user, name, filters, 100)
            same = [item | {"because": []} for item in items]
            assert [item["movie_id"] for item in answer["items"]] == [
                item["movie_id"] for item in same[:limit]
            ]

    @rule(worker=WORKERS, name=SCENARIOS, rated=st.dictionaries(IDS, st.booleans(), max_size=4))
    def read_for_ratings(self, worker: int, name: str | None, rated: dict[int, bool]) -> None:
        ratings = [{"movie_id": id_, "liked": liked} for id_, liked in rated.items()]
        body = {"ratings": ratings, "limit": 100} | ({"scenario": name} if name else {})
        answer = self.workers[worker].post("/recommendations", json=body)
        if not self.refused(worker, name, answer):
            served = self.served[worker]
            definition = served.scenarios.get(name or "", NO_RULES)
            allowed = served.allowed(definition.get("filters", {})) - rated.keys()
            check_list(answer.json()["items"], served, definition, allowed)

    @rule(worker=WORKERS, user=USERS, name=SCENARIOS, movies=st.lists(IDS, min_size=1, unique=True))
    def rank(self, worker: int, user: str, name: str | None, movies: list[int]) -> None:
        self.find(worker, UserRevisions).poll()
        body = {"movies": movies, "user": user} | ({"scenario": name} if name else {})
        answer = self.workers[worker].post("/rank", json=body)
        if self.refused(worker, name, answer):
            return
        head = answer.json()
        served, definition = self.served[worker], self.definition(worker, user, name, head)
        items = head["items"]
        allowed = self.allowed(worker, user, name, definition) & set(movies)
        check_list(items, served, definition, allowed)
        left_out = {each["movie_id"]: each["why"] for each in head["left_out"]}
        assert left_out.keys() == set(movies) - {item["movie_id"] for item in items}
        shown = self.not_again(user, name, definition)
        for id_, why in left_out.items():
            rules, rated = definition.get("filters", {}), set(self.liked[user])
            expected = served.why_left_out(id_, rules, rated, self.seen[user], shown)
            assert (id_, why) == (id_, expected)

    @rule(target=pages, worker=WORKERS, user=USERS, name=SCENARIOS, filters=REQUEST_FILTERS)
    def read_first_page(
        self, worker: int, user: str, name: str | None, filters: dict[str, Any]
    ) -> Any:
        self.poll(worker)
        answer = self.ask(worker, user, name, filters | {"limit": 2})
        if answer.status_code != 200 or answer.json()["next"] is None:
            return multiple()
        shown = set(self.shown[user, name or ""])
        page = answer.json()
        return Page(user, name, filters, page["items"], page["next"], shown)

    @rule(worker=WORKERS, page=pages)
    def read_next_page(self, worker: int, page: Page) -> None:
        """A list goes on as it began, or it has ended."""
        query = page.filters | {"cursor": page.cursor, "limit": 100}
        answer = self.ask(worker, page.user, page.scenario, query)
        if answer.status_code in {404, 410}:
            return
        assert answer.status_code == 200, answer.text
        head, items = answer.json(), page.items + answer.json()["items"]
        arguments = (worker, page.user, page.scenario, page.filters, head, items)
        self.check(*arguments, shown=page.shown)

    @rule(worker=WORKERS, user=USERS, name=NAMES, n=st.integers(1, 4))
    def show(self, worker: int, user: str, name: str, n: int) -> None:
        """Show the first movies of a list, which may not come again then."""
        answer = self.ask(worker, user, name, {"limit": n})
        if answer.status_code != 200 or not answer.json()["items"]:
            return
        movies = [item["movie_id"] for item in answer.json()["items"]]
        origin = {"recommendation_id": answer.json()["recommendation_id"], "user": user}
        feedback = [{**origin, "movie_id": id_, "kind": "shown"} for id_ in movies]
        told = self.workers[worker].post("/feedback", json={"feedback": feedback})
        assert told.status_code == 200, told.text
        there = set(movies) & self.now.films.keys()  # the worker may not know what was removed
        self.shown[user, name] |= there
        self.used |= there
        time.sleep(0.002)  # what was recorded in the millisecond of a list does not count there
        self.read_list(worker, user, name, {}, 100, None)

    @rule(worker=WORKERS)
    def read_other_lists(self, worker: int) -> None:
        available = self.served[worker].available()
        for path in OTHER_LISTS:
            answer = self.workers[worker].get(path)
            if answer.status_code == 404:
                assert "similar" in path
                continue
            items = answer.json()["items"]
            units = [film for unit in items if "on" in unit for film in unit["on"] + unit["off"]]
            listed = {item["movie_id"] for item in (units if "features" in path else items)}
            assert listed <= available, path
            assert listed == available or not path.startswith("/movies?")
