"""Cached responses: the same as new ones, whatever happens in between."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app.db import revisions, tables
from app.db.engine import Database
from app.http.middleware import response_cache
from app.http.middleware.response_cache import ResponseCache
from app.live.model_reloader import ModelReloader
from app.ratings import user_repository as users
from tests.app.paging import ids
from tests.app.world import MOVIE_IDS, World, activate, make_rbm, publish

CACHED = [
    "/recommendations/{}?limit=5",
    "/recommendations/{}?genre=Drama&limit=5",
    "/recommendations/{}?mode=sample&seed=3&limit=5",
    "/users/{}/predictions/50",
    "/users/{}/features",
]


def services(client: TestClient) -> Any:
    return client.app.state.services  # type: ignore[attr-defined]


def without_memory(client: TestClient, path: str) -> Any:
    """The response of a service without cached responses."""
    cache = services(client).find(ResponseCache)
    held, cache._responses = cache._responses, type(cache._responses)()  # noqa: SLF001
    response = client.get(path)
    cache._responses = held  # noqa: SLF001
    return response


def hits(client: TestClient, path: str) -> bool:
    """Tell whether the response is a cached one: then nothing is read from the database."""
    cache = services(client).find(ResponseCache)
    moment = time.monotonic()
    assert cache.revisions.fresh_until > moment
    (key,) = [key for key in cache._responses if key[0] == path] or [None]  # noqa: SLF001
    return key is not None and cache.find(key) is not None


@pytest.mark.parametrize("path", CACHED)
def test_a_second_request_gets_the_same_bytes_from_memory(client: TestClient, path: str) -> None:
    first, second = client.get(path.format("1")), client.get(path.format("1"))
    assert hits(client, path.format("1").partition("?")[0])
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["content-type"] == second.headers["content-type"] == "application/json"


def test_responses_are_right_whatever_was_rated_in_between(client: TestClient) -> None:
    generator = np.random.default_rng(8)
    people = ["1", "2", "nobody"]
    for _ in range(150):
        user, path = generator.choice(people), generator.choice(CACHED)
        movie = generator.choice(MOVIE_IDS)
        match generator.integers(0, 4):
            case 0:
                liked = bool(generator.random() < 0.5)
                client.put(f"/users/{user}/ratings/{movie}", json={"liked": liked})
            case 1:
                client.delete(f"/users/{user}/ratings/{movie}")
            case _:
                address = path.format(user)
                assert client.get(address).content == without_memory(client, address).content


def test_a_rating_of_one_worker_counts_at_once_there_and_within_a_second_at_the_other(
    world: World,  # noqa: ARG001
    connect: Callable[[], TestClient],
) -> None:
    one, other = connect(), connect()
    for step in range(3):
        asked, told = (one, other) if step % 2 else (other, one)
        first = [
            worker.get("/recommendations/2?limit=1").json()["items"][0] for worker in (one, other)
        ]
        movie = first[step % 2]["movie_id"]
        told.put(f"/users/2/ratings/{movie}", json={"liked": step % 2 == 0})
        told_at = time.monotonic()
        assert movie not in ids(told.get("/recommendations/2?limit=1").json()["items"])
        while movie in ids(asked.get("/recommendations/2?limit=1").json()["items"]):
            assert time.monotonic() < told_at + 1
            time.sleep(0.02)


def test_a_cursor_that_is_newer_than_what_a_worker_knows_is_good_there(
    world: World,  # noqa: ARG001
    connect: Callable[[], TestClient],
) -> None:
    one, other = connect(), connect()
    for worker in (one, other):
        worker.get("/recommendations/2?limit=3")
    one.put("/users/2/ratings/400", json={"liked": True})
    cursor = one.get("/recommendations/2?limit=3").json()["next"]
    second = other.get("/recommendations/2", params={"limit": 3, "cursor": cursor})
    assert second.status_code == 200
    assert second.json() == one.get("/recommendations/2?limit=3&cursor=" + cursor).json()


def test_an_erased_user_is_forgotten_by_every_worker(
    world: World, connect: Callable[[], TestClient]
) -> None:
    one, other = connect(), connect()
    for worker in (one, other):
        assert worker.get("/recommendations/2").json()["source"] == "rbm"
    erased = one.delete("/users/2")
    assert erased.status_code == 204
    assert one.get("/recommendations/2").json()["reason"] == "unknown_user"
    services(other).find(ResponseCache).revisions.poll()
    assert other.get("/recommendations/2").json()["reason"] == "unknown_user"
    with world.database.read() as connection:
        assert "2" not in connection.execute(tables.users.select()).columns("key").scalars().all()


def test_cached_responses_of_another_model_are_not_used(client: TestClient, world: World) -> None:
    publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2), active=False)
    paths = [path.format("1") for path in CACHED] + ["/model/features", "/movies/50/similar"]
    by_version: dict[str, list[bytes]] = {"v1": [], "v2": []}
    for version in ("v1", "v2", "v1", "v2"):
        activate(world.database, version)
        services(client).find(ModelReloader).refresh()
        by_version[version].append(b"".join(client.get(path).content for path in paths))
    (first, again), (second, later) = by_version["v1"], by_version["v2"]
    assert first == again
    assert second == later
    assert first != second


def test_a_client_that_has_the_response_gets_304_until_it_changes(client: TestClient) -> None:
    for path in ("/recommendations/2", "/movies/50/similar"):
        tag = client.get(path).headers["etag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            same = client.get(path, headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    tag = client.get("/recommendations/2").headers["etag"]
    client.put("/users/2/ratings/400", json={"liked": True})
    fresh = client.get("/recommendations/2", headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] != tag


def test_shared_caches_may_not_store_the_ratings_of_a_user(client: TestClient) -> None:
    for _ in range(2):
        answer = client.get("/recommendations/2")
        assert answer.headers["cache-control"] == "private, no-cache"


def test_head_is_answered_from_memory_without_a_body(client: TestClient) -> None:
    got, head = client.get("/recommendations/2"), client.head("/recommendations/2")
    assert (head.content, head.headers["etag"]) == (b"", got.headers["etag"])
    assert head.headers["content-length"] == got.headers["content-length"]


def test_errors_and_lists_with_a_random_seed_are_not_cached(client: TestClient) -> None:
    for path in (
        "/movies/1/similar",
        "/recommendations/2?limit=0",
        "/recommendations/2?mode=sample",
    ):
        client.get(path)
    assert len(services(client).find(ResponseCache)) == 0


def test_no_more_bytes_are_cached_than_the_bound(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "MAX_BYTES", 20_000)
    cache = services(client).find(ResponseCache)
    for limit in range(1, 40):
        client.get("/recommendations/1", params={"limit": limit % 20 + 1, "explain": 0})
        assert cache.n_bytes <= 20_000
    assert len(cache) > 1
    sizes = [response_cache._size(*entry) for entry in cache._responses.items()]  # noqa: SLF001
    assert cache.n_bytes == sum(sizes)


def test_a_long_request_counts_as_well_as_its_response(client: TestClient) -> None:
    ids = list(range(1_000_000, 1_001_000))
    client.get("/recommendations/1", params={"limit": 1, "explain": 0, "exclude": ids})
    assert services(client).find(ResponseCache).n_bytes > sum(len(f"&exclude={id_}") for id_ in ids)


def test_without_news_of_the_ratings_nothing_is_given_from_memory(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/recommendations/2")
    followed = services(client).find(ResponseCache).revisions
    monkeypatch.setattr(followed, "is_fresh", lambda: False)
    monkeypatch.setattr(followed, "is_away", lambda: False)
    cache = services(client).find(ResponseCache)
    assert cache.find(next(iter(cache._responses))) is None  # noqa: SLF001


def fail(*_: object) -> NoReturn:
    raise OperationalError("SELECT 1", {}, Exception("away"))


def take_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database fail, and the service notice."""
    monkeypatch.setattr(Database, "read", fail)
    monkeypatch.setattr(Database, "unit_of_work", fail)
    with suppress(OperationalError):
        services(client).find(ResponseCache).revisions._poll()  # noqa: SLF001


def test_while_the_database_is_away_cached_responses_are_given_with_a_mark(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [*(path.format("1") for path in CACHED), "/movies/50/similar"]
    before = [client.get(path) for path in paths]
    assert not any("Recommender-Degraded" in response.headers for response in before)
    take_away(client, monkeypatch)
    for path, response in zip(paths, before, strict=True):
        again = client.get(path)
        assert (again.status_code, again.content) == (200, response.content)
        assert again.headers["Recommender-Degraded"] == "database"
        known = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
        assert (known.status_code, known.headers["Recommender-Degraded"]) == (304, "database")


def test_while_the_database_is_away_what_needs_it_is_refused_at_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away(client, monkeypatch)
    for refused in (
        client.get("/recommendations/3"),
        client.get("/users/1/ratings"),
        client.put("/users/1/ratings/50", json={"liked": True}),
    ):
        assert (refused.status_code, refused.json()["error"]) == (503, "DatabaseUnavailable")
        assert refused.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/recommendations", {"ratings": [{"movie_id": 50, "liked": True}]}),
        ("/features", {"ratings": [{"movie_id": 50, "liked": True}]}),
        ("/movies", None),
        ("/movies/search?q=movie", None),
        ("/movies/60/similar", None),
        ("/model/features", None),
    ],
)
def test_while_the_database_is_away_what_needs_none_is_answered(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, body: Any
) -> None:
    method = "GET" if body is None else "POST"
    expected = client.request(method, path, json=body)
    services(client).find(ResponseCache)._responses.clear()  # noqa: SLF001
    take_away(client, monkeypatch)
    answered = client.request(method, path, json=body)
    assert (answered.status_code, answered.content) == (200, expected.content)
    assert answered.headers["Recommender-Degraded"] == "database"


def test_a_write_that_was_acknowledged_as_the_database_went_away_counts(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get("/recommendations/2?limit=1").json()["items"][0]["movie_id"]
    monkeypatch.setattr(revisions.UserRevisions, "_notice", fail)
    stored = client.put(f"/users/2/ratings/{first}", json={"liked": True})
    assert stored.status_code == 201
    monkeypatch.setattr(Database, "read", fail)
    assert client.get("/recommendations/2?limit=1").status_code == 503
    monkeypatch.undo()
    services(client).find(ResponseCache).revisions.poll()
    after = client.get("/recommendations/2?limit=1")
    assert first not in ids(after.json()["items"])
    assert "Recommender-Degraded" not in after.headers


def test_an_import_that_changes_many_users_at_once_makes_everything_out_of_date(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "MAX_CHANGES", 3)
    client.get("/recommendations/1")
    followed = services(client).find(ResponseCache).revisions
    before = followed.clock
    with world.database.unit_of_work() as connection:
        revision = users.next_revision(connection)
        connection.execute(update(tables.users).values(ratings_revision=revision))
    followed.poll()
    for user in world.ratings:
        assert not followed.is_current(user, before)


def test_many_changes_make_everything_out_of_date(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "MAX_USERS", 2)
    followed = services(client).find(ResponseCache).revisions
    before = followed.clock
    assert followed.is_current("4", before)
    for user in ("1", "2", "3"):
        client.put(f"/users/{user}/ratings/400", json={"liked": True})
    assert not followed.is_current("4", before)
    assert followed.is_current("4", followed.clock)
