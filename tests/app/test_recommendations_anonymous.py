"""POST /recommendations and POST /recommendations/batch."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.app.paging import ALL_USERS, ids, walk
from tests.app.small_releases import contents
from tests.app.world import World


def as_ratings(world: World, user: str) -> list[dict[str, Any]]:
    return [{"movie_id": id_, "liked": like} for id_, like in world.ratings[user].items()]


def post(client: TestClient, ratings: list[dict[str, Any]], **options: Any) -> Any:
    response = client.post("/recommendations", json={"ratings": ratings, **options})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("user", ["1", "6"])
@pytest.mark.parametrize(
    "options",
    [{}, {"limit": 3, "genre": ["Drama"], "exclude": [50]}, {"diversity": 0.5}, {"explain": 0},
     {"mode": "sample", "seed": 4}],
)  # fmt: skip
def test_the_same_ratings_get_the_same_movies_as_those_of_a_user(
    client: TestClient, world: World, user: str, options: dict[str, Any]
) -> None:
    anonymous = post(client, as_ratings(world, user), **options)
    known = client.get(f"/recommendations/{user}", params=options).json()
    assert anonymous["items"] == known["items"]
    assert (anonymous["user"], anonymous["source"], anonymous["ignored"]) == (None, "rbm", [])


def test_nothing_is_stored(client: TestClient, world: World) -> None:
    before = contents(world.database)
    post(client, as_ratings(world, "1"))
    assert contents(world.database) == before


def test_stars_become_likes_by_the_threshold(client: TestClient) -> None:
    stars: list[dict[str, Any]] = [{"movie_id": 50, "stars": 4}, {"movie_id": 60, "stars": 3.5}]
    liked = [{"movie_id": 50, "liked": True}, {"movie_id": 60, "liked": False}]
    assert post(client, stars)["items"] == post(client, liked)["items"]


def test_of_two_ratings_of_a_movie_the_later_one_counts(client: TestClient) -> None:
    twice: list[dict[str, Any]] = [
        {"movie_id": 50, "liked": False},
        {"movie_id": 50, "liked": True},
    ]
    assert post(client, twice)["items"] == post(client, twice[1:])["items"]


def test_unknown_movies_are_ignored_and_listed(client: TestClient) -> None:
    known = [{"movie_id": 50, "liked": True}]
    answer = post(client, [*known, {"movie_id": 51, "liked": True}, {"movie_id": 7, "stars": 1}])
    assert answer["ignored"] == [7, 51]
    assert answer["items"] == post(client, known)["items"]


def test_without_ratings_movies_are_popular_and_the_reason_is_given(client: TestClient) -> None:
    answer = post(client, [])
    assert (answer["source"], answer["reason"]) == ("popular", "no_ratings")
    assert answer["items"] == client.get("/recommendations/nobody").json()["items"]


def test_pages_hold_every_movie_that_was_not_rated_once(client: TestClient, world: World) -> None:
    ratings = as_ratings(world, "2")
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = post(client, ratings, limit=7, cursor=cursor)
        found += ids(answer["items"])
        cursor = answer["next"]
    assert len(found) == len(set(found))
    assert set(found) == world.unseen("2")


def test_a_cursor_is_refused_with_other_ratings(client: TestClient) -> None:
    cursor = post(client, [{"movie_id": 50, "liked": True}], limit=2)["next"]
    for ratings in ([{"movie_id": 50, "liked": False}], [{"movie_id": 60, "liked": True}], []):
        response = client.post("/recommendations", json={"ratings": ratings, "cursor": cursor})
        assert response.status_code == 422
        assert response.json()["fields"][0]["location"] == ["body", "cursor"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ratings": [{"movie_id": 1}]},
        {"ratings": [{"movie_id": 1, "stars": 3, "liked": True}]},
        {"ratings": [{"movie_id": 0, "liked": True}]},
        {"ratings": [{"movie_id": 1, "liked": "yes"}]},
        {"ratings": [], "limit": "5"},
        {"ratings": [], "users": []},
        {"ratings": [{"movie_id": 1, "liked": True}] * 5001},
    ],
)
def test_a_malformed_body_is_refused(lone_client: TestClient, body: dict[str, Any]) -> None:
    assert lone_client.post("/recommendations", json=body).status_code == 422


def test_a_batch_holds_the_list_of_each_in_the_order_of_the_request(client: TestClient) -> None:
    users = [*reversed(ALL_USERS), ALL_USERS[0]]
    options: dict[str, Any] = {"limit": 6, "explain": 2, "genre": ["drama"]}
    response = client.post("/recommendations/batch", json={"users": users, **options})
    alone = [client.get(f"/recommendations/{user}", params=options).json() for user in users]
    assert response.json() == {"items": alone}


def test_a_list_of_a_batch_is_read_on_by_its_cursor(client: TestClient) -> None:
    batch = client.post("/recommendations/batch", json={"users": ["1"], "limit": 6}).json()
    first = batch["items"][0]
    second = client.get("/recommendations/1", params={"limit": 100, "cursor": first["next"]}).json()
    assert ids(first["items"] + second["items"]) == ids(walk(client, "1", 100))


@pytest.mark.parametrize("users", [[], ["1"] * 101, ["a "], [1]])
def test_a_batch_is_of_1_to_100_users(lone_client: TestClient, users: list[Any]) -> None:
    assert lone_client.post("/recommendations/batch", json={"users": users}).status_code == 422


def test_a_batch_may_have_100_users(client: TestClient) -> None:
    users = [str(number) for number in range(100)]
    response = client.post("/recommendations/batch", json={"users": users, "limit": 1})
    assert [item["user"] for item in response.json()["items"]] == users
