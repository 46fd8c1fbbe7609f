"""GET /users/{user}/predictions/{movie} and GET /movies/{movie}/similar."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from model.similarity import like_lengths, similarity
from tests.app.paging import ids, walk
from tests.app.world import MODEL_MOVIE_IDS, World, activate


def predict(client: TestClient, user: str, movie_id: int, **params: Any) -> Any:
    response = client.get(f"/users/{user}/predictions/{movie_id}", params=params)
    assert response.status_code == 200
    return response.json()


@pytest.mark.parametrize("user", ["3", "nobody", "newcomer", "avant-garde"])
def test_a_prediction_says_what_the_list_says(client: TestClient, user: str) -> None:
    answer = client.get(f"/recommendations/{user}").json()
    for item in walk(client, user, 100):
        found = predict(client, user, item["movie_id"], explain=1)
        assert {name: found[name] for name in item} == item
        assert found["liked"] is None
        by_model = item["source"] == "rbm"
        assert found["reason"] == (None if by_model else answer["reason"] or "unknown_movie")


def test_the_rating_of_the_movie_is_shown_and_not_used(client: TestClient, world: World) -> None:
    (movie_id, liked), *_ = [
        (id_, like) for id_, like in world.ratings["4"].items() if id_ in MODEL_MOVIE_IDS
    ]
    found = predict(client, "4", movie_id)
    assert found["liked"] == liked
    client.put(f"/users/4/ratings/{movie_id}", json={"liked": not liked})
    opposite = predict(client, "4", movie_id)
    assert opposite == {**found, "liked": not liked}
    client.delete(f"/users/4/ratings/{movie_id}")
    assert predict(client, "4", movie_id) == {**found, "liked": None}


def test_a_user_who_rated_only_that_movie_has_no_other_ratings(client: TestClient) -> None:
    client.put("/users/me/ratings/50", json={"liked": True})
    assert predict(client, "me", 50)["reason"] == "no_ratings"


def logit(probability: float) -> float:
    return float(np.log(probability) - np.log1p(-probability))


def test_deleting_any_rating_changes_the_logit_by_its_effect(
    client: TestClient, world: World
) -> None:
    generator = np.random.default_rng(3)
    checked = 0
    for _ in range(40):
        user = str(generator.integers(2, 7))
        movie_id = int(generator.choice(sorted(world.unseen(user) & set(MODEL_MOVIE_IDS))))
        before = predict(client, user, movie_id, explain=5)
        for reason in before["because"]:
            rated = f"/users/{user}/ratings/{reason['movie_id']}"
            client.delete(rated)
            after = predict(client, user, movie_id)
            change = logit(before["score"]) - logit(after["score"])
            assert reason["effect"] > 0
            assert change == pytest.approx(reason["effect"], abs=1e-4)
            client.put(rated, json={"liked": reason["liked"]})
            checked += 1
    assert checked > 40


@pytest.mark.parametrize("path", ["/users/1/predictions/51", "/movies/51/similar"])
def test_an_unknown_movie_is_404(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["error"]) == (404, "MovieNotFound")


def test_similar_movies_come_by_similarity(client: TestClient, world: World) -> None:
    answer = client.get("/movies/50/similar", params={"limit": 100}).json()
    alike = similarity(world.rbm, MODEL_MOVIE_IDS.index(50), like_lengths(world.rbm))
    value = dict(zip(MODEL_MOVIE_IDS, alike.tolist(), strict=True))
    expected = sorted(set(MODEL_MOVIE_IDS) - {7, 50}, key=lambda id_: (-value[id_], id_))
    assert ids(answer["items"]) == expected
    assert (answer["source"], answer["reason"], answer["movie_id"]) == ("rbm", None, 50)
    for item in answer["items"]:
        assert item["similarity"] == pytest.approx(value[item["movie_id"]], abs=1e-6)
    assert ids(client.get("/movies/50/similar?limit=3").json()["items"]) == expected[:3]


def test_similar_movies_can_be_filtered(client: TestClient) -> None:
    best = ids(client.get("/movies/50/similar").json()["items"])[0]
    found = client.get("/movies/50/similar", params={"exclude": best}).json()["items"]
    assert best not in ids(found)
    assert client.get("/movies/50/similar?exclude_genre=Drama").json()["items"] == []


def test_movies_that_the_model_does_not_know_are_compared_by_genres(
    client: TestClient, world: World, connect: Callable[[], TestClient]
) -> None:
    answer = client.get("/movies/400/similar").json()
    assert (answer["source"], answer["reason"]) == ("genres", "unknown_movie")
    assert 400 not in ids(answer["items"])
    assert {item["similarity"] for item in answer["items"]} == {1.0}
    activate(world.database, None)
    assert connect().get("/movies/50/similar").json()["reason"] == "no_model"
