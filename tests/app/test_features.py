"""GET /model/features and GET /users/{user}/features."""

from collections.abc import Callable

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.db.tables import movies
from model.features import describe_features
from model.rbm import sigmoid
from tests.app.paging import ids, known_ratings
from tests.app.world import MOVIE_IDS, World, activate


def test_features_of_the_model_are_its_units_with_their_movies(
    client: TestClient, world: World
) -> None:
    answer = client.get("/model/features?films=4").json()
    expected = describe_features(world.rbm, 20)
    assert [item["unit"] for item in answer["items"]] == [unit.unit for unit in expected]
    for item, unit in zip(answer["items"], expected, strict=True):
        on = [movie.movie_id for movie in unit.on if movie.movie_id != 7]
        assert ids(item["on"]) == on[:4]
        assert len(item["off"]) <= 4
        assert item["on"][0]["title"] == f"Movie {on[0]}"
        assert item["name"] == f"Movie {on[0]} · Movie {on[1]}"


def test_genres_are_compared_with_those_of_ratings_and_rare_ones_say_little(
    world: World, connect: Callable[[], TestClient]
) -> None:
    unit = describe_features(world.rbm, 20)[0]
    on = [movie.movie_id for movie in unit.on if movie.movie_id != 7]
    genres = {id_: ["Drama"] for id_ in MOVIE_IDS}
    for place, id_ in enumerate(on):
        genres[id_] = ["Horror"] if place < 4 else ["Western"] if place < 6 else ["Drama"]
    with world.database.unit_of_work() as connection:
        for id_, names in genres.items():
            connection.execute(movies.update().where(movies.c.id == id_).values(genres=names))
    rated = [id_ for of_user in world.ratings.values() for id_ in of_user]
    share = sum(genres[id_] == ["Horror"] for id_ in rated) / len(rated)
    found = connect().get("/model/features?limit=1").json()["items"][0]["genres"]
    assert [each["genre"] for each in found] == ["Horror"]  # two Westerns are too few
    assert found[0]["lift"] == pytest.approx((4 + 4) / (len(on) * share + 4), abs=0.01)


def test_there_are_as_many_features_as_asked_for(client: TestClient) -> None:
    assert len(client.get("/model/features?limit=2").json()["items"]) == 2


def test_features_of_a_user_are_the_units_that_the_ratings_make_more_probable(
    client: TestClient, world: World
) -> None:
    rows, liked = known_ratings(world, "4")
    sent = world.rbm.W[rows, np.where(liked, 0, 1)]
    activation, baseline = sigmoid(world.rbm.b + sent.sum(axis=0)), sigmoid(world.rbm.b)
    gain = activation - baseline
    answer = client.get("/users/4/features").json()
    assert (answer["source"], answer["reason"]) == ("rbm", None)
    units = [item["unit"] for item in answer["items"]]
    assert units == [j for j in np.argsort(-gain, kind="stable").tolist() if gain[j] > 0]
    for item in answer["items"]:
        assert item["activation"] == pytest.approx(float(activation[item["unit"]]), abs=1e-6)
        assert item["baseline"] == pytest.approx(float(baseline[item["unit"]]), abs=1e-6)
        values = sent[:, item["unit"]].tolist()
        rated = world.rbm.movie_ids[rows].tolist()
        own = sorted((-value, id_) for value, id_ in zip(values, rated, strict=True) if value > 0)
        assert ids(item["because"]) == [id_ for _, id_ in own[:5]]


@pytest.mark.parametrize(
    ("user", "reason"),
    [("nobody", "unknown_user"), ("newcomer", "no_ratings"), ("avant-garde", "no_known_ratings")],
)
def test_without_features_the_reason_is_given(client: TestClient, user: str, reason: str) -> None:
    answer = client.get(f"/users/{user}/features").json()
    assert (answer["source"], answer["reason"], answer["items"]) == ("none", reason, [])


def test_without_a_model_there_are_no_features(
    world: World, connect: Callable[[], TestClient]
) -> None:
    activate(world.database, None)
    client = connect()
    assert client.get("/model/features").json() == {"model": None, "items": []}
    assert client.get("/users/1/features").json()["reason"] == "no_model"
