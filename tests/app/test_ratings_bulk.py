"""POST /users/{user}/ratings."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import tables
from app.db.engine import Database
from tests.app.world import MOVIE_IDS, World, add_movies


@pytest.fixture
def rater(database: Database, empty_client: TestClient) -> TestClient:
    """A service with movies, without users."""
    add_movies(database, MOVIE_IDS)
    return empty_client


def post(client: TestClient, *ratings: dict[str, Any], user: str = "me") -> list[dict[str, Any]]:
    response = client.post(f"/users/{user}/ratings", json={"ratings": ratings})
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def test_each_rating_has_the_result_that_it_would_have_had_alone(rater: TestClient) -> None:
    rater.put("/users/me/ratings/20", json={"stars": 1})
    items = post(
        rater,
        {"movie_id": 10, "stars": 4.5},
        {"movie_id": 11, "liked": True},
        {"movie_id": 20, "liked": False},
    )
    assert [item["movie_id"] for item in items] == [10, 11, 20]
    assert [item["status"] for item in items] == [201, 404, 200]
    assert items[1]["rating"] is None
    assert items[1]["error"] == {
        "error": "MovieNotFound", "detail": "There is no movie 11.", "movie_id": 11,
    }  # fmt: skip
    for item in (items[0], items[2]):
        assert item["error"] is None
        assert item["rating"] == rater.get(f"/users/me/ratings/{item['movie_id']}").json()


def test_of_two_ratings_of_one_movie_the_later_one_counts(rater: TestClient) -> None:
    items = post(rater, {"movie_id": 10, "stars": 1}, {"movie_id": 10, "liked": True})
    assert [item["status"] for item in items] == [201, 200]
    (rating,) = rater.get("/users/me/ratings").json()["items"]
    assert (rating["stars"], rating["liked"]) == (None, True)


def test_rated_movies_are_gone_from_the_very_next_recommendations(
    client: TestClient, world: World
) -> None:
    before = [item["movie_id"] for item in client.get("/recommendations/1").json()["items"]]
    post(client, *({"movie_id": id_, "liked": True} for id_ in before[:10]), user="1")
    answer = client.get("/recommendations/1?limit=100").json()["items"]
    assert not {item["movie_id"] for item in answer} & set(before[:10])
    assert len(answer) == len(world.unseen("1")) - 10


def test_where_no_movie_is_known_nothing_is_left_behind(
    rater: TestClient, database: Database
) -> None:
    assert [item["status"] for item in post(rater, {"movie_id": 5, "liked": True})] == [404]
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.users)).scalar_one() == 0


def test_a_thousand_ratings_are_stored_and_one_more_is_refused(
    rater: TestClient, database: Database
) -> None:
    add_movies(database, list(range(1001, 2001)))
    many = [{"movie_id": id_, "stars": 3.5} for id_ in range(1001, 2001)]
    assert {item["status"] for item in post(rater, *many)} == {201}
    assert {item["status"] for item in post(rater, *many)} == {200}
    too_many = {"ratings": [*many, {"movie_id": 10, "stars": 1}]}
    assert rater.post("/users/me/ratings", json=too_many).status_code == 422
    with database.read() as connection:
        assert (
            connection.execute(select(func.count()).select_from(tables.ratings)).scalar_one()
            == 1000
        )


@pytest.mark.parametrize(
    "body",
    [
        {}, {"ratings": []}, {"ratings": {}}, {"ratings": [{}]}, {"ratings": [{"movie_id": 10}]},
        {"ratings": [{"movie_id": 10, "stars": 4, "liked": True}]},
        {"ratings": [{"movie_id": 10, "stars": None}]}, {"ratings": [{"movie_id": 0, "stars": 4}]},
        {"ratings": [{"movie_id": True, "stars": 4}]}, {"ratings": [{"movie_id": 1.5, "stars": 4}]},
        {"ratings": [{"movie_id": 10, "stars": 4, "when": 1}]}, [{"movie_id": 10, "stars": 4}],
    ],
)  # fmt: skip
def test_malformed_input_is_refused_as_a_whole(lone_client: TestClient, body: Any) -> None:
    response = lone_client.post("/users/me/ratings", json=body)
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"][0] == "body"


bodies = st.one_of(
    st.builds(lambda stars: {"stars": stars / 2}, st.integers(1, 10)),
    st.builds(lambda liked: {"liked": liked}, st.booleans()),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rated=st.lists(st.tuples(st.sampled_from(MOVIE_IDS[:6]), bodies), min_size=1, max_size=12))
def test_many_at_once_leave_what_the_same_one_by_one_leave(
    rater: TestClient, rated: list[tuple[int, dict[str, Any]]]
) -> None:
    for user in ("bulk", "single"):
        rater.delete(f"/users/{user}")
    statuses = [
        rater.put(f"/users/single/ratings/{movie_id}", json=body).status_code
        for movie_id, body in rated
    ]
    items = post(rater, *({"movie_id": m, **body} for m, body in rated), user="bulk")
    assert [item["status"] for item in items] == statuses
    ratings = [rater.get(f"/users/{user}/ratings").json()["items"] for user in ("bulk", "single")]
    for rating in (*ratings[0], *ratings[1]):
        del rating["rated_at"]
    assert ratings[0] == ratings[1]


def test_several_users_and_one_user_may_rate_at_the_same_time(rater: TestClient) -> None:
    def rate(number: int) -> int:
        ids = MOVIE_IDS if number % 2 else MOVIE_IDS[::-1]
        ratings = [{"movie_id": id_, "liked": number % 3 == 0} for id_ in ids]
        path = f"/users/{'ab'[number % 4 // 2]}/ratings"
        return int(rater.post(path, json={"ratings": ratings}).status_code)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(rate, range(24))) == {200}
