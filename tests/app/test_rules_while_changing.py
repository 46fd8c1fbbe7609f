"""Two worker processes whose rules, movies and ratings change while lists are read from them.

Whether a list keeps a rule is judged by what may have been in force while it was made: a change
counts from when it was sent, and what it replaced may be served until `GRACE_S` after the answer,
twice and more what is promised, since the machine may be busy.
"""

import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from tests.app.service_process import serving
from tests.app.world import MOVIE_IDS, World
from tests.stateful.plain_rules import Film

DURATION_S, GRACE_S = 60.0, 5.0
CHANGING = MOVIE_IDS[::4]  # the model knows all but the last
FILMS = {id_: Film(("Drama",), 1950 + id_ % 70) for id_ in MOVIE_IDS}
DEFINITIONS: list[dict[str, Any]] = [
    {"filters": {"year_to": 1990}, "pins": [{"movie_id": 20, "position": 2}], "number": 12},
    {"filters": {"year_from": 1985, "exclude": [150, 220]}, "number": 9, "diversity": 0.5,
     "boosts": [{"by": "recency", "weight": 2.0}], "sources": ["rbm", "trending", "popular"]},
]  # fmt: skip
USERS = ["1", "2", "3"]


@dataclass
class Timeline:
    """The values of one thing, each with when it was sent, and when that was answered."""

    first: Any
    changes: list[tuple[float, float, Any]] = field(default_factory=list)

    def during(self, begin: float, end: float) -> set[Any]:
        """Return the values that may have been served at some time in between."""
        values, before = set(), self.first
        for sent, answered, value in [*self.changes, (float("inf"), float("inf"), None)]:
            # The one before is served until this change has arrived everywhere.
            if begin <= answered + GRACE_S:
                values.add(before)
            if sent > end:
                break
            before = value
        return values


@dataclass
class Service:
    """The service, and what was changed in it, when."""

    address: str
    is_over: Event
    scenario: Timeline = field(default_factory=lambda: Timeline(0))
    withdrawn: dict[int, Timeline] = field(
        default_factory=lambda: {id_: Timeline(first=False) for id_ in MOVIE_IDS}
    )
    rated: dict[tuple[str, int], Timeline] = field(default_factory=dict)
    n_lists: int = 0
    n_certain: int = 0  # lists of which it was certain that a movie of `CHANGING` was withdrawn

    def write(self, client: httpx2.Client, line: Timeline, value: Any, *request: Any) -> None:
        """Change something, and note when."""
        method, path, body = request
        sent = time.monotonic()
        line.changes.append((sent, float("inf"), value))
        assert client.request(method, path, json=body).status_code < 300
        line.changes[-1] = (sent, time.monotonic(), value)

    def change_rules(self, client: httpx2.Client, draw: random.Random) -> None:
        movie, value = draw.choice(CHANGING), draw.random() < 0.5
        body = {"withdrawn": value}
        self.write(client, self.withdrawn[movie], value, "PATCH", f"/movies/{movie}", body)
        if draw.random() < 0.2:
            number = draw.randrange(2)
            self.write(client, self.scenario, number, "PUT", "/scenarios/home", DEFINITIONS[number])
        time.sleep(0.1)

    def change_ratings(self, client: httpx2.Client, draw: random.Random) -> None:
        key = (draw.choice(USERS), draw.choice(MOVIE_IDS))
        method, body = ("PUT", {"liked": True}) if draw.random() < 0.5 else ("DELETE", None)
        path = f"/users/{key[0]}/ratings/{key[1]}"
        self.write(client, self.rated[key], method == "PUT", method, path, body)
        time.sleep(0.05)

    def read(self, client: httpx2.Client, draw: random.Random) -> None:
        user, scenario = draw.choice(USERS), draw.choice([None, "home"])
        options = {} if scenario is None else {"scenario": scenario}
        begin = time.monotonic()
        lists = draw.choice([_pages, _sample, _batch, _rank])(client, user, options)
        end = time.monotonic()
        for items in lists:
            self.check([item["movie_id"] for item in items], user, scenario, begin, end)

    def check(
        self, ids: list[int], user: str, scenario: str | None, begin: float, end: float
    ) -> None:
        assert len(set(ids)) == len(ids)
        for id_ in ids:
            assert False in self.withdrawn[id_].during(begin, end), f"{id_} is withdrawn"
            assert False in self.rated[user, id_].during(begin, end), f"{id_} was rated"
        if scenario is not None:
            possible = [DEFINITIONS[number] for number in self.scenario.during(begin, end)]
            assert any(_keeps(ids, definition) for definition in possible), (ids, possible)
        gone = (line.during(begin, end) == {True} for line in self.withdrawn.values())
        self.n_certain += any(gone)
        self.n_lists += 1


def _keeps(ids: list[int], definition: dict[str, Any]) -> bool:
    filters = definition["filters"]
    allowed = {id_ for id_ in ids if FILMS[id_].passes(filters, {"Drama"})}
    excluded = set(filters.get("exclude", ()))
    return allowed - excluded == set(ids) and len(ids) <= definition["number"]


def _pages(client: httpx2.Client, user: str, options: dict[str, Any]) -> Iterable[Any]:
    items, cursor = [], ""
    while cursor is not None:
        query = {**options, "limit": 5, "explain": 0, "cursor": cursor}
        answer = client.get(f"/recommendations/{user}", params=query)
        # The list may have changed, or the other worker may not have these rules yet.
        if answer.status_code == 410:
            break
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next"]
    return [items]


def _sample(client: httpx2.Client, user: str, options: dict[str, Any]) -> Iterable[Any]:
    answer = client.get(f"/recommendations/{user}", params={**options, "mode": "sample"})
    return [answer.json()["items"]]


def _batch(client: httpx2.Client, user: str, options: dict[str, Any]) -> Iterable[Any]:
    answer = client.post("/recommendations/batch", json={**options, "users": [user]})
    return [part["items"] for part in answer.json()["items"]]


def _rank(client: httpx2.Client, user: str, options: dict[str, Any]) -> Iterable[Any]:
    body = {**options, "user": user, "movies": MOVIE_IDS, "explain": 0}
    return [client.post("/rank", json=body).json()["items"]]


def _repeat(
    service: Service, act: Callable[[httpx2.Client, random.Random], None], seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    with httpx2.Client(base_url=service.address, timeout=30) as client:
        while not service.is_over.is_set():
            act(client, draw)


@pytest.mark.slow
def test_no_list_breaks_a_rule_while_rules_and_ratings_change(world: World, tmp_path: Path) -> None:
    variables = {"RECOMMENDER_WORKERS": "2", "RECOMMENDER_ADDRESS_RATE_LIMIT": "0"}
    with serving(world.settings, tmp_path, **variables) as running:
        service = Service(running.address, Event())
        for user in USERS:
            for id_ in MOVIE_IDS:
                service.rated[user, id_] = Timeline(id_ in world.ratings[user])
        with httpx2.Client(base_url=running.address, timeout=30) as client:
            assert client.put("/scenarios/home", json=DEFINITIONS[0]).status_code == 201
        time.sleep(GRACE_S)
        acts = [service.change_rules, service.change_ratings, *[service.read] * 3]
        with ThreadPoolExecutor(len(acts)) as pool:
            repeat = partial(_repeat, service)
            running_acts = [pool.submit(repeat, act, seed) for seed, act in enumerate(acts)]
            end = time.monotonic() + DURATION_S
            while time.monotonic() < end and not any(each.done() for each in running_acts):
                time.sleep(0.1)
            service.is_over.set()
        for each in running_acts:
            each.result()
    assert service.n_lists > 100
    assert service.n_certain > 100
