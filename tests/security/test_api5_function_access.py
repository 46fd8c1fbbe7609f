"""API5:2023 Broken function level authorization: each route needs its scope, and nothing less."""

import pytest
from fastapi.testclient import TestClient

from app.auth.scopes import Scope
from tests.app.admin import SAME_ORIGIN
from tests.security.routes import (
    API,
    GUARDED,
    OPERATORS_PAGES,
    Route,
    bearer,
    page_address,
)
from tests.security.test_api1_object_access import ids


def smaller(scope: Scope | None) -> list[str]:
    """Return the keys that a route of this scope refuses."""
    return [held for held in ("read", "write") if scope not in (None, held)]


@pytest.mark.parametrize("route", GUARDED, ids=ids)
def test_a_key_of_a_smaller_scope_is_refused_before_anything_is_read(
    guarded: TestClient, route: Route
) -> None:
    for held in smaller(route.scope):
        for content in (None, b"{", b"\xff", b"[" * 1000):
            headers = {**bearer(held), "Content-Type": "application/json"}
            response = guarded.request(
                route.method, route.address(), content=content, headers=headers
            )
            assert response.status_code == 403, held
            assert response.json()["error"] == "InsufficientScope"
            assert response.json()["scope"] == route.scope


@pytest.mark.parametrize("route", GUARDED, ids=ids)
def test_a_malformed_request_without_a_key_is_told_of_the_key_alone(
    guarded: TestClient, route: Route
) -> None:
    headers = {"Content-Type": "application/json"}
    response = guarded.request(route.method, route.address(), content=b"{", headers=headers)
    assert response.status_code == 401


@pytest.mark.parametrize("route", [r for r in API if r.method == "GET"], ids=ids)
def test_a_key_of_the_scope_and_an_admin_key_are_let_in(guarded: TestClient, route: Route) -> None:
    for held in {route.scope or Scope.READ, Scope.ADMIN}:
        response = guarded.get(route.address(), headers=bearer(held))
        assert response.status_code not in (401, 403, 500)


@pytest.mark.parametrize("route", [r for r in GUARDED if r.method == "GET"], ids=ids)
def test_head_needs_what_get_needs(guarded: TestClient, route: Route) -> None:
    assert guarded.head(route.address()).status_code == 401
    for held in smaller(route.scope):
        assert guarded.head(route.address(), headers=bearer(held)).status_code == 403


def test_options_tells_methods_to_everybody_and_does_nothing(guarded: TestClient) -> None:
    before = guarded.get("/users/1", headers=bearer("admin")).json()
    for route in API:
        response = guarded.options(route.address())
        assert (response.status_code, response.content) == (204, b"")
        assert route.method in response.headers["allow"]
    assert guarded.get("/users/1", headers=bearer("admin")).json() == before


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_the_method_is_that_of_the_request(guarded: TestClient, header: str) -> None:
    headers = {**bearer("read"), header: "DELETE"}
    assert guarded.get("/users/1/ratings", headers=headers).status_code == 200
    assert guarded.get("/users/1", headers=headers).status_code == 403
    headers = {**bearer("admin"), header: "DELETE"}
    assert guarded.get("/users/1", headers=headers).status_code == 200
    assert guarded.get("/users/1", headers=bearer("admin")).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["//users/1", "/users//1", "/users/1/", "/USERS/1", "/./users/1", "/movies/../users/1",
     "/movies/%2e%2e/users/1", "/users/1;x=1", "/users/1%2f", "/health/../users/1",
     "/health/%2e%2e/users/1", "/health/live/../../users/1", "/health/users/1"],
)  # fmt: skip
def test_another_spelling_of_a_path_opens_nothing(guarded: TestClient, path: str) -> None:
    for headers in ({}, bearer("read")):
        response = guarded.request("GET", f"http://127.0.0.1:8000{path}", headers=headers)
        assert response.status_code in (401, 403, 404), path


@pytest.mark.parametrize(("method", "path"), sorted(OPERATORS_PAGES))
def test_the_operators_pages_need_a_session_and_no_key_is_one(
    guarded: TestClient, method: str, path: str
) -> None:
    cookie = {"Cookie": f"__Host-recommender-admin={'a' * 43}"}
    for headers in ({}, bearer("read"), bearer("admin"), cookie, SAME_ORIGIN):
        guarded.cookies.clear()
        response = guarded.request(
            method, page_address(path), headers=headers, follow_redirects=False
        )
        if method == "GET" and not path.endswith("/events"):
            assert response.status_code == 303, headers
            assert response.headers["location"] == "/admin/sign-in"
        else:
            assert response.status_code in (303, 401, 403), headers
        assert "form_token" not in response.text
    guarded.cookies.clear()
