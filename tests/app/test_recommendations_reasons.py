"""GET /recommendations/{user}: why a movie is there."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from model.scoring import effects
from tests.app.paging import ids, known_ratings, walk
from tests.app.world import MODEL_MOVIE_IDS, World


@pytest.mark.parametrize("user", ["1", "6"])
def test_reasons_are_the_largest_positive_effects(
    client: TestClient, world: World, user: str
) -> None:
    rows, liked = known_ratings(world, user)
    rated = [MODEL_MOVIE_IDS[row] for row in rows]
    items = client.get(f"/recommendations/{user}", params={"limit": 10, "explain": 5}).json()
    for item in items["items"]:
        target = np.array([MODEL_MOVIE_IDS.index(item["movie_id"])])
        effect = dict(zip(rated, effects(world.rbm, rows, liked, target)[0], strict=True))
        best = sorted(effect, key=lambda id_: -effect[id_])[:5]
        expected = [id_ for id_ in best if effect[id_] > 0]
        assert ids(item["because"]) == expected
        for reason in item["because"]:
            assert reason["effect"] == pytest.approx(float(effect[reason["movie_id"]]), abs=1e-5)
            assert reason["liked"] == world.ratings[user][reason["movie_id"]]
            assert reason["title"] == f"Movie {reason['movie_id']}"


def logit(probability: float) -> float:
    return float(np.log(probability) - np.log1p(-probability))


def test_deleting_a_rating_changes_the_logit_by_its_effect(client: TestClient) -> None:
    before = client.get("/recommendations/4", params={"limit": 5, "explain": 5}).json()["items"]
    reason = before[0]["because"][0]
    client.delete(f"/users/4/ratings/{reason['movie_id']}")
    after = {item["movie_id"]: item["score"] for item in walk(client, "4", 100)}
    for item in before:
        reasons = {r["movie_id"]: r["effect"] for r in item["because"]}
        if reason["movie_id"] in reasons:
            change = logit(item["score"]) - logit(after[item["movie_id"]])
            assert change == pytest.approx(reasons[reason["movie_id"]], abs=1e-4)


@pytest.mark.parametrize("explain", [0, 1, 5])
def test_there_are_at_most_as_many_reasons_as_asked_for(client: TestClient, explain: int) -> None:
    items = client.get("/recommendations/6", params={"explain": explain}).json()["items"]
    assert max(len(item["because"]) for item in items) == explain


def test_reasons_change_nothing_else(client: TestClient) -> None:
    def without_reasons(explain: int) -> list[dict[str, Any]]:
        answer = client.get("/recommendations/6", params={"explain": explain}).json()
        return [{**item, "because": []} for item in answer["items"]]

    assert without_reasons(0) == without_reasons(5)
