"""API3:2023 Broken object property level authorization: nothing more comes in or goes out."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from tests.security.routes import API, Route, bearer, document, operations
from tests.security.test_api1_object_access import ids

WITH_BODY = [route for route in API if route.body is not None]
# What the service alone sets, and names that frameworks are known to take.
OWNED = [
    "id", "user_id", "ratings_revision", "imported_from", "rated_at", "from_release", "score",
    "state", "sha256", "generation", "scopes", "is_admin", "__proto__", "model_config",
]  # fmt: skip


def bodies(value: Any, unknown: str) -> list[Any]:
    """Return a body with one more field in each of its objects in turn."""
    if isinstance(value, list):
        return [[changed, *value[1:]] for changed in bodies(value[0], unknown)] if value else []
    if not isinstance(value, dict):
        return []
    found: list[Any] = [{**value, unknown: 1}]
    for name, part in value.items():
        found += [{**value, name: changed} for changed in bodies(part, unknown)]
    return found


@pytest.mark.parametrize("route", WITH_BODY, ids=ids)
def test_a_body_with_any_other_field_is_refused(guarded: TestClient, route: Route) -> None:
    for unknown in OWNED:
        for body in bodies(route.body, unknown):
            response = guarded.request(
                route.method, route.address(), json=body, headers=bearer("admin")
            )
            assert response.status_code == 422, body
            refused = [field["location"][-1] for field in response.json()["fields"]]
            assert unknown in refused


def test_every_object_of_a_request_is_closed() -> None:
    schemas = document()["components"]["schemas"]
    open_ = []

    def walk(schema: Any) -> None:
        if isinstance(schema, list):
            for part in schema:
                walk(part)
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            walk(schemas[schema["$ref"].rpartition("/")[2]])
        if "properties" in schema and schema.get("additionalProperties") is not False:
            open_.append(schema["title"])
        for part in (
            *schema.get("properties", {}).values(),
            schema.get("items"),
            schema.get("anyOf"),
        ):
            walk(part)

    for _, _, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            walk(content["schema"])
    assert open_ == []


def test_unknown_parameters_of_the_address_are_refused(guarded: TestClient) -> None:
    taken = {(method, path) for method, path, operation in operations() if any(
        part["in"] == "query" for part in operation.get("parameters", ())
    )}  # fmt: skip
    assert len(taken) > 8
    for route in API:
        if (route.method, route.path) in taken and route.method == "GET":
            path = f"{route.address()}?{'q=a&' if route.path == '/movies/search' else ''}is_admin=1"
            response = guarded.get(path, headers=bearer("admin"))
            assert response.status_code == 422, path
            assert response.json()["fields"][0]["location"] == ["query", "is_admin"]


def test_no_response_holds_a_secret_or_a_place_of_this_machine(
    guarded: TestClient, guarded_settings: Settings
) -> None:
    import hashlib  # noqa: PLC0415

    hidden = [
        "admin.secret", hashlib.sha256(b"secret").hexdigest(), str(guarded_settings.models_dir),
        guarded_settings.database_url, "sqlite",
    ]  # fmt: skip
    for route in API:
        if route.method == "GET":
            response = guarded.get(route.address(), headers=bearer("admin"))
            assert response.status_code in (200, 404, 422), route
            text = response.content.decode("utf-8", "replace") + json.dumps(dict(response.headers))
            for secret in hidden:
                assert secret not in text, (route, secret)
