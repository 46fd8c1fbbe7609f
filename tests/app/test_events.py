"""POST /events and GET /users/{user}/events."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from app.config import Settings
from app.db.engine import Database
from app.db.tables import answered_requests, events, installation, ratings, users
from app.events.service import MAX_AHEAD
from data.release import EVENT_KINDS
from tests.app.world import MOVIE_IDS, World, add_movies

AT = "2026-01-02T03:04:05Z"


@pytest.fixture
def shop(
    database: Database, settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> TestClient:
    """A service with movies, without users, and with a rule of its own."""
    add_movies(database, MOVIE_IDS)
    rule = "purchased=like,watched<0.1=dislike,watched>=0.7=like,clicked=seen"
    return connect_to(settings.model_copy(update={"event_rule": tuple(rule.split(","))}))


def event(kind: str, movie_id: int | str = 10, user: str = "me", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "user": user, "movie_id": movie_id, "occurred_at": AT, **more}


def send(client: TestClient, *sent: dict[str, Any], **headers: str) -> Response:
    return client.post("/events", json={"events": sent}, headers=headers)


def statuses(client: TestClient, *sent: dict[str, Any]) -> list[int]:
    response = send(client, *sent)
    assert response.status_code == 200, response.text
    return [item["status"] for item in response.json()["items"]]


def rated(client: TestClient, user: str = "me") -> dict[int | str, tuple[Any, ...]]:
    items = client.get(f"/users/{user}/ratings").json()["items"]
    return {i["movie_id"]: (i["stars"] or i["liked"], i.get("implied_by")) for i in items}


def seen(client: TestClient, user: str = "me") -> dict[int | str, bool]:
    items = client.get(f"/users/{user}").json().get("seen", [])
    return {item["movie_id"]: item["hidden"] for item in items}


def listed(client: TestClient, user: str = "me", **options: Any) -> list[dict[str, Any]]:
    """All events, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": 2, "cursor": cursor, **options}
        page = client.get(f"/users/{user}/events", params=params).json()
        items, cursor = items + page["items"], page["next"]
    return items


def test_each_event_is_recorded_or_refused_by_itself(shop: TestClient) -> None:
    first = event("purchased", event_id="1")
    response = send(
        shop,
        first,
        first,
        event("purchased", event_id="1", user="other"),
        event("purchased", event_id="2", movie_id=999),
        event("rated", event_id="3", movie_id=20, stars=2.5, user="you"),
    )
    items = response.json()["items"]
    assert [item["event_id"] for item in items] == ["1", "1", "1", "2", "3"]
    assert [item["status"] for item in items] == [201, 200, 409, 404, 201]
    assert items[0]["error"] is None
    assert items[2]["error"]["error"] == "EventConflict"
    assert items[3]["error"] == {
        "error": "MovieNotFound", "detail": "There is no movie 999.", "movie_id": 999,
    }  # fmt: skip
    assert (rated(shop), rated(shop, "you")) == ({10: (True, "purchased")}, {20: (2.5, None)})
    assert shop.get("/users/other").status_code == 404


def test_what_follows_from_each_kind(shop: TestClient) -> None:
    numbers: dict[str, dict[str, Any]] = {"rated": {"stars": 4.5}}
    sent = [
        event(kind, 10 * (1 + n), **numbers.get(kind, {})) for n, kind in enumerate(EVENT_KINDS)
    ]
    sent += [event("watched", 90, share=0.05), event("watched", 100, share=0.5)]
    assert set(statuses(shop, *sent)) == {201}
    assert rated(shop) == {
        10: (4.5, None), 20: (True, None), 30: (False, None), 70: (True, "purchased"),
        80: (True, "watched"), 90: (False, "watched"),
    }  # fmt: skip
    assert seen(shop) == {40: False, 50: True, 60: False}
    assert {item["kind"]: item for item in listed(shop)}["rated"]["stars"] == 4.5


def test_given_opinions_win_over_implied_ones_and_later_over_earlier(shop: TestClient) -> None:
    def after(number: int) -> str:
        return f"2026-01-02T03:04:{number:02}Z"

    def tell(kind: str, at: int, **more: Any) -> tuple[Any, ...]:
        assert statuses(shop, event(kind, **{**more, "occurred_at": after(at)})) == [201]
        return rated(shop)[10]

    assert tell("purchased", 5) == (True, "purchased")
    assert tell("watched", 4, share=0.0) == (True, "purchased")  # it came late
    assert tell("watched", 6, share=0.0) == (False, "watched")
    assert tell("liked", 2) == (True, None)
    assert tell("purchased", 50) == (True, None)
    assert tell("disliked", 1) == (True, None)
    assert tell("rated", 2, stars=1.5) == (1.5, None)  # at the same time, written later
    shop.put("/users/me/ratings/10", json={"stars": 3})
    assert tell("liked", 59) == (3.0, None)  # PUT is of now
    shop.put("/users/me/ratings/20", json={"liked": True})
    assert statuses(shop, event("purchased", 30), event("purchased", 20)) == [201, 201]
    assert rated(shop)[20] == (True, None)
    shop.put("/users/me/ratings/30", json={"liked": False})
    assert rated(shop)[30] == (False, None)


def test_an_event_sent_again_changes_nothing_for_ever(shop: TestClient, database: Database) -> None:
    sent = [event("purchased", event_id="a"), event("hidden", 20), event("watched", 30, share=0.9)]
    assert statuses(shop, *sent) == [201, 201, 201]
    for movie in (10, 20, 30):
        assert shop.delete(f"/users/me/ratings/{movie}").status_code == 204
    with database.read() as connection:
        revision = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    assert statuses(shop, *sent) == [200, 200, 200]
    untimed = {name: value for name, value in sent[0].items() if name != "occurred_at"}
    assert statuses(shop, untimed) == [200]  # a time that was not sent is any
    changed: list[dict[str, Any]] = [
        {"movie_id": 20},
        {"kind": "clicked"},
        {"user": "x"},
        {"occurred_at": "2026-01-01T00:00:00Z"},
    ]
    for change in changed:
        assert statuses(shop, {**sent[0], **change}) == [409]
    assert (rated(shop), seen(shop)) == ({}, {})  # what was deleted since stays so
    assert len(listed(shop)) == 3  # but the log stays
    with database.read() as connection:
        assert connection.execute(select(installation.c.ratings_revision)).scalar_one() == revision


def test_a_whole_request_has_one_revision_and_one_that_changes_no_rating_none(
    shop: TestClient, database: Database
) -> None:
    send(
        shop,
        *(event("purchased", user=f"u{n}") for n in range(20)),
        event("watched", 20, user="w", share=0.5),
    )
    with database.read() as connection:
        found = connection.execute(select(users.c.key, users.c.ratings_revision)).all()
    assert {row.key: row.ratings_revision for row in found} == {
        **{f"u{n}": 1 for n in range(20)}, "w": 0,
    }  # fmt: skip


def test_an_idempotency_key_covers_the_whole_request(shop: TestClient, database: Database) -> None:
    now = {"kind": "watched", "user": "me", "movie_id": 10, "share": None, "event_id": None}
    first = send(shop, now, event("purchased", 999), **{"Idempotency-Key": "k"})
    again = send(shop, now, event("purchased", 999), **{"Idempotency-Key": "k"})
    assert first.content == again.content
    assert send(shop, event("liked"), **{"Idempotency-Key": "k"}).status_code == 422
    assert len(listed(shop)) == 1
    with database.read() as connection:
        (row,) = connection.execute(select(answered_requests)).all()
    assert row.user_id is None  # and the response names no user
    assert b"me" not in first.content.replace(b"movie", b"")


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"kind": "bought"}, []),
        ({"kind": "rated"}, ["rated", "stars"]),
        ({"kind": "rated", "stars": 6}, ["rated", "stars"]),
        ({"kind": "liked", "stars": 4}, ["liked", "stars"]),
        ({"kind": "watched", "share": 1.1}, ["watched", "share"]),
        ({"event_id": ""}, ["clicked", "event_id"]),
        ({"event_id": "a" * 101}, ["clicked", "event_id"]),
        ({"event_id": "a\nb"}, ["clicked", "event_id"]),
        ({"user": ".."}, ["clicked", "user"]),
        ({"movie_id": 0}, ["clicked", "movie_id"]),
        ({"occurred_at": "2026-01-02T03:04:05"}, ["clicked", "occurred_at"]),
        ({"occurred_at": 1767323045}, ["clicked", "occurred_at"]),
        ({"occurred_at": "1767323045"}, ["clicked", "occurred_at"]),
        ({"occurred_at": "1969-12-31T23:59:59Z"}, ["occurred_at"]),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, ["occurred_at"]),
    ],
)
def test_malformed_events_are_refused_with_their_place_and_nothing_is_recorded(
    shop: TestClient, database: Database, wrong: dict[str, Any], place: list[str]
) -> None:
    response = send(shop, event("purchased"), {**event("clicked"), **wrong})
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"][:4] == ["body", "events", 1, *place][:4]
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 0


def test_events_of_the_future_are_refused_but_for_what_clocks_differ(shop: TestClient) -> None:
    def ahead(by: timedelta) -> Response:
        return send(shop, event("liked", occurred_at=(datetime.now(UTC) + by).isoformat()))

    assert ahead(MAX_AHEAD - timedelta(minutes=1)).status_code == 200
    response = ahead(MAX_AHEAD + timedelta(minutes=1))
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["body", "events", 0, "occurred_at"]
    assert "is in the future" in response.json()["detail"]


def test_five_thousand_long_events_are_one_request_and_no_more(shop: TestClient) -> None:
    def sent(n: int) -> list[dict[str, Any]]:
        return [
            event(
                "clicked",
                MOVIE_IDS[number % 40],
                user=f"{number:0>128}",
                event_id=f"{number:ж>100}",
            )
            for number in range(n)
        ]

    assert statuses(shop, *sent(5000)) == [201] * 5000
    assert statuses(shop, *sent(5000)) == [200] * 5000
    refused = send(shop, *sent(5001))
    assert (refused.status_code, refused.json()["fields"][0]["type"]) == (422, "too_long")
    too_long = shop.post("/events", content=b" " * (4 * 2**20 + 1))
    assert too_long.status_code == 413


def test_events_are_listed_page_by_page_the_latest_first(shop: TestClient) -> None:
    times = [f"2026-01-01T00:00:{number // 3:02}+01:00" for number in range(10)]  # some together
    kinds = ["clicked", "seen"] * 5
    sent = [
        event(kind, occurred_at=at, event_id=f"{n}")
        for n, (kind, at) in enumerate(zip(kinds, times, strict=True))
    ]
    send(shop, *sent[::3], *sent[1::3], *sent[2::3], event("seen", user="other"))
    items = listed(shop)
    assert [item["event_id"] for item in items] == [str(number) for number in range(9, -1, -1)]
    assert items[0] == {
        "event_id": "9", "movie_id": 10, "kind": "seen", "stars": None, "share": None,
        "occurred_at": "2025-12-31T23:00:03Z",
    }  # fmt: skip
    assert [i["event_id"] for i in listed(shop, kind="clicked")] == ["8", "6", "4", "2", "0"]
    assert len(listed(shop, kind=["clicked", "seen"])) == 10
    assert shop.get("/users/nobody/events").json() == {"items": [], "next": None}
    for query in ("kind=bought", "limit=0", "cursor=e30"):
        assert shop.get(f"/users/me/events?{query}").status_code == 422


def test_movies_with_keys_of_text_are_named_by_them(shop: TestClient) -> None:
    assert shop.put("/movies/sku-18", json={"title": "Of our own"}).status_code == 201
    assert statuses(shop, event("purchased", "sku-18"), event("hidden", "10")) == [201, 201]
    assert {item["movie_id"] for item in listed(shop)} == {"sku-18", 10}
    assert (rated(shop), seen(shop)) == ({"sku-18": (True, "purchased")}, {10: True})
    found = send(shop, event("seen", "sku-19")).json()["items"][0]["error"]
    assert found["movie_id"] == "sku-19"


def test_of_many_workers_with_the_same_events_one_records_each(
    shop: TestClient, database: Database
) -> None:
    sent = [
        event("purchased", MOVIE_IDS[n % 7], user=f"u{n % 5}", event_id=f"{n}") for n in range(60)
    ]

    def send_some(number: int) -> list[int]:
        return statuses(shop, *sent[number % 7 :: 2], *sent[: number % 11][::-1])

    with ThreadPoolExecutor(6) as pool:
        answers = [status for answer in pool.map(send_some, range(30)) for status in answer]
    assert set(answers) == {200, 201}
    assert answers.count(201) == 60
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 60
        assert connection.execute(select(func.count()).select_from(ratings)).scalar_one() == 35


# --- what lists show


def ids(client: TestClient, user: str, **options: Any) -> list[int]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": 100, "explain": 0, "cursor": cursor, **options}
        page = client.get(f"/recommendations/{user}", params=params).json()
        items, cursor = items + page["items"], page["next"]
    return [item["movie_id"] for item in items]


@pytest.mark.parametrize(
    "options",
    [{}, {"mode": "sample", "seed": 1}, {"diversity": 1}, {"limit": 7}, {"genre": "Drama"}],
)
def test_seen_and_hidden_movies_are_in_no_list_and_all_others_are(
    client: TestClient, world: World, options: dict[str, Any]
) -> None:
    for user in ("6", "avant-garde", "newcomer", "nobody"):
        before = ids(client, user, **options)
        assert set(before) == world.unseen(user)
        gone = [*before[:3], *before[-2:]]  # the last ones are unknown to the model
        kinds = ("seen", "hidden", "seen", "hidden", "seen")
        sent = (event(kind, id_, user) for kind, id_ in zip(kinds, gone, strict=True))
        statuses(client, *sent)
        after = ids(client, user, **options)
        assert set(after) == set(before) - set(gone)
        if "diversity" not in options:
            assert after == [id_ for id_ in before if id_ not in gone]
        batch = client.post("/recommendations/batch", json={"users": [user, "5"], "limit": 100})
        assert not {each["movie_id"] for each in batch.json()["items"][0]["items"]} & set(gone)
        client.delete(f"/users/{user}/ratings/{gone[0]}")
        assert gone[0] in ids(client, user, **options)


def test_a_user_who_has_only_seen_movies_has_given_no_ratings(client: TestClient) -> None:
    statuses(client, event("seen", 10, "new"), event("hidden", 20, "new"))
    answer = client.get("/recommendations/new?limit=100").json()
    assert (answer["source"], answer["reason"]) == ("popular", "no_ratings")
    assert not {10, 20} & {item["movie_id"] for item in answer["items"]}


def test_seen_movies_change_no_prediction_no_count_and_no_features(client: TestClient) -> None:
    paths = (
        "/users/6/predictions/50",
        "/users/6/features",
        "/movies?limit=100",
        "/users/6/ratings",
    )
    unrated = ids(client, "6")[0]
    before = [client.get(path).json() for path in paths]
    statuses(client, event("seen", unrated, "6"), event("hidden", 50, "6"))
    assert [client.get(path).json() for path in paths] == before


def test_a_list_in_the_cache_or_half_read_is_not_used_after_an_event(client: TestClient) -> None:
    first = client.get("/recommendations/6?limit=2").json()
    statuses(client, event("seen", first["items"][0]["movie_id"], "6"))
    again = client.get("/recommendations/6?limit=2").json()
    assert again["items"][0] == first["items"][1]
    cursor = {"limit": 2, "cursor": first["next"]}
    assert client.get("/recommendations/6", params=cursor).status_code == 410


def test_an_erasure_deletes_events_and_seen_movies(client: TestClient, database: Database) -> None:
    statuses(client, event("seen", 10, "jane"), event("purchased", 20, "jane"), event("seen", 10))
    exported = client.get("/users/jane").json()
    assert exported["seen"] == [{"movie_id": 10, "hidden": False, "seen_at": AT}]
    assert sorted(each["kind"] for each in exported["events"]) == ["purchased", "seen"]
    client.delete("/users/jane")
    assert client.get("/users/jane").status_code == 404
    assert listed(client, "jane") == []
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 1
    assert statuses(client, event("seen", 10, "jane")) == [201]
