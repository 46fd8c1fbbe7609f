"""GET /recommendations/{user}: who gets which movies, in which order."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.engine import Database
from app.live.catalogue import DAMPING
from model.scoring import score_user
from tests.app.paging import ALL_USERS, ids, known_ratings, walk
from tests.app.world import (
    MODEL_MOVIE_IDS,
    MOVIE_IDS,
    World,
    activate,
    add_movies,
    add_ratings,
    make_rbm,
    publish,
)


def test_the_answer_has_every_field_of_the_contract(client: TestClient) -> None:
    answer = client.get("/recommendations/6", params={"limit": 2}).json()
    assert list(answer) == [
        "user", "recommendation_id", "model", "source", "reason", "seed", "items", "next",
    ]  # fmt: skip
    assert answer["user"] == "6"
    assert answer["model"] == "v1"
    assert answer["source"] == "rbm"
    assert answer["reason"] is None
    item = answer["items"][0]
    assert list(item) == [
        "movie_id", "title", "year", "genres", "score", "like_probability", "source", "because",
    ]  # fmt: skip
    assert item["title"] == f"Movie {item['movie_id']}"
    assert item["year"] == 1950 + item["movie_id"] % 70
    assert item["genres"] == ["Drama"]
    assert list(item["because"][0]) == ["movie_id", "title", "liked", "effect"]


@pytest.mark.parametrize("user", ["1", "6"])
def test_movies_come_in_the_order_and_with_the_scores_of_the_model(
    client: TestClient, world: World, user: str
) -> None:
    like, given_seen = score_user(world.rbm, *known_ratings(world, user))
    candidates = [id_ for id_ in MODEL_MOVIE_IDS if id_ in world.unseen(user)]
    score = dict(zip(MODEL_MOVIE_IDS, like, strict=True))
    items = [item for item in walk(client, user, 100) if item["source"] == "rbm"]
    assert ids(items) == sorted(candidates, key=lambda id_: (-score[id_], id_))
    for item in items:
        row = MODEL_MOVIE_IDS.index(item["movie_id"])
        assert np.float32(item["score"]) == like[row]
        assert np.float32(item["like_probability"]) == given_seen[row]


def test_movies_with_equal_scores_come_by_movie_id(
    world: World, connect: Callable[[], TestClient]
) -> None:
    flat = make_rbm(2, movie_ids=MODEL_MOVIE_IDS[::-1])
    flat.W[:], flat.a[:] = 0, -1
    publish(world.database, world.settings.models_dir, "flat", flat)
    items = connect().get("/recommendations/1", params={"limit": 100}).json()["items"]
    assert ids(items[:10]) == sorted(world.unseen("1"))[:10]


def test_a_score_is_printed_with_the_fewest_digits_that_say_it_in_float32(
    client: TestClient,
) -> None:
    text = client.get("/recommendations/6", params={"limit": 100}).text
    digits = [len(part.split(",")[0]) for part in text.split('"score":')[1:]]
    assert max(digits) <= len("0.000123456789")


def test_pages_of_any_length_hold_every_movie_that_was_not_rated_once_and_in_the_same_order(
    client: TestClient, world: World
) -> None:
    for user in ALL_USERS:
        whole = walk(client, user, 100)
        assert len(whole) == len(world.unseen(user))
        assert set(ids(whole)) == world.unseen(user)
        for limit in (1, 7, 35):
            assert walk(client, user, limit) == whole


def test_the_length_of_a_page_may_change_on_the_way(client: TestClient) -> None:
    first = client.get("/recommendations/1", params={"limit": 5}).json()
    second = client.get("/recommendations/1", params={"limit": 9, "cursor": first["next"]}).json()
    assert ids(first["items"] + second["items"]) == ids(walk(client, "1", 100))[:14]


@pytest.mark.parametrize("user", ["1", "6"])
def test_movies_that_the_model_does_not_know_follow_by_popularity(
    client: TestClient, world: World, user: str
) -> None:
    items = walk(client, user, 4)
    sources = [item["source"] for item in items]
    first = sources.index("popular")
    assert set(sources[:first]) == {"rbm"}
    assert set(sources[first:]) == {"popular"}
    assert set(ids(items[first:])) == world.unseen(user) - set(MODEL_MOVIE_IDS)
    likes = {id_: likes_of(world, id_) for id_ in MOVIE_IDS}
    assert ids(items[first:]) == sorted(ids(items[first:]), key=lambda id_: (-likes[id_], id_))


def likes_of(world: World, movie_id: int) -> int:
    return sum(rated.get(movie_id, False) for rated in world.ratings.values())


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("nobody", "unknown_user"),
        ("newcomer", "no_ratings"),
        ("avant-garde", "no_known_ratings"),
    ],
)
def test_who_cannot_be_served_by_the_model_gets_popular_movies_and_the_reason(
    client: TestClient, world: World, user: str, reason: str
) -> None:
    answer = client.get(f"/recommendations/{user}", params={"limit": 100}).json()
    assert (answer["source"], answer["reason"], answer["model"]) == ("popular", reason, "v1")
    likes = {id_: likes_of(world, id_) for id_ in MOVIE_IDS}
    assert ids(answer["items"]) == sorted(world.unseen(user), key=lambda id_: (-likes[id_], id_))
    assert {item["source"] for item in answer["items"]} == {"popular"}
    assert all(item["because"] == [] for item in answer["items"])


def test_popular_movies_have_the_share_of_likes_as_score(client: TestClient, world: World) -> None:
    all_likes = [like for rated in world.ratings.values() for like in rated.values()]
    overall = sum(all_likes) / len(all_likes)
    for item in client.get("/recommendations/nobody").json()["items"]:
        ratings = sum(item["movie_id"] in rated for rated in world.ratings.values())
        likes = likes_of(world, item["movie_id"])
        damped = (likes + DAMPING * overall) / (ratings + DAMPING)
        assert item["score"] == pytest.approx(likes / len(world.ratings))
        assert item["like_probability"] == pytest.approx(damped)


def test_without_a_model_all_users_get_popular_movies(
    world: World, connect: Callable[[], TestClient]
) -> None:
    activate(world.database, None)
    answer = connect().get("/recommendations/1", params={"limit": 100}).json()
    assert (answer["source"], answer["reason"], answer["model"]) == ("popular", "no_model", None)
    assert set(ids(answer["items"])) == world.unseen("1")


def test_an_empty_database_gives_an_empty_list(empty_client: TestClient) -> None:
    answer = empty_client.get("/recommendations/1")
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("recommendation_id")
    assert body == {
        "user": "1", "model": None, "source": "popular", "reason": "no_model", "seed": None,
        "items": [], "next": None,
    }  # fmt: skip


def test_movies_without_any_rating_are_popular_in_the_order_of_their_ids(
    database: Database, connect: Callable[[], TestClient]
) -> None:
    add_movies(database, [30, 10, 20])
    items = connect().get("/recommendations/1").json()["items"]
    assert ids(items) == [10, 20, 30]
    assert {(item["score"], item["like_probability"]) for item in items} == {(0.0, 0.5)}


def test_a_user_who_has_rated_everything_gets_an_empty_list(
    world: World, connect: Callable[[], TestClient]
) -> None:
    add_ratings(world.database, {"critic": dict.fromkeys(MOVIE_IDS, 3.0)})
    answer = connect().get("/recommendations/critic").json()
    assert (answer["items"], answer["next"], answer["source"]) == ([], None, "rbm")


def test_three_ratings_change_the_next_answer_and_leave_it(client: TestClient) -> None:
    before = client.get("/recommendations/2").json()["items"]
    rated = ids(before)[:3]
    for movie_id in rated:
        response = client.put(f"/users/2/ratings/{movie_id}", json={"liked": False})
        assert response.status_code == 201
    after = client.get("/recommendations/2").json()["items"]
    assert not set(rated) & set(ids(after))
    score = {item["movie_id"]: item["score"] for item in before}
    assert any(score.get(item["movie_id"], item["score"]) != item["score"] for item in after)


def test_a_newcomer_is_served_by_the_model_from_the_first_rating_on(client: TestClient) -> None:
    assert client.get("/recommendations/me").json()["reason"] == "unknown_user"
    client.put("/users/me/ratings/10", json={"stars": 5})
    answer = client.get("/recommendations/me").json()
    assert (answer["source"], answer["reason"]) == ("rbm", None)
    client.delete("/users/me/ratings/10")
    assert client.get("/recommendations/me").json()["reason"] == "no_ratings"


def test_a_rating_taken_back_gives_the_answer_of_before(client: TestClient) -> None:
    before = client.get("/recommendations/3").json()
    movie = before["items"][0]["movie_id"]
    client.put(f"/users/3/ratings/{movie}", json={"stars": 5})
    client.delete(f"/users/3/ratings/{movie}")
    after = client.get("/recommendations/3").json()
    assert after["items"] == before["items"]


def test_a_rating_counts_in_the_next_answer_of_the_worker_that_took_it(
    world: World,  # noqa: ARG001
    connect: Callable[[], TestClient],
) -> None:
    workers = [connect(), connect()]
    rated: set[int] = set()
    for step in range(12):
        asked, told = workers[step % 2], workers[(step + 1) % 2]
        best = asked.get("/recommendations/me", params={"limit": 1}).json()["items"][0]["movie_id"]
        assert best not in rated
        told.put(f"/users/me/ratings/{best}", json={"liked": step % 3 > 0})
        rated.add(best)


def test_the_threshold_decides_which_stars_are_likes(
    database: Database, settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> None:
    add_movies(database, MOVIE_IDS)
    add_ratings(database, {"1": {10: 3.5, 20: 3.0}})
    lenient = settings.model_copy(update={"like_threshold": 3.5})
    for which, expected in ((settings, [0.0, 0.0]), (lenient, [1.0, 0.0])):
        items = connect_to(which).get("/recommendations/2", params={"limit": 100}).json()["items"]
        score = {item["movie_id"]: item["score"] for item in items}
        assert [score[10], score[20]] == expected


def test_the_same_request_gives_the_same_bytes_on_every_worker(
    world: World,  # noqa: ARG001
    connect: Callable[[], TestClient],
) -> None:
    answers = {
        worker.get("/recommendations/5", params={"limit": 30}).content
        for worker in (connect(), connect())
        for _ in range(3)
    }
    assert len(answers) == 1


def test_pages_are_in_the_order_of_their_scores(client: TestClient) -> None:
    scores = [item["score"] for item in walk(client, "1", 6) if item["source"] == "rbm"]
    assert all(one >= other for one, other in pairwise(scores))


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": -1},
        {"limit": "many"},
        {"limit": "1.5"},
        {"limit": "nan"},
        {"limit": 10**30},
        {"limit": ""},
        {"explain": -1},
        {"explain": 6},
        {"genres": "Drama"},
        {"genre": ""},
        {"year_from": "soon"},
        {"year_to": -1},
        {"exclude": " "},
        {"min_ratings": -1},
        {"mode": "best"},
        {"seed": -1},
        {"seed": 2**31},
        {"diversity": 1.1},
        {"diversity": "nan"},
        {"Limit": 3},
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    lone_client: TestClient, query: dict[str, Any]
) -> None:
    response = lone_client.get("/recommendations/1", params=query)
    assert response.status_code == 422
    body = response.json()
    assert body["error"] == "InvalidRequest"
    assert body["fields"][0]["location"][:2] == ["query", *query]


@pytest.mark.parametrize(
    ("name", "most"), [("genre", 20), ("exclude_genre", 20), ("exclude", 1000)]
)
def test_a_filter_holds_so_many_values_and_no_more(
    lone_client: TestClient, name: str, most: int
) -> None:
    for count, status in ((most, 200), (most + 1, 422)):
        response = lone_client.get("/recommendations/1", params={name: ["1"] * count})
        assert response.status_code == status


@pytest.mark.parametrize(
    "user",
    ["a%20", "a%00b", "a%0A", "%0a", "%FF%FE", "a" * 129, "😀" * 129, "%2E", "%2E%2E", "%2E%20%2E"],
)
def test_a_key_that_is_no_key_is_refused(lone_client: TestClient, user: str) -> None:
    response = lone_client.get(f"/recommendations/{user}")
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["path", "user"]


@pytest.mark.parametrize(
    "user", ["a" * 128, "a:b+c~d_e-f", "%41", "0", "..a", "a b", "ä", "a;b", "a%25", "a%2Fb", "😀"]
)
def test_a_key_may_hold_what_the_contract_says(lone_client: TestClient, user: str) -> None:
    assert lone_client.get(f"/recommendations/{user}").status_code == 200
