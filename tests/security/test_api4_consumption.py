"""API4:2023 Unrestricted resource consumption: everything that a client sends has a bound."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import MAX_EVENTS_BODY
from tests.security.routes import API, GUARDED, Route, bearer, document, operations
from tests.security.test_api1_object_access import ids

WITH_BODY = [route for route in API if route.body is not None]
DEEP = b'{"ratings":' + b"[" * 100_000
WIDE = b'{"ratings":[' + b",".join([b'{"movie_id":1,"liked":true}'] * 30_000) + b"]}"


def unbounded(schema: dict[str, Any], where: str) -> list[str]:
    """Return what in a schema has no upper bound."""
    parts = schema.get("anyOf") or schema.get("allOf") or schema.get("oneOf")
    if parts:
        return [found for part in parts for found in unbounded(part, where)]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return unbounded(document()["components"]["schemas"][name], name)
    kind = schema.get("type")
    bounds = {
        "string": {"maxLength", "enum", "const", "pattern"},
        "array": {"maxItems"},
        "integer": {"maximum", "exclusiveMaximum"},
        "number": {"maximum", "exclusiveMaximum"},
    }
    found = []
    is_bounded = schema.get("format") in {"binary", "date-time"}  # the latter by its parser
    if not is_bounded and kind in bounds and not bounds[kind] & schema.keys():
        found.append(f"{where}: {kind}")
    if kind == "array":
        found += unbounded(schema["items"], f"{where}[]")
    for name, part in schema.get("properties", {}).items():
        found += unbounded(part, f"{where}.{name}")
    return found


# A filter that no movie passes costs as much as any other; the largest setting of a training is
# checked against the memory of the machine.
ANY_NUMBER = {"min_ratings"}


def test_every_parameter_and_every_part_of_a_body_has_an_upper_bound() -> None:
    found = []
    for method, path, operation in operations():
        for part in operation.get("parameters", ()):
            if part["name"] not in ANY_NUMBER:
                found += unbounded(part["schema"], f"{method} {path} {part['name']}")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found += unbounded(content["schema"], f"{method} {path}")
    assert [
        place for place in found if not place.partition(":")[0].endswith(tuple(ANY_NUMBER))
    ] == []


@pytest.mark.parametrize("route", WITH_BODY, ids=ids)
def test_a_body_that_is_too_long_too_deep_or_too_wide_is_refused(
    guarded: TestClient, route: Route
) -> None:
    headers = {**bearer("admin"), "Content-Type": "application/json"}
    for content, statuses in ((b" " * (MAX_EVENTS_BODY + 1), {413}), (DEEP, {422}), (WIDE, {422})):
        response = guarded.request(route.method, route.address(), content=content, headers=headers)
        assert response.status_code in statuses, (route, response.text[:200])
        assert len(response.content) < 10_000


def test_no_page_of_a_list_is_longer_than_its_limit(guarded: TestClient) -> None:
    for method, path, operation in operations():
        limits = [part for part in operation.get("parameters", ()) if part["name"] == "limit"]
        for part in limits:
            assert part["schema"]["maximum"] <= 1000, (method, path)
    for path in ("/movies", "/recommendations/1", "/users/1/ratings", "/users", "/training-runs"):
        assert len(guarded.get(f"{path}?limit=2", headers=bearer("admin")).json()["items"]) == 2


def test_a_filter_of_every_movie_costs_no_more_than_its_length_allows(guarded: TestClient) -> None:
    query = "&".join(f"exclude={number}" for number in range(1, 1002))
    assert guarded.get(f"/recommendations/1?{query}", headers=bearer("read")).status_code == 422
    many = "&".join(f"genre={number}" for number in range(21))
    assert guarded.get(f"/recommendations/1?{many}", headers=bearer("read")).status_code == 422


def test_health_alone_is_not_limited() -> None:
    """By tests/app/test_rate_limiter.py every other response tells what is left of the limit."""
    assert {route.path for route in API} - {route.path for route in GUARDED} == {
        "/health/live",
        "/health/ready",
    }
