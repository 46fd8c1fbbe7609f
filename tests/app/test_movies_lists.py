"""GET, POST /movies, PUT and PATCH /movies/{id}: listed, added, changed."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app.db.engine import Database
from app.db.tables import movies
from model.rbm import RBM
from model.telling import telling_movies
from tests.app.world import MOVIE_IDS, World, activate


def walk(client: TestClient, limit: int, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/movies", params={**params, "limit": limit, "cursor": cursor}).json()
        items += page["items"]
        cursor = page["next"]
        assert len(page["items"]) == limit or cursor is None
    return items


def ids(items: list[dict[str, Any]]) -> list[int]:
    return [item["movie_id"] for item in items]


@pytest.mark.parametrize("sort", ["popular", "newest", "title", "telling"])
def test_all_movies_are_listed_once_in_pages_of_any_length(client: TestClient, sort: str) -> None:
    whole = ids(walk(client, 100, sort=sort))
    assert sorted(whole) == MOVIE_IDS
    for limit in (1, 7, 40):
        assert ids(walk(client, limit, sort=sort)) == whole


def test_the_popular_ones_come_by_their_likes(client: TestClient, world: World) -> None:
    items = walk(client, 100)
    likes = {
        movie: sum(rated.get(movie, False) for rated in world.ratings.values())
        for movie in MOVIE_IDS
    }
    assert {item["movie_id"]: item["likes"] for item in items} == likes
    assert ids(items) == sorted(MOVIE_IDS, key=lambda movie: (-likes[movie], movie))


def test_the_most_telling_ones_come_before_the_popular_ones(
    client: TestClient, world: World, connect: Callable[[], TestClient]
) -> None:
    popular = ids(walk(client, 100))
    told = [int(world.rbm.movie_ids[row]) for row in telling_movies(world.rbm, 48)]
    first = [id_ for id_ in told if id_ in MOVIE_IDS]  # the catalogue has lost movie 7
    rest = [id_ for id_ in popular if id_ not in first]
    assert ids(walk(client, 100, sort="telling")) == first + rest
    assert client.patch(f"/movies/{first[0]}", json={"withdrawn": True}).status_code == 200
    assert ids(walk(client, 100, sort="telling")) == first[1:] + rest
    everything = ids(walk(client, 100, sort="telling", unavailable=True))
    assert sorted(everything) == MOVIE_IDS
    assert everything[: len(first) - 1] == first[1:]
    activate(world.database, None)
    assert ids(walk(connect(), 100, sort="telling")) == [id_ for id_ in popular if id_ != first[0]]


def test_the_telling_movies_of_a_model_are_chosen_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def choose(rbm: RBM, n: int) -> Any:
        calls.append(n)
        return telling_movies(rbm, n)

    monkeypatch.setattr("app.live.telling.telling_movies", choose)
    before = ids(walk(client, 100, sort="telling"))
    assert client.patch("/movies/10", json={"title": "Another"}).status_code == 200
    assert ids(walk(client, 100, sort="telling")) == before
    assert calls == [48]


def test_only_the_movies_that_are_named_come_and_those_that_there_are(client: TestClient) -> None:
    popular = ids(walk(client, 100))
    named = [30, 10, 200, 7, 999, 30]  # 7 and 999 are no movies
    assert ids(walk(client, 2, id=named)) == [id_ for id_ in popular if id_ in named]
    response = client.get("/movies", params={"id": named, "limit": 2})
    cursor = response.json()["next"]
    assert client.get("/movies", params={"id": [10], "cursor": cursor}).status_code == 422


@pytest.mark.parametrize("named", [[""], ["x" * 201], ["search"], [1] * 101])
def test_movies_are_named_by_up_to_100_valid_ids(lone_client: TestClient, named: list[Any]) -> None:
    assert lone_client.get("/movies", params={"id": named}).status_code == 422


def test_the_newest_ones_come_by_their_year(client: TestClient) -> None:
    years = [item["year"] for item in walk(client, 100, sort="newest")]
    assert years == sorted(years, reverse=True)


def test_titles_come_in_their_order_without_articles(client: TestClient) -> None:
    for movie, title in ((10, "The Zebra"), (20, "Éa"), (30, "a B"), (40, "The")):
        client.patch(f"/movies/{movie}", json={"title": title})
    titles = [item["title"] for item in walk(client, 100, sort="title")]
    assert [title for title in titles if not title.startswith("Movie")] == [
        "a B", "Éa", "The", "The Zebra",
    ]  # fmt: skip


def test_movies_are_chosen_by_any_of_several_genres(client: TestClient) -> None:
    client.patch("/movies/10", json={"genres": ["Comedy", "Drama"]})
    client.patch("/movies/20", json={"genres": ["Western"]})
    client.patch("/movies/30", json={"genres": []})
    assert set(ids(walk(client, 100, genre=["western", "COMEDY"]))) == {10, 20}
    assert set(MOVIE_IDS) - set(ids(walk(client, 100, genre="Drama"))) == {20, 30}
    assert client.get("/genres").json()["items"] == [
        {"genre": "Comedy", "movies": 1}, {"genre": "Drama", "movies": 38},
        {"genre": "Western", "movies": 1},
    ]  # fmt: skip


def test_genres_that_differ_in_case_alone_are_one_and_the_response_is_cached(
    client: TestClient,
) -> None:
    client.patch("/movies/20", json={"genres": ["drama", "DRAMA", "\u00c9pop\u00e9e"]})
    response = client.get("/genres")
    assert response.json() == {
        "items": [{"genre": "Drama", "movies": 40}, {"genre": "\u00c9pop\u00e9e", "movies": 1}]
    }
    again = client.get("/genres", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    client.patch("/movies/20", json={"genres": []})
    assert client.get("/genres").json()["items"] == [{"genre": "Drama", "movies": 39}]


def test_a_cursor_belongs_to_its_list(client: TestClient) -> None:
    cursor = client.get("/movies", params={"limit": 5}).json()["next"]
    other = client.get("/movies", params={"sort": "title", "cursor": cursor})
    assert other.status_code == 422
    client.post("/movies", json={"title": "One more"})
    expired = client.get("/movies", params={"limit": 5, "cursor": cursor})
    assert expired.status_code == 410
    assert expired.json()["error"] == "CursorExpired"


NEW: dict[str, Any] = {
    "title": "Amélie", "year": 2001, "genres": ["Comedy"], "imdb_id": 211915, "tmdb_id": 194,
    "attributes": {"studio": "UGC"},
}  # fmt: skip
UNKNOWN: dict[str, Any] = {
    "year": None,
    "genres": [],
    "imdb_id": None,
    "tmdb_id": None,
    "attributes": {},
}


def test_a_movie_that_is_added_is_found_at_once_everywhere(client: TestClient) -> None:
    response = client.post("/movies", json=NEW)
    assert response.status_code == 201
    movie_id = response.json()["movie_id"]
    assert response.json() == {"movie_id": movie_id, **NEW}
    assert movie_id >= 1_000_000_000
    assert client.get(f"/movies/{movie_id}").json() == response.json()
    assert ids(client.get("/movies/search?q=amelie").json()["items"]) == [movie_id]
    assert movie_id in ids(walk(client, 100))
    assert client.put(f"/users/1/ratings/{movie_id}", json={"liked": True}).status_code == 201
    last = client.get("/recommendations/2?limit=100").json()["items"][-1]
    others = client.get("/recommendations/2?limit=100").json()["items"]
    assert movie_id in ids(others)
    assert last["source"] == "popular"


def test_every_movie_that_is_added_gets_an_id_of_its_own(client: TestClient) -> None:
    client.put("/movies/1000000001", json={"title": "Taken"})
    client.put("/movies/2147483647", json={"title": "The last"})
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: client.post("/movies", json={"title": "New"}), range(8)))
    assert {response.status_code for response in added} == {201}
    assert sorted(response.json()["movie_id"] - 1_000_000_000 for response in added) == [
        0, *range(2, 9),
    ]  # fmt: skip


def test_put_adds_a_movie_and_then_describes_it_anew(client: TestClient) -> None:
    assert client.put("/movies/5", json=NEW).status_code == 201
    again = client.put("/movies/5", json={"title": "Other"})
    assert again.status_code == 200
    assert again.json() == {"movie_id": 5, "title": "Other", **UNKNOWN}
    assert client.get("/movies/search?q=amelie").json()["items"] == []
    assert ids(client.get("/movies/search?q=other").json()["items"]) == [5]


def test_patch_changes_what_is_given_and_keeps_the_rest(client: TestClient, world: World) -> None:
    client.put("/movies/10", json=NEW)
    changed = client.patch("/movies/10", json={"year": None, "genres": ["Drama", "Crime"]})
    assert changed.json() == {"movie_id": 10, **NEW, "year": None, "genres": ["Drama", "Crime"]}
    assert client.patch("/movies/10", json={}).json() == changed.json()
    rated = client.get("/users/6/ratings?limit=1000").json()["items"]
    assert len(rated) == len(world.ratings["6"])
    unknown = client.patch("/movies/11", json={"year": 1999})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "MovieNotFound")


def test_what_is_seen_of_a_movie_changes_with_it_in_another_process(
    client: TestClient, connect: Callable[[], TestClient]
) -> None:
    other = connect()
    client.patch("/movies/10", json={"title": "Renamed"})
    end = time.monotonic() + 5
    while ids(other.get("/movies/search?q=renamed").json()["items"]) != [10]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_counts_of_popularity_stay_while_movies_change(client: TestClient) -> None:
    before = {item["movie_id"]: item["likes"] for item in walk(client, 100)}
    client.put("/movies/5", json=NEW)
    after = {item["movie_id"]: item["likes"] for item in walk(client, 100)}
    assert after == {**before, 5: 0}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"title": ""}, {"title": " "}, {"title": "a\x00b"}, {"title": "x" * 501},
        {"title": "a", "year": 1800}, {"title": "a", "year": "1999"}, {"title": "a", "id": 1},
        {"title": "a", "genres": ["x"] * 21}, {"title": "a", "genres": [""]},
        {"title": "a", "imdb_id": 2**31}, {"title": "a", "tmdb_id": True}, {"title": None},
    ],
)  # fmt: skip
def test_a_malformed_movie_is_refused(lone_client: TestClient, body: Any) -> None:
    assert lone_client.post("/movies", json=body).status_code == 422
    assert lone_client.put("/movies/1", json=body).status_code == 422
    if body != {}:
        assert lone_client.patch("/movies/1", json=body).status_code == 422


def test_a_movie_changed_behind_our_back_stays_until_told(
    client: TestClient, database: Database
) -> None:
    with database.unit_of_work() as connection:
        connection.execute(update(movies).where(movies.c.id == 10).values(title="Quiet"))
    assert client.get("/movies/10").json()["title"] == "Quiet"
    assert client.get("/movies/search?q=quiet").json()["items"] == []
