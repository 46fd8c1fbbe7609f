"""Scenarios over HTTP: stored, checked, with a history."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.live.model_reloader import ModelReloader
from app.scenarios import service
from tests.app.paging import ids

HOME: dict[str, Any] = {
    "filters": {"year_from": 1960, "exclude": [20]},
    "boosts": [{"by": "recency", "weight": 0.5}],
    "pins": [{"movie_id": 370, "position": 2}],
}


def put(client: TestClient, definition: dict[str, Any], name: str = "home") -> None:
    answer = client.put(f"/scenarios/{name}", json=definition)
    assert answer.status_code in (200, 201), answer.text


def test_a_scenario_is_stored_and_shown_with_every_rule(client: TestClient) -> None:
    answer = client.put("/scenarios/home", json=HOME)
    assert answer.status_code == 201
    stored = answer.json()
    assert (stored["name"], stored["version"]) == ("home", 1)
    assert stored["changed_by"] == "somebody without a key"
    assert stored["definition"]["pins"] == HOME["pins"]
    assert stored["definition"]["sources"] == ["rbm", "popular"]
    assert client.get("/scenarios/home").json() == stored
    assert client.get("/scenarios").json() == {"items": [stored]}
    again = client.put("/scenarios/home", json=stored["definition"])
    assert (again.status_code, again.json()) == (200, stored)


def test_each_change_is_a_version_that_stays_on_record(client: TestClient) -> None:
    put(client, HOME)
    put(client, {"diversity": 0.5})
    assert client.delete("/scenarios/home").status_code == 204
    assert client.delete("/scenarios/home").status_code == 204
    put(client, HOME)
    versions = client.get("/scenarios/home/versions").json()["items"]
    assert [each["version"] for each in versions] == [4, 3, 2, 1]
    assert versions[1]["definition"] is None
    assert versions[2]["definition"]["diversity"] == 0.5
    assert versions[3]["definition"] == versions[0]["definition"]


def test_a_scenario_that_somebody_has_changed_meanwhile_is_not_overwritten(
    client: TestClient,
) -> None:
    assert client.put("/scenarios/home?expected_version=1", json=HOME).status_code == 409
    assert client.put("/scenarios/home?expected_version=0", json=HOME).status_code == 201
    assert client.put("/scenarios/home?expected_version=1", json={}).status_code == 200
    refused = client.put("/scenarios/home?expected_version=1", json=HOME)
    assert (refused.status_code, refused.json()["error"]) == (409, "ScenarioChanged")
    assert refused.json()["version"] == 2


def test_there_are_no_more_scenarios_than_a_worker_keeps(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_SCENARIOS", 1)
    put(client, HOME)
    refused = client.put("/scenarios/mail", json=HOME)
    assert (refused.status_code, refused.json()["error"]) == (409, "TooManyScenarios")
    put(client, {})
    client.delete("/scenarios/home")
    put(client, HOME, "mail")


def test_a_definition_that_means_nothing_is_refused_with_its_place(client: TestClient) -> None:
    refused: list[tuple[dict[str, Any], list[str | int]]] = [
        ({"filters": {"genre": ["Dramma"]}}, ["filters", "genre", 0]),
        ({"filters": {"attribute": ["studio:Ghibli"]}}, ["filters", "attribute", 0]),
        ({"filters": {"year_from": None}}, ["filters"]),
        ({"boosts": [{"by": "genre", "weight": 1, "genre": "X"}]}, ["boosts", 0, "genre"]),
        ({"boosts": [{"by": "luck", "weight": 1}]}, ["boosts", 0]),
        ({"pins": [{"movie_id": 11, "position": 1}]}, ["pins", 0, "movie_id"]),
        ({"number": 5, "pins": [{"movie_id": 10, "position": 6}]}, []),
        ({"max_per_genre": 2}, []),
        ({"sources": []}, ["sources"]),
        ({"boost": []}, ["boost"]),
    ]
    for definition, place in refused:
        answer = client.put("/scenarios/home", json=definition)
        assert answer.status_code == 422, definition
        assert answer.json()["fields"][0]["location"] == ["body", *place]
    assert client.put("/scenarios/Home", json={}).status_code == 422
    assert client.get("/scenarios").json() == {"items": []}


def test_a_scenario_that_is_not_there_is_an_error_everywhere(client: TestClient) -> None:
    for answer in (
        client.get("/scenarios/home"),
        client.get("/scenarios/home/versions"),
        client.get("/recommendations/1?scenario=home"),
        client.post("/recommendations", json={"ratings": [], "scenario": "home"}),
        client.post("/recommendations/batch", json={"users": ["1"], "scenario": "home"}),
        client.post("/rank", json={"movies": [10], "user": "1", "scenario": "home"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "ScenarioNotFound")


def test_a_change_counts_in_the_next_list_of_the_same_worker_and_soon_in_others(
    client: TestClient, connect: Callable[[], TestClient]
) -> None:
    other = connect()
    put(client, {"filters": {"exclude": [20]}})
    address = "/recommendations/nobody?limit=100&scenario=home"
    assert 20 not in ids(client.get(address).json()["items"])
    put(client, {"filters": {"exclude": [30]}})
    listed = ids(client.get(address).json()["items"])
    assert (20 in listed, 30 in listed) == (True, False)
    other.app.state.services.find(ModelReloader).poll()  # type: ignore[attr-defined]
    assert ids(other.get(address).json()["items"]) == listed


def test_what_was_shown_in_a_scenario_is_not_listed_again_while_its_pages_stay(
    client: TestClient,
) -> None:
    put(client, {"not_again_days": 3})
    address = "/recommendations/6?limit=3&scenario=home"
    first = client.get(address).json()
    shown = [
        {
            "recommendation_id": first["recommendation_id"],
            "user": "6",
            "movie_id": id_,
            "kind": kind,
        }
        for id_, kind in zip(ids(first["items"]), ("shown", "clicked", "dismissed"), strict=True)
    ]
    assert client.post("/feedback", json={"feedback": shown}).status_code == 200
    second = client.get(f"{address}&cursor={first['next']}").json()
    assert ids(client.get(address).json()["items"]) == ids(second["items"])
    put(client, {"not_again_days": 3}, "mail")
    assert client.get(address.replace("home", "mail")).json()["items"] == first["items"]
    put(client, {})
    assert client.get(address).json()["items"] == first["items"]
