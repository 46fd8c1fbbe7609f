"""POST /rank: given movies in the order of a user's list, and why others have no place."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.app.paging import ids, walk
from tests.app.test_scenarios import put
from tests.app.world import MOVIE_IDS, World


def rank(client: TestClient, movies: list[Any], **more: Any) -> dict[str, Any]:
    answer = client.post("/rank", json={"movies": movies, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("user", ["1", "6", "newcomer", "nobody"])
def test_movies_are_ranked_as_in_the_list_of_the_user(client: TestClient, user: str) -> None:
    listed = walk(client, user, 100)
    wanted = [*MOVIE_IDS[::3], 380]
    answer = rank(client, wanted[::-1], user=user, explain=1)
    assert answer["items"] == [item for item in listed if item["movie_id"] in wanted]
    assert answer["user"] == user
    top = rank(client, wanted[::-1], user=user, explain=1, limit=2)
    assert (top["items"], top["left_out"]) == (answer["items"][:2], answer["left_out"])


def test_ratings_in_the_request_rank_as_those_of_a_user(client: TestClient, world: World) -> None:
    ratings = [{"movie_id": id_, "liked": like} for id_, like in world.ratings["6"].items()]
    by_ratings = rank(client, MOVIE_IDS, ratings=ratings)
    assert by_ratings["items"] == rank(client, MOVIE_IDS, user="6")["items"]
    assert by_ratings["user"] is None


def test_each_movie_that_has_no_place_is_named_with_the_reason(
    client: TestClient, world: World
) -> None:
    rated = min(world.ratings["1"])
    seen, gone, banned, *others = sorted(world.unseen("1"))
    client.post("/events", json={"events": [{"user": "1", "movie_id": seen, "kind": "seen"}]})
    assert client.patch(f"/movies/{gone}", json={"withdrawn": True}).status_code == 200
    put(client, {"filters": {"exclude": [banned]}, "number": 2})
    asked = ["no such", gone, rated, seen, banned, *others[:3], others[0]]
    answer = rank(client, asked, user="1", scenario="home")
    assert len(answer["items"]) == 2
    (last,) = set(others[:3]) - set(ids(answer["items"]))
    assert [(each["movie_id"], each["why"]) for each in answer["left_out"]] == [
        ("no such", "unknown"), (gone, "unavailable"), (rated, "rated"), (seen, "seen"),
        (banned, "excluded"), (last, "no_place"),
    ]  # fmt: skip


def test_the_rules_of_a_scenario_rank_too(client: TestClient, world: World) -> None:
    first, *_, last = ids(walk(client, "6", 100, explain=0))
    boost = {"by": "attribute", "weight": 10, "attribute": "promoted:yes"}
    client.patch(f"/movies/{last}", json={"attributes": {"promoted": "yes"}})
    put(client, {"pins": [{"movie_id": last, "position": 1}], "boosts": [boost]})
    answer = rank(client, sorted(world.unseen("6")), user="6", scenario="home")
    assert ids(answer["items"])[:2] == [last, first]
    assert (answer["items"][0]["pinned"], answer["items"][0]["boost"]) == (True, 10.0)
    assert "pinned" not in answer["items"][1]
    assert "boost" not in answer["items"][1]
    assert answer["scenario"] == "home"


def test_a_request_that_names_no_list_or_too_much_is_refused(client: TestClient) -> None:
    known = [*MOVIE_IDS, *range(1_000, 5_960)]
    assert len(rank(client, known, user="6", explain=0)["left_out"]) > 4_900
    for body in (
        {"user": "1", "ratings": []},
        {"movies": [10]},
        {"user": "1", "movies": []},
        {"user": "1", "limit": 0},
        {"user": "1", "movies": [*known, 1]},
    ):
        assert client.post("/rank", json={"movies": [10], **body}).status_code == 422
