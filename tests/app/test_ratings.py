"""PUT, GET and DELETE /users/{user}/ratings[/{movie}]."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.db.engine import Database
from app.db.tables import installation, ratings, users
from tests.app.world import MOVIE_IDS, World, add_movies


@pytest.fixture
def movies(database: Database) -> None:
    add_movies(database, MOVIE_IDS)


@pytest.fixture
def rater(movies: None, empty_client: TestClient) -> TestClient:  # noqa: ARG001
    """A service with movies, without users."""
    return empty_client


def put(client: TestClient, movie: int, user: str = "me", **body: Any) -> Any:
    return client.put(f"/users/{user}/ratings/{movie}", json=body)


def revisions(database: Database) -> tuple[int, dict[str, int]]:
    with database.read() as connection:
        drawn = connection.execute(select(installation.c.ratings_revision)).scalar_one()
        rows = connection.execute(select(users.c.key, users.c.ratings_revision)).all()
    return drawn, {row.key: row.ratings_revision for row in rows}


def test_the_first_rating_answers_201_and_every_later_one_200(rater: TestClient) -> None:
    assert put(rater, 10, stars=4).status_code == 201
    assert put(rater, 10, stars=4).status_code == 200
    assert put(rater, 10, liked=False).status_code == 200
    assert put(rater, 20, liked=False).status_code == 201
    rater.delete("/users/me/ratings/10")
    assert put(rater, 10, stars=1).status_code == 201


def test_the_response_is_the_rating_as_stored(rater: TestClient) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    body = put(rater, 10, stars=4.5).json()
    assert list(body) == ["movie_id", "stars", "liked", "rated_at"]
    assert (body["movie_id"], body["stars"], body["liked"]) == (10, 4.5, True)
    assert body["rated_at"].endswith("Z")
    rated_at = datetime.fromisoformat(body["rated_at"])
    assert before <= rated_at <= before + timedelta(seconds=30)
    assert rater.get("/users/me/ratings/10").json() == body


@pytest.mark.parametrize(
    ("body", "stars", "liked"),
    [
        ({"stars": 4}, 4.0, True),
        ({"stars": 3.5}, 3.5, False),
        ({"stars": 0.5}, 0.5, False),
        ({"stars": 5}, 5.0, True),
        ({"liked": True}, None, True),
        ({"liked": False}, None, False),
    ],
)
def test_stars_are_stored_and_read_as_like_or_dislike(
    rater: TestClient,
    body: dict[str, Any],
    stars: float | None,
    liked: bool,
) -> None:
    stored = put(rater, 10, **body).json()
    assert (stored["stars"], stored["liked"]) == (stars, liked)


def test_a_later_rating_replaces_the_one_before(rater: TestClient) -> None:
    put(rater, 10, stars=5)
    put(rater, 10, liked=False)
    (item,) = rater.get("/users/me/ratings").json()["items"]
    assert (item["stars"], item["liked"]) == (None, False)


def test_an_unknown_movie_cannot_be_rated_and_leaves_nothing_behind(
    rater: TestClient, database: Database
) -> None:
    response = put(rater, 11, stars=4)
    assert response.status_code == 404
    assert response.json() == {
        "error": "MovieNotFound", "detail": "There is no movie 11.", "movie_id": 11,
    }  # fmt: skip
    assert revisions(database) == (0, {})


def test_ratings_are_listed_by_movie_id_page_by_page(client: TestClient, world: World) -> None:
    expected = sorted(world.ratings["6"])
    for limit in (1, 5, len(expected), 1000):
        found: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            page = client.get("/users/6/ratings", params={"limit": limit, "cursor": cursor}).json()
            found += [item["movie_id"] for item in page["items"]]
            cursor = page["next"]
            assert len(page["items"]) == limit or cursor is None
        assert found == expected


def test_the_listed_likes_are_those_that_recommendations_use(
    client: TestClient, world: World
) -> None:
    items = client.get("/users/6/ratings", params={"limit": 1000}).json()["items"]
    assert {item["movie_id"]: item["liked"] for item in items} == world.ratings["6"]


def test_a_rating_added_on_the_way_shifts_no_page(rater: TestClient) -> None:
    for movie in (20, 30, 40):
        put(rater, movie, liked=True)
    first = rater.get("/users/me/ratings", params={"limit": 2}).json()
    put(rater, 10, liked=True)
    second = rater.get("/users/me/ratings", params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["movie_id"] for item in second["items"]] == [40]


def test_an_unknown_user_has_no_ratings(rater: TestClient) -> None:
    response = rater.get("/users/nobody/ratings")
    assert response.status_code == 200
    assert response.json() == {"items": [], "next": None}


def test_a_missing_rating_is_not_found(rater: TestClient) -> None:
    put(rater, 10, stars=4)
    for path in ("/users/me/ratings/20", "/users/nobody/ratings/10", "/users/me/ratings/11"):
        response = rater.get(path)
        assert response.status_code == 404
        assert response.json()["error"] == "RatingNotFound"


def test_deleting_answers_204_also_when_there_is_nothing(rater: TestClient) -> None:
    put(rater, 10, stars=4)
    for path in ("me/ratings/10", "me/ratings/10", "nobody/ratings/10", "me/ratings/999999"):
        response = rater.delete(f"/users/{path}")
        assert (response.status_code, response.content) == (204, b"")
    assert rater.get("/users/me/ratings").json()["items"] == []


def test_every_change_draws_a_new_revision_and_nothing_else_does(
    rater: TestClient, database: Database
) -> None:
    put(rater, 10, stars=4)
    assert revisions(database) == (1, {"me": 1})
    put(rater, 10, stars=5, user="you")
    assert revisions(database) == (2, {"me": 1, "you": 2})
    put(rater, 10, liked=True)
    assert revisions(database) == (3, {"me": 3, "you": 2})
    rater.delete("/users/you/ratings/10")
    assert revisions(database) == (4, {"me": 3, "you": 4})
    rater.delete("/users/you/ratings/10")
    rater.delete("/users/nobody/ratings/10")
    rater.get("/users/me/ratings")
    rater.get("/recommendations/me")
    put(rater, 11, stars=4)
    assert revisions(database) == (4, {"me": 3, "you": 4})


# Two at once


def test_putting_the_same_rating_of_a_new_user_at_once_creates_it_once(
    rater: TestClient, database: Database
) -> None:
    for user in ("a", "b", "c", "d", "e"):
        rate = partial(put, rater, 10, user)
        with ThreadPoolExecutor(8) as pool:
            responses = [pool.submit(rate, stars=4) for _ in range(8)]
        statuses = Counter(response.result().status_code for response in responses)
        assert statuses == {201: 1, 200: 7}
    assert revisions(database)[0] == 40


def test_putting_and_deleting_at_once_never_fails(rater: TestClient, database: Database) -> None:
    def change(number: int) -> int:
        path = f"/users/{'ab'[number % 2]}/ratings/{10 * (1 + number % 3)}"
        if number % 4 == 0:
            return int(rater.delete(path).status_code)
        return int(rater.put(path, json={"liked": number % 5 == 0}).status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(change, range(120)))
    assert statuses <= {200, 201, 204}
    with database.read() as connection:
        newest = connection.execute(select(func.max(users.c.ratings_revision))).scalar_one()
    assert newest == revisions(database)[0]


def test_a_rating_is_in_the_database_before_it_is_acknowledged(
    rater: TestClient, database: Database
) -> None:
    for movie in MOVIE_IDS[:10]:
        put(rater, movie, stars=3)
        with database.read() as connection:
            query = select(func.count()).select_from(ratings).where(ratings.c.movie_id == movie)
            assert connection.execute(query).scalar_one() == 1
