"""Attributes of movies: stored, shown, and filters of every list."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.live.attributes import AttributeFilter, AttributeIndex

MOVIES: list[dict[str, Any]] = [
    {"studio": "Ghibli", "price": 10, "tags": ["Flying", "pigs"]},
    {"studio": "ghibli", "price": 20.5},
    {"studio": "Pixar", "price": -3, "code": "10..20"},
    {"studio": 10},
    {},
]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("studio:Ghibli", [0, 1]),
        ("studio:GHIBLI", [0, 1]),
        ("studio:Ghib", []),
        ("tags:flying", [0]),
        ("tags:Flying pigs", []),
        ("price:10", [0]),
        ("price:10.0", [0]),
        ("price:10..20.5", [0, 1]),
        ("price:10..", [0, 1]),
        ("price:..10", [0, 2]),
        ("price:-5..-1", [2]),
        ("code:10..20", [2]),
        ("studio:10", [3]),
        ("studio:..", None),
        ("price:20..10", None),
        ("studio", None),
        ("studio:", None),
        (":Ghibli", None),
    ],
)
def test_a_filter_is_a_text_a_tag_or_a_range(written: str, found: list[int] | None) -> None:
    if found is None:
        with pytest.raises(ValueError, match="is no filter"):
            AttributeFilter.parse(written)
        return
    mask = AttributeIndex(MOVIES).mask(AttributeFilter.parse(written))
    assert mask is not None
    assert mask.nonzero()[0].tolist() == found


def test_an_attribute_that_no_movie_has_is_told_from_a_value_that_none_has() -> None:
    assert AttributeIndex(MOVIES).mask(AttributeFilter.parse("prise:10")) is None
    assert AttributeIndex([]).mask(AttributeFilter.parse("price:10")) is None


def ids(response: Any) -> list[Any]:
    assert response.status_code == 200, response.text
    return [item["movie_id"] for item in response.json()["items"]]


def test_every_list_has_the_filter(client: TestClient) -> None:
    for movie, price in ((10, 5), (20, 15), (30, 25)):
        changes = {"attributes": {"price": price, "tags": ["Old"]}}
        assert (
            client.patch(f"/movies/{movie}", json=changes).json()["attributes"]
            == changes["attributes"]
        )
    cheap = ["price:..20", "tags:old"]
    assert sorted(ids(client.get("/movies", params={"attribute": cheap}))) == [10, 20]
    for user in ("newcomer", "avant-garde"):
        found = client.get(f"/recommendations/{user}", params={"attribute": cheap})
        assert sorted(ids(found)) == [10, 20]
    body: dict[str, Any] = {"ratings": [{"movie_id": 40, "liked": True}], "attribute": cheap}
    assert sorted(ids(client.post("/recommendations", json=body))) == [10, 20]
    batch = client.post("/recommendations/batch", json={"users": ["newcomer"], "attribute": cheap})
    assert sorted(movie["movie_id"] for movie in batch.json()["items"][0]["items"]) == [10, 20]
    for movie in (50, 400):
        found = client.get(f"/movies/{movie}/similar", params={"attribute": cheap})
        assert sorted(ids(found)) == [10, 20]
    for where, response in {
        "query": client.get("/movies", params={"attribute": "prise:10"}),
        "body": client.post("/recommendations", json={**body, "attribute": ["prise:10"]}),
    }.items():
        assert response.status_code == 422
        (field,) = response.json()["fields"]
        assert field["location"] == [where, "attribute"]
        assert field["message"] == "no movie has an attribute 'prise'"
    malformed = client.get("/recommendations/1", params={"attribute": ["tags:old", "price:"]})
    (field,) = malformed.json()["fields"]
    assert field["location"] == ["query", "attribute", 1]
    assert field["message"].startswith("'price:' is no filter")


def test_a_filter_is_part_of_the_list_that_a_cursor_belongs_to(client: TestClient) -> None:
    for movie in (10, 20, 30):
        client.patch(f"/movies/{movie}", json={"attributes": {"price": movie}})
    for path in ("/movies", "/recommendations/newcomer"):
        asked: dict[str, Any] = {"attribute": ["price:10..", "price:..30"], "limit": 2}
        cursor = client.get(path, params=asked).json()["next"]
        again = {**asked, "cursor": cursor, "attribute": asked["attribute"][::-1]}
        assert len(ids(client.get(path, params=again))) == 1
        other = client.get(path, params={"limit": 2, "cursor": cursor, "attribute": "price:10.."})
        assert other.status_code == 422


def test_attributes_are_replaced_and_removed_as_a_whole(client: TestClient) -> None:
    body = {"title": "T", "attributes": {"price": 9.99, "n": 3, "studio": "Ghibli", "tags": ["a"]}}
    assert client.put("/movies/sku-1", json=body).json()["attributes"] == body["attributes"]
    assert client.get("/movies/sku-1").json()["attributes"] == body["attributes"]
    assert client.get("/movies/10").json()["attributes"] == {}
    for changes, left in (
        ({"year": 2000}, body["attributes"]),
        ({"attributes": {"n": 1}}, {"n": 1}),
    ):
        assert client.patch("/movies/sku-1", json=changes).json()["attributes"] == left
    assert client.put("/movies/sku-1", json={"title": "T"}).json()["attributes"] == {}
    refused = client.patch("/movies/sku-1", json={"attributes": {"price": None}})
    (field,) = refused.json()["fields"]
    assert field["location"] == ["body", "attributes"]
    assert field["message"] == "'price' is no text, number or list of texts"
    assert client.patch("/movies/sku-1", json={"attributes": None}).status_code == 422
