"""What PUT, GET and DELETE /users/{user}/ratings[/{movie}] refuse."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.ratings.schemas import RatingRequest


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"stars": None},
        {"liked": None},
        {"stars": 4, "liked": True},
        {"stars": 4, "liked": None},
        {"stars": 0.4},
        {"stars": 5.1},
        {"stars": 0},
        {"stars": -1},
        {"stars": "4"},
        {"stars": True},
        {"stars": [4]},
        {"stars": 10**400},
        {"liked": 1},
        {"liked": "yes"},
        {"liked": "true"},
        {"stars": 4, "comment": "good"},
        {"Stars": 4},
        {"stars": 4, "\ud800": 1},
        {"stars": 4, "x" * 100_000: 1},
        [],
        [{"stars": 4}],
        None,
        4,
        "stars",
    ],
)
def test_a_body_that_is_no_rating_is_refused(lone_client: TestClient, body: Any) -> None:
    response = lone_client.put(
        "/users/me/ratings/10",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 422
    answer = response.json()
    assert answer["error"] == "InvalidRequest"
    assert answer["fields"][0]["location"][0] == "body"
    assert len(response.content) < 2000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"stars=4",
        b'{"stars": NaN}',
        b'{"stars": Infinity}',
        b'{"stars": 1e999}',
        b'{"stars": 4}garbage',
        b"\x00",
        b"\xff\xfe\x00",
        b'{"stars": "\xff"}',
        b'{"\xed\xa0\x80": 4}',
        b"[" * 100_000,
        b'{"stars": ' + b"9" * 100_000 + b"}",
        b'{"a":' * 50_000,
    ],
)
def test_a_body_that_is_no_json_is_refused(lone_client: TestClient, content: bytes) -> None:
    response = lone_client.put(
        "/users/me/ratings/10", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422
    assert response.json()["error"] == "InvalidRequest"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_does_not_say_that_it_is_json_is_refused(
    lone_client: TestClient, content_type: str
) -> None:
    response = lone_client.put(
        "/users/me/ratings/10", content=b'{"stars": 4}', headers={"Content-Type": content_type}
    )
    assert response.status_code == 422


@pytest.mark.parametrize("movie", ["9" * 5000, "%00", "%FF", "%20", "search"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_movie_key_that_is_no_key_is_refused(
    lone_client: TestClient, method: str, movie: str
) -> None:
    body = {"stars": 4} if method == "PUT" else None
    response = lone_client.request(method, f"/users/me/ratings/{movie}", json=body)
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["path", "movie"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_key_that_is_no_key_is_refused(lone_client: TestClient, method: str) -> None:
    body = {"stars": 4} if method == "PUT" else None
    response = lone_client.request(method, "/users/a%00b/ratings/10", json=body)
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["path", "user"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"cursor": "!"}, {"page": 2}])
def test_a_wrong_parameter_of_the_list_is_refused(
    lone_client: TestClient, query: dict[str, Any]
) -> None:
    response = lone_client.get("/users/me/ratings", params=query)
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["query", *query]


@pytest.mark.parametrize(
    ("method", "path", "body", "location"),
    [
        ("PUT", "/users/me/ratings/10", {"stars": 5.5}, ["body", "stars"]),
        ("PUT", "/users/me/ratings/10", {"liked": 1}, ["body", "liked"]),
        ("GET", "/recommendations/1?seed=-1", None, ["query", "seed"]),
        ("GET", "/recommendations/1?year_from=x", None, ["query", "year_from"]),
        ("PATCH", "/movies/10", {"title": ""}, ["body", "title"]),
        (
            "POST",
            "/users/me/ratings",
            {"ratings": [{"movie_id": 10, "stars": "5"}]},
            ["body", "ratings", 0, "stars"],
        ),
    ],
)
def test_an_error_is_named_once_and_where_it_is(
    client: TestClient, method: str, path: str, body: Any, location: list[str | int]
) -> None:
    response = client.request(method, path, json=body)
    assert response.status_code == 422
    assert [field["location"] for field in response.json()["fields"]] == [location]


def test_of_many_errors_only_some_are_named(lone_client: TestClient) -> None:
    body = {str(number): 1 for number in range(90)}
    response = lone_client.put("/users/me/ratings/10", json=body)
    assert response.status_code == 422
    assert len(response.json()["fields"]) == 20
    assert response.json()["detail"].endswith(" (and 89 more)")
    assert len(response.content) < 5000


@pytest.mark.parametrize("path", ["/recommendations", "/features", "/users/me/ratings"])
def test_an_object_of_very_many_fields_is_one_error(lone_client: TestClient, path: str) -> None:
    response = lone_client.post(path, json={str(number): 1 for number in range(1000)})
    assert response.status_code == 422
    (field,) = response.json()["fields"]
    assert field["message"] == "an object has at most 100 fields"


def test_a_cursor_of_another_list_is_refused(client: TestClient) -> None:
    cursor = client.get("/users/6/ratings", params={"limit": 1}).json()["next"]
    assert client.get("/recommendations/6", params={"cursor": cursor}).status_code == 422
    cursor = client.get("/recommendations/6", params={"limit": 1}).json()["next"]
    assert client.get("/users/6/ratings", params={"cursor": cursor}).status_code == 422


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
)


@given(
    st.dictionaries(st.sampled_from(["stars", "liked", "rated_at"]) | st.text(max_size=3),
                    json_values, max_size=3)
)  # fmt: skip
def test_an_accepted_body_is_exactly_one_rating(body: dict[str, Any]) -> None:
    try:
        rating = RatingRequest.model_validate(body)
    except ValidationError:
        pass
    else:
        assert list(body) in (["stars"], ["liked"])
        assert (rating.stars is None) != (rating.liked is None)
        assert rating.stars is None or 0.5 <= rating.stars <= 5


@given(st.floats(0.5, 5))
def test_every_number_of_stars_in_the_range_is_accepted(stars: float) -> None:
    assert RatingRequest.model_validate({"stars": stars}).stars == stars
