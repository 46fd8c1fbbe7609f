"""GET /recommendations/{user}: mode=sample and diversity."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.tables import movies
from app.recommendations import sections
from tests.app.paging import ids, walk
from tests.app.world import MOVIE_IDS, World


def test_the_same_seed_gives_the_same_list_on_every_worker(
    world: World,  # noqa: ARG001
    connect: Callable[[], TestClient],
) -> None:
    params: dict[str, Any] = {"mode": "sample", "seed": 7}
    answers = {worker.get("/recommendations/2", params=params).content
               for worker in (connect(), connect()) for _ in range(2)}  # fmt: skip
    assert len(answers) == 1


def test_a_sampled_list_names_its_seed_which_gives_it_again(client: TestClient) -> None:
    drawn = client.get("/recommendations/2", params={"mode": "sample"}).json()
    again = client.get("/recommendations/2", params={"mode": "sample", "seed": drawn["seed"]})
    assert again.json() == drawn


def test_the_reasons_of_a_sampled_list_are_those_of_the_ranked_one(client: TestClient) -> None:
    ranked = {item["movie_id"]: item["because"] for item in walk(client, "2", 100)}
    sampled = walk(client, "2", 100, mode="sample", seed=7)
    assert {item["movie_id"]: item["because"] for item in sampled} == ranked
    assert any(item["because"] for item in sampled)


def test_a_sampled_list_says_which_genres_it_has_more_of_and_less(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    genres = ["Drama", "Horror", "War", "Western", "Musical", "Comedy", "Crime", "Sci-Fi"]
    with world.database.unit_of_work() as connection:
        for place, movie_id in enumerate(MOVIE_IDS):
            changed = movies.update().where(movies.c.id == movie_id)
            connection.execute(changed.values(genres=[genres[place % 8]]))
    client = connect()
    known: dict[str, Any] = {"mode": "sample", "seed": 7}
    lists = [walk(client, "2", 100), walk(client, "2", 100, **known)]
    shares = []
    monkeypatch.setattr("app.recommendations.draw.FIRST", 9)
    for items in lists:
        scores = dict.fromkeys(genres, 0.0)
        for item in items[:9]:
            scores[item["genres"][0]] += item["score"]
        shares.append({genre: score / sum(scores.values()) for genre, score in scores.items()})
    times = {g: shares[1][g] / shares[0][g] for g in genres if shares[0][g] >= 0.02}
    draw = client.get("/recommendations/2", params=known).json()["draw"]
    more = sorted((g for g in times if times[g] >= 1.1), key=lambda g: -times[g])
    less = sorted((g for g in times if times[g] <= 1 / 1.1), key=lambda g: times[g])
    assert more or less
    for said, expected in ((draw["more"], more[:3]), (draw["less"], less[:3])):
        assert [each["genre"] for each in said] == expected
        assert [each["times"] for each in said] == pytest.approx(
            [times[genre] for genre in expected], abs=0.006
        )
    assert "draw" not in client.get("/recommendations/2").json()
    assert "draw" not in client.get("/recommendations/nobody", params=known).json()


def test_without_a_seed_every_list_is_drawn_anew(client: TestClient) -> None:
    seeds = {client.get("/recommendations/2?mode=sample").json()["seed"] for _ in range(5)}
    assert len(seeds) == 5


def test_gibbs_samples_differ(client: TestClient) -> None:
    lists = {
        tuple(ids(client.get(f"/recommendations/2?mode=sample&seed={seed}").json()["items"]))
        for seed in range(10)
    }
    assert len(lists) > 1


def test_the_seed_travels_in_the_cursor(client: TestClient) -> None:
    first = client.get("/recommendations/2?mode=sample&limit=4").json()
    second = client.get(
        "/recommendations/2", params={"mode": "sample", "limit": 4, "cursor": first["next"]}
    ).json()
    assert second["seed"] == first["seed"]
    whole = walk(client, "2", 100, mode="sample", seed=first["seed"])
    assert ids(first["items"] + second["items"]) == ids(whole)[:8]


def test_a_cursor_is_refused_with_another_seed(client: TestClient) -> None:
    cursor = client.get("/recommendations/2?mode=sample&seed=1&limit=4").json()["next"]
    for seed, status in ((1, 200), (2, 422)):
        params = {"mode": "sample", "seed": seed, "cursor": cursor}
        assert client.get("/recommendations/2", params=params).status_code == status


def test_ranked_lists_have_no_seed(client: TestClient) -> None:
    assert client.get("/recommendations/2?seed=4").json()["seed"] is None


def test_diversity_reorders_the_same_movies_and_keeps_the_best_one_first(
    client: TestClient,
) -> None:
    plain, diverse = walk(client, "1", 100), walk(client, "1", 100, diversity=0.9)
    assert ids(plain)[0] == ids(diverse)[0]
    assert ids(plain) != ids(diverse)
    assert sorted(ids(plain)) == sorted(ids(diverse))
    assert {item["movie_id"]: item for item in plain} == {
        item["movie_id"]: item for item in diverse
    }


@pytest.mark.parametrize("pool", [1, 5, 500])
def test_pages_of_any_length_of_a_diverse_list_are_parts_of_one_list(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch, pool: int
) -> None:
    monkeypatch.setattr(sections, "POOL", pool)
    whole = walk(client, "1", 100, diversity=0.6)
    assert set(ids(whole)) == world.unseen("1")
    for limit in (1, 3, 8):
        assert walk(client, "1", limit, diversity=0.6) == whole


def test_movies_behind_the_pool_follow_by_score(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "POOL", 5)
    plain, diverse = ids(walk(client, "1", 100)), ids(walk(client, "1", 100, diversity=0.9))
    assert sorted(diverse[:5]) == sorted(plain[:5])
    assert diverse[5:] == plain[5:]
