"""POST /features: which hidden units ratings switch on, and how these are linked."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from model.rbm import LIKE, columns, sigmoid
from tests.app.small_releases import contents
from tests.app.world import World


def post(client: TestClient, ratings: list[dict[str, Any]], **options: Any) -> Any:
    response = client.post("/features", json={"ratings": ratings, **options})
    assert response.status_code == 200, response.text
    return response.json()


def as_ratings(world: World, user: str) -> list[dict[str, Any]]:
    return [{"movie_id": id_, "liked": like} for id_, like in world.ratings[user].items()]


@pytest.mark.parametrize("user", ["1", "2"])
def test_the_same_ratings_switch_on_the_same_units_as_those_of_a_user(
    client: TestClient, world: World, user: str
) -> None:
    anonymous = post(client, as_ratings(world, user), limit=4, films=3)
    known = client.get(f"/users/{user}/features", params={"limit": 4, "films": 3}).json()
    assert known["items"]
    assert (anonymous["source"], anonymous["reason"]) == ("rbm", None)
    links = {"received", "sent"}
    assert [
        {name: value for name, value in item.items() if name not in links}
        for item in anonymous["items"]
    ] == known["items"]


def test_links_are_the_weights_of_the_model(client: TestClient, world: World) -> None:
    rbm, ratings = world.rbm, as_ratings(world, "2")
    ids = {int(movie_id): row for row, movie_id in enumerate(rbm.movie_ids)}
    known = [rating for rating in ratings if rating["movie_id"] in ids]
    rows = np.array([ids[rating["movie_id"]] for rating in known])
    liked = np.array([rating["liked"] for rating in known])
    items = post(client, ratings, towards=[20, 360, 30])["items"]
    assert items
    for item in items:
        j = item["unit"]
        received = {link["movie_id"]: link["weight"] for link in item["received"]}
        expected = rbm.weights[columns(rows, liked)][:, j]
        assert received == pytest.approx(
            {r["movie_id"]: w for r, w in zip(known, expected.tolist(), strict=True)}
        )
        assert sorted(map(abs, received.values()), reverse=True) == list(
            map(abs, received.values())
        )
        raised = sigmoid(rbm.b[j] + expected.sum()) - sigmoid(rbm.b[j])
        sent = {link["movie_id"]: link["weight"] for link in item["sent"]}
        # Movie 360 came after the training: no unit sends anything to it.
        assert sent == pytest.approx(
            {id_: float(rbm.W[ids[id_], LIKE, j] * raised) for id_ in (20, 30)}, rel=1e-4
        )


def test_of_many_ratings_the_strongest_20_links_are_given(client: TestClient, world: World) -> None:
    ratings = [{"movie_id": int(id_), "liked": False} for id_ in world.rbm.movie_ids[1:]]
    items = post(client, ratings)["items"]
    assert len(ratings) > 20
    assert [len(item["received"]) for item in items] == [20] * len(items) != []


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [([], "no_ratings"), ([{"movie_id": 380, "liked": True}], "no_known_ratings")],
)
def test_without_known_ratings_the_reason_is_given(
    client: TestClient, ratings: list[dict[str, Any]], reason: str
) -> None:
    answer = post(client, ratings)
    assert (answer["source"], answer["reason"], answer["items"]) == ("none", reason, [])


def test_nothing_is_stored(client: TestClient, world: World) -> None:
    before = contents(world.database)
    post(client, as_ratings(world, "1"))
    assert contents(world.database) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ratings": [{"movie_id": 1}]},
        {"ratings": [], "limit": 0},
        {"ratings": [], "limit": "5"},
        {"ratings": [], "towards": [0]},
        {"ratings": [], "towards": [1] * 101},
        {"ratings": [], "user": "1"},
    ],
)
def test_a_malformed_body_is_refused(lone_client: TestClient, body: dict[str, Any]) -> None:
    assert lone_client.post("/features", json=body).status_code == 422
