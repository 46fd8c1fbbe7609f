"""Movies that the model does not know: behind the others, by genres and popularity."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import bindparam, update

from app.db.tables import movies
from model.affinity import Affinity, score_of
from model.fold_in import Given
from tests.app.paging import ids, known_ratings, walk
from tests.app.world import MODEL_MOVIE_IDS, MOVIE_IDS, World, publish
from tests.model.machines import random_prior

# No statement of its own: one database is enough.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

UNKNOWN = [id_ for id_ in MOVIE_IDS if id_ not in MODEL_MOVIE_IDS]
NAMES = ["Drama", "Comedy", "War"]
USER = "6"


def genres_of(movie_id: int) -> tuple[str, ...]:
    """One or two genres; movie 400 has none."""
    at = movie_id // 10
    return () if movie_id == 400 else tuple(sorted({NAMES[at % 3], NAMES[at % 2]}))


@pytest.fixture
def by_genres(world: World, connect: Callable[[], TestClient]) -> TestClient:
    """The small world with several genres, served by a model with a prior."""
    rows = [{"of": id_, "names": list(genres_of(id_))} for id_ in MOVIE_IDS]
    statement = update(movies).where(movies.c.id == bindparam("of"))
    with world.database.unit_of_work() as connection:
        connection.execute(statement.values(genres=bindparam("names")), rows)
    rbm = replace(world.rbm, prior=random_prior(2, world.rbm))
    publish(world.database, world.settings.models_dir, "v2", rbm)
    return connect()


def expected_scores(world: World, user: str) -> dict[int, float]:
    """Score every unknown movie by the equations."""
    rbm = replace(world.rbm, prior=random_prior(2, world.rbm))
    rows, liked = known_ratings(world, user)
    members = [
        np.array([row for row, id_ in enumerate(MODEL_MOVIE_IDS) if id_ in MOVIE_IDS
                  and name in genres_of(id_)])
        for name in NAMES
    ]  # fmt: skip
    sets = [[NAMES.index(name) for name in genres_of(id_)] for id_ in UNKNOWN]
    affinities = Affinity(rbm, members, sets).affinities(Given(rows, liked))
    likes = [sum(rated.get(id_, False) for rated in world.ratings.values()) for id_ in UNKNOWN]
    scores = score_of(np.array(likes), len(world.ratings), affinities)
    return dict(zip(UNKNOWN, scores.tolist(), strict=True))


def behind(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["source"] != "rbm"]


def test_they_follow_all_others_by_their_scores(by_genres: TestClient, world: World) -> None:
    items = walk(by_genres, USER, 4)
    sources = [item["source"] for item in items]
    assert sources == sorted(sources, key=["rbm", "genres"].index)
    scores = expected_scores(world, USER)
    left = set(UNKNOWN) & world.unseen(USER)
    assert ids(behind(items)) == sorted(left, key=lambda id_: -scores[id_])
    for item in behind(items):
        assert item["score"] == pytest.approx(scores[item["movie_id"]], rel=1e-5)


def test_pages_of_any_length_are_parts_of_one_list(by_genres: TestClient) -> None:
    whole = walk(by_genres, USER, 100)
    assert walk(by_genres, USER, 1) == walk(by_genres, USER, 7) == whole


def test_filters_leave_those_that_pass(by_genres: TestClient) -> None:
    items = by_genres.get(f"/recommendations/{USER}", params={"limit": 100, "genre": "war"}).json()
    found = ids(behind(items["items"]))
    assert found
    assert all("War" in genres_of(id_) for id_ in found)


def test_a_prediction_of_one_says_what_the_list_says_and_why(by_genres: TestClient) -> None:
    for item in behind(walk(by_genres, USER, 100)):
        path = f"/users/{USER}/predictions/{item['movie_id']}"
        found = by_genres.get(path, params={"explain": 3}).json()
        assert (found["source"], found["reason"]) == ("genres", "unknown_movie")
        assert found["score"] == item["score"]
        for reason in found["because"]:
            by_genres.delete(f"/users/{USER}/ratings/{reason['movie_id']}")
            without = by_genres.get(path).json()["score"]
            change = np.log(found["score"] / (1 - found["score"]) * (1 - without) / without)
            assert change == pytest.approx(reason["effect"], abs=1e-3)
            rating = {"liked": reason["liked"]}
            by_genres.put(f"/users/{USER}/ratings/{reason['movie_id']}", json=rating)


def test_a_cursor_among_them_ends_when_their_genres_change(
    by_genres: TestClient, world: World
) -> None:
    params: dict[str, Any] = {"limit": len(world.unseen(USER)) - 2}
    cursor = by_genres.get(f"/recommendations/{USER}", params=params).json()["next"]
    params["cursor"] = cursor
    assert by_genres.get(f"/recommendations/{USER}", params=params).status_code == 200
    by_genres.patch(f"/movies/{UNKNOWN[0]}", json={"genres": ["War"]})
    assert by_genres.get(f"/recommendations/{USER}", params=params).status_code == 410


def test_who_has_no_ratings_gets_them_by_popularity(by_genres: TestClient) -> None:
    answer = by_genres.get("/recommendations/newcomer", params={"limit": 100}).json()
    assert {item["source"] for item in answer["items"]} == {"popular"}
    found = by_genres.get(f"/users/newcomer/predictions/{UNKNOWN[0]}").json()
    assert (found["source"], found["reason"]) == ("popular", "no_ratings")
