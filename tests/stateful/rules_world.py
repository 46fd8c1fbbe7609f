"""Two workers over one database, and what each of them should know of rules and users."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import ExitStack
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import insert

from app.db import revisions
from app.db.revisions import UserRevisions
from app.db.tables import movies
from app.live import model_reloader, repository
from app.live.model_reloader import ModelReloader
from app.main import create_app
from tests.app.conftest import ADDRESS
from tests.app.world import make_rbm, publish
from tests.stateful.plain_rules import NO_RULES, Served, check_list
from tests.stateful.rule_strategies import FILMS, KNOWN

if TYPE_CHECKING:
    from tests.stateful.two_workers import NewDatabase


class RulesWorld(RuleBasedStateMachine):
    """The workers, the plain state beside them, and requests to them."""

    def __init__(self, new_database: NewDatabase) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.database, settings = self.stack.enter_context(new_database())
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(revisions, "MAX_AGE_S", 1e9)
        patch.setattr(model_reloader, "RECOUNT_S", 0.0)
        patch.setattr(model_reloader, "RECOUNT_SHARE", 0)
        self.now = Served(films=deepcopy(FILMS), clock=int(time.time()))
        clock = lambda _: datetime.fromtimestamp(self.now.clock, UTC)  # noqa: E731
        patch.setattr(repository, "now", clock)
        self.settings = settings.model_copy(update={"address_rate_limit": 0})
        self.served = [self.now, self.now]  # by each worker
        self.liked: defaultdict[str, dict[int, bool]] = defaultdict(dict)
        self.seen: defaultdict[str, set[int]] = defaultdict(set)
        self.shown: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self.used: set[int] = set()  # events and feedback are about these
        self.arms: dict[tuple[str, str], str | None] = {}
        self.n_experiments = 0
        self.workers: list[TestClient] = []

    def teardown(self) -> None:
        self.stack.close()

    def start_workers(self) -> None:
        for seed, (version, ids) in enumerate(KNOWN.items()):
            rbm = make_rbm(seed, ids)
            publish(self.database, self.settings.models_dir, version, rbm, active=False)
        with self.database.unit_of_work() as connection:
            rows = [{"id": id_, **self.body(id_)} for id_ in FILMS]
            connection.execute(insert(movies), rows)
        for number in range(2):
            client = TestClient(create_app(self.settings), base_url=ADDRESS)
            self.workers.append(self.stack.enter_context(client))
            self.find(number, UserRevisions).stop()
            self.find(number, ModelReloader).stop()

    def find(self, worker: int, kind: type[Any]) -> Any:
        return self.workers[worker].app.state.services.find(kind)  # type: ignore[attr-defined]

    def send(self, worker: int, method: str, path: str, body: Any = None) -> None:
        answer = self.workers[worker].request(method, path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        self.polled(worker)

    def polled(self, worker: int) -> None:
        """Note that a worker knows all rules now."""
        self.served[worker] = deepcopy(self.now)

    def body(self, movie: int) -> dict[str, Any]:
        film = self.now.films[movie]
        return {"title": f"Film {movie}", "year": film.year, "genres": film.genres,
                "attributes": film.attributes}  # fmt: skip

    def change(self, worker: int, movie: int, **changes: Any) -> None:
        names = {"begin": "available_from", "end": "available_until"}
        body = {
            names.get(name, name): value if isinstance(value, bool) else _moment(value)
            for name, value in changes.items()
        }
        answer = self.workers[worker].patch(f"/movies/{movie}", json=body)
        if movie in self.now.films:
            assert answer.status_code == 200, answer.text
            vars(self.now.films[movie]).update(changes)
            self.polled(worker)
        else:
            assert answer.status_code == 404

    def names_nothing_unknown(self, definition: dict[str, Any]) -> bool:
        filters, boosts = definition.get("filters", {}), definition.get("boosts", ())
        genres = {*filters.get("genre", ()), *filters.get("exclude_genre", ())}
        genres |= {boost["genre"] for boost in boosts if boost["by"] == "genre"}
        attributes = {*filters.get("attribute", ())}
        attributes |= {boost["attribute"] for boost in boosts if boost["by"] == "attribute"}
        names = {written.partition(":")[0] for written in attributes}
        pins = {pin["movie_id"] for pin in definition.get("pins", ())}
        now = self.now
        return genres <= now.genres() and names <= now.attributes() and pins <= now.films.keys()

    def ask(self, worker: int, user: str, name: str | None, query: dict[str, Any]) -> Any:
        self.find(worker, UserRevisions).poll()
        query = {"explain": 0, **query} | ({"scenario": name} if name else {})
        return self.workers[worker].get(f"/recommendations/{user}", params=query)

    def refused(self, worker: int, name: str | None, answer: Any) -> bool:
        """Tell whether the worker does not know the scenario."""
        unknown = name is not None and name not in self.served[worker].scenarios
        assert answer.status_code == (404 if unknown else 200), answer.text
        return unknown

    def walk(
        self, worker: int, user: str, name: str | None, query: dict[str, Any], limit: int
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Read a list to its end; each page from the other worker, where both know the same."""
        both = self.served[0] == self.served[1]
        items: list[dict[str, Any]] = []
        head: dict[str, Any] | None = None
        cursor: str | None = ""
        while cursor is not None:
            answer = self.ask(worker, user, name, query | {"limit": limit, "cursor": cursor})
            if self.refused(worker, name, answer):
                return None, []
            page = head = answer.json()
            cursor = page["next"]
            items += page["items"]
            assert len(page["items"]) == limit or cursor is None
            worker = 1 - worker if both else worker
        return head, items

    def definition(
        self, worker: int, user: str, name: str | None, head: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the rules that answered; a user stays in one arm of an experiment for ever."""
        served = self.served[worker]
        assert head.get("scenario") == name
        experiment, arms = served.experiments.get(name or "", (None, {}))
        arm = head.get("arm")
        assert head.get("experiment") == (experiment if arm else None)
        if experiment is not None:
            assert self.arms.setdefault((experiment, user), arm) == arm
        answering = arms[arm] if arm else name
        return served.scenarios.get(answering or "", NO_RULES)

    def not_again(
        self, user: str, name: str | None, definition: dict[str, Any], shown: set[int] | None = None
    ) -> set[int]:
        if not definition.get("not_again_days"):
            return set()
        return self.shown[user, name or ""] if shown is None else shown

    def allowed(
        self, worker: int, user: str, name: str | None, definition: dict[str, Any],
        shown: set[int] | None = None,
    ) -> set[int]:  # fmt: skip
        allowed = self.served[worker].allowed(definition.get("filters", {}))
        gone = self.liked[user].keys() | self.seen[user]
        return allowed - gone - self.not_again(user, name, definition, shown)

    def check(
        self, worker: int, user: str, name: str | None, filters: dict[str, Any],
        head: dict[str, Any], items: list[dict[str, Any]], *, is_ordered: bool = True,
        shown: set[int] | None = None,
    ) -> None:  # fmt: skip
        served, definition = self.served[worker], self.definition(worker, user, name, head)
        allowed = self.allowed(worker, user, name, definition, shown)
        allowed = served.requested(filters, allowed)
        check_list(items, served, definition, allowed, is_ordered=is_ordered)


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
