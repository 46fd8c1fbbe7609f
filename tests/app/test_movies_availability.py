"""Movies that are withdrawn, return, or have a window: in lists or out of them at once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.db.engine import Database
from app.db.tables import audit_log, movies
from app.live import model_reloader, repository
from app.live.model_reloader import ModelReloader
from tests.app.world import MOVIE_IDS, World

RATED = {"ratings": [{"movie_id": 10, "liked": True}], "limit": 100}
# Lists of everything, with movies that the model knows and others.
LISTS: list[tuple[str, Any]] = [
    ("/recommendations/1?limit=100", None), ("/recommendations/nobody?limit=100", None),
    ("/recommendations/avant-garde?limit=100&mode=sample&seed=1", None),
    ("/recommendations/1?limit=100&diversity=0.5", None),
    ("/recommendations", RATED), ("/movies?limit=100", None),
    ("/movies?limit=100&sort=title", None), ("/movies?limit=100&sort=newest", None),
    ("/movies/search?q=movie&limit=50", None), ("/movies/10/similar?limit=100", None),
    ("/movies/400/similar?limit=100", None),  # by genres
    ("/recommendations/batch", {"users": ["2", "newcomer"], "limit": 100}),
    ("/model/features?limit=100&films=20", None),
]  # fmt: skip


ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _polled_by_tests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)


def listed(client: TestClient, path: str, body: Any = None) -> set[int]:
    """Return the movies of a list, or of all lists in the response."""
    response = client.get(path) if body is None else client.post(path, json=body)
    assert response.status_code == 200, response.text
    found: set[int] = set()

    def collect(value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            found.update([value["movie_id"]] if "movie_id" in value and name != "because" else [])
            for inner in value:
                collect(value[inner], inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner, name)

    body = response.json()
    collect(body["items"])
    return found


def reloader(client: TestClient) -> ModelReloader:
    found: ModelReloader = client.app.state.services.find(ModelReloader)  # type: ignore[attr-defined]
    return found


@ON_SQLITE
@pytest.mark.usefixtures("world")
def test_a_withdrawn_movie_is_in_no_list_of_any_worker_until_it_returns(
    connect: Callable[[], TestClient],
) -> None:
    one, other = connect(), connect()
    before = {path: listed(one, path, body) for path, body in LISTS}
    gone = {20, 350, 370}  # of the last one the model knows nothing
    assert all(gone & found for found in before.values())
    for movie in gone:
        assert one.patch(f"/movies/{movie}", json={"withdrawn": True}).json()["withdrawn"]
    reloader(other).poll()
    for client in (one, other):
        for path, body in LISTS:
            assert not listed(client, path, body) & gone, path
    assert listed(one, "/movies?id=20&id=30") == {30}
    assert {genre["movies"] for genre in one.get("/genres").json()["items"]} == {37}
    for movie in gone:
        assert "withdrawn" not in one.patch(f"/movies/{movie}", json={"withdrawn": False}).json()
    reloader(other).poll()
    for client in (one, other):
        assert {path: listed(client, path, body) for path, body in LISTS} == before


@ON_SQLITE
def test_a_withdrawn_movie_stays_in_histories_reasons_and_predictions(
    client: TestClient, world: World
) -> None:
    user = max(world.ratings, key=lambda key: len(world.ratings[key]))
    address, prediction = f"/users/{user}", f"/users/{user}/predictions/20"
    paths = (address, f"{address}/ratings", f"{address}/features", prediction)
    before = [client.get(path).json() for path in paths]
    reasons = client.get(f"/recommendations/{user}?limit=100&explain=5").json()["items"]
    rated = next(iter({b["movie_id"] for item in reasons for b in item["because"]} - {10, 20}))
    # One that no unit is described by after this would change the features.
    client.patch(f"/movies/{rated}", json={"withdrawn": True})
    after = [client.get(path).json() for path in paths]
    assert [after[place] for place in (0, 1, 3)] == [before[place] for place in (0, 1, 3)]
    assert [unit["activation"] for unit in after[2]["items"]] == [
        unit["activation"] for unit in before[2]["items"]
    ]
    assert client.get(f"/recommendations/{user}?limit=100&explain=5").json()["items"] == reasons
    share = reloader(client).drift().unknown_share  # of ratings, those of unavailable movies too
    client.patch("/movies/380", json={"withdrawn": True})
    assert reloader(client).drift().unknown_share == share > 0


@ON_SQLITE
def test_movies_come_and_go_by_the_clock_alone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    end = begin + timedelta(seconds=1)
    window = {"available_from": begin.isoformat(), "available_until": end.isoformat()}
    stored = client.patch("/movies/20", json=window).json()
    assert {datetime.fromisoformat(stored[name]) for name in window} == {begin, end}
    path = "/recommendations/1?limit=100"
    seen = {}
    for seconds in (-1, 0, 1):
        at = begin + timedelta(seconds=seconds)
        monkeypatch.setattr(repository, "now", lambda _, at=at: at)
        reloader(client).poll()
        etag = client.get(path).headers["etag"]
        seen[seconds] = (20 in listed(client, path), 20 in listed(client, "/movies?limit=100"))
        same = client.get(path, headers={"If-None-Match": etag})
        assert same.status_code == 304  # from the cache, until the next movie comes or goes
    assert seen == {-1: (False, False), 0: (True, True), 1: (False, False)}


@ON_SQLITE
def test_put_replaces_the_availability_and_patch_leaves_it(client: TestClient) -> None:
    closed = {"title": "Heat", "withdrawn": True, "available_until": "2030-01-01T00:00:00Z"}
    assert client.put("/movies/20", json=closed).json()["withdrawn"]
    kept = client.patch("/movies/20", json={"year": 1995}).json()
    assert (kept["withdrawn"], kept["available_until"]) == (True, "2030-01-01T00:00:00Z")
    assert client.get("/movies/20").json() == kept
    assert client.patch("/movies/20", json={"available_until": None}).json()["withdrawn"]
    opened = client.put("/movies/20", json={"title": "Heat"}).json()
    assert not opened.keys() & {"withdrawn", "available_from", "available_until"}
    assert client.post("/movies", json={**closed, "key": "new"}).json()["withdrawn"]


@ON_SQLITE
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_a_window_that_ends_before_it_begins_is_refused_and_nothing_changes(
    client: TestClient, method: str
) -> None:
    begins = {"available_from": "2030-01-01T00:00:00Z"}
    client.patch("/movies/20", json=begins)
    ends = {"available_until": "2030-01-01T00:00:00+00:00"}
    body = ends if method == "PATCH" else {"title": "Heat", **begins, **ends}
    path = "/movies" if method == "POST" else "/movies/20"
    refused = client.request(method, path, json=body)
    assert refused.status_code == 422
    assert refused.json()["fields"][0]["location"] == ["body", "available_until"]
    assert "available_until" not in client.get("/movies/20").json()
    assert len(listed(client, "/movies?limit=100&unavailable=true")) == len(MOVIE_IDS)


@pytest.mark.parametrize(
    "body",
    [
        {"withdrawn": None}, {"withdrawn": "yes"}, {"available_from": 1700000000},
        {"available_from": "2030-01-01T00:00:00"}, {"available_until": "1969-12-31T23:59:59Z"},
        {"available_until": "9999-12-31T23:59:59-12:00"}, {"availability": {}},
    ],
)  # fmt: skip
def test_malformed_availability_is_refused(lone_client: TestClient, body: dict[str, Any]) -> None:
    assert lone_client.patch("/movies/1", json=body).status_code == 422


def test_delete_removes_what_nobody_knows_and_withdraws_the_rest(
    client: TestClient, database: Database
) -> None:
    for key in ("unused", "seen", "happened"):
        assert client.put(f"/movies/{key}", json={"title": key}).status_code == 201
    kinds = [("seen", "seen"), ("happened", "clicked")]
    events = [{"user": "9", "movie_id": movie, "kind": kind} for movie, kind in kinds]
    assert client.post("/events", json={"events": events}).status_code == 200
    for movie in ("unused", "unused", "unknown"):
        assert client.delete(f"/movies/{movie}").status_code == 204
        assert client.get(f"/movies/{movie}").status_code == 404
    for movie in ("seen", "happened", "20", "20"):
        gone = client.delete(f"/movies/{movie}")
        assert (gone.status_code, gone.json()["withdrawn"]) == (200, True)
        assert client.get(f"/movies/{movie}").json() == gone.json()
    with database.read() as connection:
        keys = set(connection.execute(select(movies.c.key).where(movies.c.withdrawn)).scalars())
    assert keys == {None, "seen", "happened"}


@ON_SQLITE
def test_what_becomes_of_a_movie_in_lists_is_on_record(
    client: TestClient, database: Database
) -> None:
    until = {"available_until": "2030-01-01T00:00:00Z"}
    for body in ({"withdrawn": True}, {"withdrawn": True}, {"year": 1999}, until, until,
                 {"withdrawn": False}):  # fmt: skip
        client.patch("/movies/20", json=body)
    client.put("/movies/unused", json={"title": "Unused"})
    client.delete("/movies/unused")
    with database.read() as connection:
        columns = (audit_log.c.who, audit_log.c.action, audit_log.c.subject, audit_log.c.detail)
        rows = [tuple(row) for row in connection.execute(select(*columns))]
    window = {"available_until": "2030-01-01T00:00:00+00:00"}
    who = "somebody without a key"
    assert rows == [
        (who, "movie_withdrawn", "20", None), (who, "movie_window_changed", "20", window),
        (who, "movie_returned", "20", window), (who, "movie_removed", "unused", None),
    ]  # fmt: skip


@ON_SQLITE
def test_unavailable_movies_are_listed_for_keys_that_may_change_them(
    world: World, settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> None:
    client = connect_to(settings.model_copy(update={"public_page": True}))
    client.patch("/movies/20", json={"withdrawn": True})
    keys = {scope: create_key(world.database, [scope], "").text for scope in Scope}
    late = connect_to(settings)
    for path in ("/movies?limit=100&sort=title", "/movies/search?q=movie%2020&limit=50"):
        statuses = {
            scope: late.get(
                f"{path}&unavailable=true", headers={"Authorization": f"Bearer {key}"}
            ).status_code
            for scope, key in keys.items()
        }
        assert statuses == {Scope.READ: 403, Scope.WRITE: 403, Scope.ADMIN: 200}
        header = {"Authorization": f"Bearer {keys[Scope.ADMIN]}"}
        items = late.get(f"{path}&unavailable=true", headers=header).json()["items"]
        marked = {item["movie_id"]: item.get("available") for item in items}
        assert marked[20] is False
        assert set(marked.values()) == {False, None}
        assert 20 not in {m["movie_id"] for m in late.get(path, headers=header).json()["items"]}
        assert late.get(f"{path}&unavailable=true").status_code == 401
    pages = late.get("/movies?limit=1&unavailable=true", headers=header).json()
    other = late.get(f"/movies?limit=1&cursor={pages['next']}", headers=header)
    assert other.status_code == 422


@ON_SQLITE
def test_the_page_shows_no_withdrawn_movie(client: TestClient) -> None:
    address, shown = "/?q=movie+20&like=20&like=30", 'value="20"'
    assert client.get(address).text.count(shown) > 2  # found, and among those that were rated
    client.patch("/movies/20", json={"withdrawn": True})
    after = client.get(address).text
    assert after.count(shown) == 1  # the rating stays in the form, hidden
