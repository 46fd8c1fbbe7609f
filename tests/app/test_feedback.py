"""POST /feedback: recorded once, and what else is done with it but for the report."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select, update

from app.config import Settings
from app.db.engine import Database
from app.db.tables import feedback
from app.feedback import repository, tally
from app.feedback.identity import Origin, encode
from app.feedback.service import FeedbackService
from app.live.rules import read_rules
from app.live.snapshot import CurrentSnapshot
from tests.app.world import MOVIE_IDS, World, add_movies

AT = "2026-01-02T03:04:05Z"
HOME = Origin("v1", "home")
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Item = Callable[..., dict[str, Any]]


@pytest.fixture
def shop(database: Database, connect: Callable[[], TestClient]) -> TestClient:
    """A service with movies and without users."""
    add_movies(database, MOVIE_IDS)
    return connect()


@pytest.fixture
def item(database: Database) -> Item:
    """Make feedback about a list of a user."""
    with database.read() as connection:
        secret = read_rules(connection).secret

    def make(
        kind: str = "shown", movie_id: int | str = 10, user: str | None = "me", **more: Any
    ) -> dict[str, Any]:
        origin = more.pop("origin", HOME)
        id_ = encode(secret, user, origin)
        whose = {} if user is None else {"user": user}
        sent = {"recommendation_id": id_, "kind": kind, "movie_id": movie_id, "occurred_at": AT}
        return {**sent, **whose, **more}

    return make


def send(client: TestClient, *sent: dict[str, Any], **headers: str) -> Response:
    return client.post("/feedback", json={"feedback": sent}, headers=headers)


def statuses(client: TestClient, *sent: dict[str, Any]) -> list[int]:
    response = send(client, *sent)
    assert response.status_code == 200, response.text
    return [item["status"] for item in response.json()["items"]]


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(feedback)).scalar_one()


def test_each_is_recorded_or_refused_by_itself(
    shop: TestClient, database: Database, item: Item
) -> None:
    first = item(feedback_id="1")
    response = send(
        shop,
        first,
        first,
        item("clicked", feedback_id="1"),
        item(movie_id=999, feedback_id="2"),
        item(user="you", feedback_id="3") | {"user": "me"},
        item(user="you", feedback_id="4") | {"recommendation_id": "AAAA"},
        item(user=None, feedback_id="5"),
        item(feedback_id="5") | {"movie_id": 20},
    )
    items = response.json()["items"]
    assert [each["feedback_id"] for each in items] == ["1", "1", "1", "2", "3", "4", "5", "5"]
    assert [each["status"] for each in items] == [201, 200, 409, 404, 422, 422, 201, 409]
    assert items[0]["error"] is None
    assert items[2]["error"]["error"] == "FeedbackConflict"
    assert items[3]["error"]["movie_id"] == 999
    assert items[4]["error"]["error"] == "RecommendationId"
    assert count(database) == 2
    assert shop.get("/users/you").status_code == 404  # nothing of theirs was recorded


def test_sent_again_it_changes_nothing(shop: TestClient, database: Database, item: Item) -> None:
    sent = [item(feedback_id="a", place="top"), item("clicked", 20), item("watched", 20, None)]
    assert statuses(shop, *sent) == [201, 201, 201]
    assert statuses(shop, *sent) == [200, 200, 200]
    untimed = {name: value for name, value in sent[0].items() if name != "occurred_at"}
    assert statuses(shop, untimed) == [200]  # a time that was not sent is any
    changed: list[dict[str, Any]] = [
        {"movie_id": 20},
        {"kind": "clicked"},
        {"place": "end"},
        item(origin=Origin("v2", "home"), place="top"),
        item(user="you", place="top"),
        {"occurred_at": "2026-01-01T00:00:00Z"},
    ]
    for change in changed:
        assert statuses(shop, {**sent[0], **change}) == [409]
    assert count(database) == 3


@SQLITE
def test_an_idempotency_key_covers_the_whole_request(shop: TestClient, item: Item) -> None:
    now = item(occurred_at=None)
    first = send(shop, now, item(movie_id=999), **{"Idempotency-Key": "k"})
    assert send(shop, now, item(movie_id=999), **{"Idempotency-Key": "k"}).content == first.content
    assert send(shop, now, **{"Idempotency-Key": "k"}).status_code == 422


@SQLITE
def test_what_is_malformed_is_refused_with_its_place_and_nothing_is_recorded(
    shop: TestClient, database: Database, item: Item
) -> None:
    wrong: list[tuple[str, Any]] = [
        ("kind", "bought"), ("feedback_id", ""), ("recommendation_id", "a b"),
        ("recommendation_id", "a" * 401), ("user", ".."), ("movie_id", 0),
        ("place", "Top of the page"), ("occurred_at", "2026-01-02T03:04:05"),
        ("occurred_at", "1969-12-31T23:59:59Z"), ("occurred_at", "2200-01-01T00:00:00Z"),
    ]  # fmt: skip
    for name, value in wrong:
        response = send(shop, item(), {**item(movie_id=20), name: value})
        assert response.status_code == 422, (name, value)
        assert response.json()["fields"][0]["location"] == ["body", "feedback", 1, name]
    assert count(database) == 0


def test_five_thousand_are_one_request_and_no_more(
    shop: TestClient, database: Database, item: Item
) -> None:
    arm = Origin("20261120T101500Z", "home", "e" * 40, "b")
    sent = [item("shown", MOVIE_IDS[n % 40], f"{n:0>64}", origin=arm) for n in range(5000)]
    assert statuses(shop, *sent) == [201] * 5000
    assert statuses(shop, *sent) == [200] * 5000
    refused = send(shop, *sent, item())
    assert (refused.status_code, refused.json()["fields"][0]["type"]) == (422, "too_long")
    assert count(database) == 5000


def test_of_many_workers_with_the_same_feedback_one_records_each(
    shop: TestClient, database: Database, item: Item
) -> None:
    sent = [item("shown", MOVIE_IDS[n % 7], f"u{n % 5}", feedback_id=f"{n}") for n in range(60)]

    def send_some(number: int) -> list[int]:
        return statuses(shop, *sent[number % 7 :: 2], *sent[: number % 11][::-1])

    with ThreadPoolExecutor(6) as pool:
        answers = [status for answer in pool.map(send_some, range(30)) for status in answer]
    assert set(answers) == {200, 201}
    assert answers.count(201) == count(database) == 60


@SQLITE
def test_a_user_gets_it_with_their_data_and_an_erasure_deletes_it(
    shop: TestClient, database: Database, item: Item
) -> None:
    assert shop.put("/movies/sku-18", json={"title": "Of our own"}).status_code == 201
    arm = Origin("v1", "home", "colours", "red")
    statuses(
        shop,
        item("clicked", "sku-18", "jane", origin=arm, place="top", feedback_id="f"),
        item(user="jane", occurred_at="2025-01-01T00:00:00Z"),
        item(),
        item(user=None),
    )
    latest, first = shop.get("/users/jane").json()["feedback"]
    assert latest == {
        "feedback_id": "f", "movie_id": "sku-18", "kind": "clicked", "model": "v1",
        "scenario": "home", "experiment": "colours", "arm": "red", "place": "top",
        "occurred_at": AT,
    }  # fmt: skip
    assert first["kind"] == "shown"
    shop.delete("/users/jane")
    assert count(database) == 2
    assert "feedback" in shop.get("/users/me").json()


def test_what_was_shown_of_late_in_a_scenario(
    shop: TestClient, database: Database, item: Item
) -> None:
    old = "2026-01-01T03:04:04Z"
    statuses(
        shop,
        item("shown", 30),
        item("clicked", 20),
        item("shown", 20),
        item("shown", 10, occurred_at=old),
        item("shown", 40, origin=Origin("v1", "mail")),
        item("shown", 50, origin=Origin("v1")),
        item("shown", 60, user="you"),
        item("shown", 70, user=None),
    )
    since, now = datetime.fromisoformat(AT) - timedelta(days=1), datetime.now(UTC)

    def shown(since: datetime, until: datetime, user: str = "me") -> list[int]:
        with database.read() as connection:
            return repository.shown_since(connection, user, "home", since, until).tolist()

    assert shown(since, now + timedelta(seconds=1)) == [20, 30]
    assert shown(since - timedelta(seconds=1), now + timedelta(seconds=1)) == [10, 20, 30]
    assert shown(since, now + timedelta(seconds=1), "nobody") == []
    with database.unit_of_work() as connection:  # 30 was recorded after the list was made
        before = feedback.c.recorded_ms - 5000
        is_it = feedback.c.movie_id != 30
        connection.execute(update(feedback).where(is_it).values(recorded_ms=before))
    assert shown(since, now - timedelta(seconds=2)) == [20]


def test_what_is_too_old_is_deleted(shop: TestClient, database: Database, item: Item) -> None:
    now = datetime.now(UTC)

    def before(**ago: int) -> str:
        return (now - timedelta(**ago)).isoformat()

    ages = [before(days=8), before(days=7, minutes=1), before(days=7, minutes=-1), before(days=1)]
    statuses(shop, *(item(occurred_at=at, feedback_id=at) for at in ages))
    FeedbackService(database, CurrentSnapshot(), days=7).prune()
    with database.read() as connection:
        assert set(connection.execute(select(feedback.c.feedback_id)).scalars()) == set(ages[2:])


@SQLITE
def test_it_is_counted_by_model_scenario_and_place_once_and_in_bounded_labels(
    shop: TestClient, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "_series", set())
    monkeypatch.setattr(tally, "MAX_SERIES", 3)

    def counted() -> dict[str, float]:
        lines = shop.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith("recommender_feedback_total{")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in found}

    before = counted()
    sent = [item(place="p1"), item("clicked", place="p1"), item(origin=Origin()), item(user=None)]
    sent += [item(place=f"p{n}") for n in range(2, 6)]
    statuses(shop, *sent, item(movie_id=999))
    statuses(shop, *sent)
    after = counted()
    new = {name: n - before.get(name, 0) for name, n in after.items() if n > before.get(name, 0)}
    labels = 'kind="{}",model="{}",place="{}",scenario="{}"'
    assert new == {
        "recommender_feedback_total{" + labels.format(*parts) + "}": number
        for *parts, number in (
            ("shown", "v1", "p1", "home", 1), ("clicked", "v1", "p1", "home", 1),
            ("shown", "none", "none", "none", 1), ("shown", "v1", "none", "home", 1),
            ("shown", "other", "other", "other", 4),
        )
    }  # fmt: skip


@SQLITE
def test_the_id_of_every_list_is_that_of_its_user_and_its_rules(client: TestClient) -> None:
    assert client.put("/scenarios/home", json={"not_again_days": 7}).status_code == 201
    given = {"ratings": [{"movie_id": 10, "liked": True}], "limit": 1}
    lists = [
        ("6", client.get("/recommendations/6?limit=1").json()),
        ("6", client.get("/recommendations/6?limit=1&scenario=home").json()),
        ("new", client.post("/rank", json={"user": "new", "movies": [10, 20]}).json()),
        ("nobody", client.get("/recommendations/nobody?limit=1").json()),
        (None, client.post("/recommendations", json=given).json()),
    ]
    batch = client.post("/recommendations/batch", json={"users": ["5", "7"], "limit": 1}).json()
    lists += [(each["user"], each) for each in batch["items"]]
    for user, found in lists:
        one = {"recommendation_id": found["recommendation_id"], "movie_id": 10, "kind": "shown"}
        whose = {} if user is None else {"user": user}
        assert statuses(client, one | whose, one | {"user": "another"}) == [201, 422]
    own = client.get("/users/6").json()["feedback"]
    assert {(each["model"], each["scenario"]) for each in own} == {("v1", None), ("v1", "home")}


@SQLITE
def test_what_was_shown_is_not_listed_again_and_further_pages_stay(client: TestClient) -> None:
    assert client.put("/scenarios/home", json={"not_again_days": 7}).status_code == 201

    def listed(cursor: str = "") -> dict[str, Any]:
        query = f"limit=3&scenario=home&cursor={cursor}"
        answer: dict[str, Any] = client.get(f"/recommendations/6?{query}").json()
        return answer

    first = listed()
    whole = [item["movie_id"] for item in client.get("/recommendations/6?limit=9").json()["items"]]
    one = {"recommendation_id": first["recommendation_id"], "user": "6", "kind": "shown"}
    statuses(client, *({**one, "movie_id": item["movie_id"]} for item in first["items"]))
    second = listed(first["next"])
    assert [item["movie_id"] for item in first["items"] + second["items"]] == whole[:6]
    assert [item["movie_id"] for item in listed()["items"]] == whole[3:6]  # at once


@SQLITE
def test_feedback_changes_no_list_and_no_rating(world: World, connect_to: Any, item: Item) -> None:
    client: TestClient = connect_to(world.settings)
    paths = ("/recommendations/6?limit=5", "/users/6/ratings", "/movies?limit=5")
    before = [client.get(path).json() for path in paths]
    first = before[0]["items"][0]["movie_id"]
    assert statuses(client, item("dismissed", first, "6"), item("shown", first, "6")) == [201] * 2
    assert [client.get(path).json() for path in paths] == before


@SQLITE
def test_it_needs_the_scope_write(
    database: Database, settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> None:
    private = settings.model_copy(update={"allowed_hosts": ("testserver",)})
    client = connect_to(private)
    assert client.post("/feedback", json={"feedback": []}).status_code == 401
    assert client.get("/feedback/report").status_code == 401
    assert count(database) == 0
