"""API1:2023 Broken object level authorization.

A key belongs to a back end that is trusted with all users, so there are no owners to check; what
keeps objects apart is the scope, and that a refusal does not tell what is there.
"""

import pytest
from fastapi.testclient import TestClient

from app.auth.scopes import Scope
from tests.security.routes import GUARDED, Route, bearer

OF_USERS = [route for route in GUARDED if "{user}" in route.path]


def ids(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", OF_USERS, ids=ids)
def test_a_refusal_does_not_tell_whether_a_user_exists(guarded: TestClient, route: Route) -> None:
    other = {Scope.READ: "write", Scope.WRITE: "read", Scope.ADMIN: "read"}
    assert route.scope is not None
    for headers in ({}, bearer(other[route.scope]), bearer("revoked")):
        told = [
            guarded.request(route.method, route.address(user), json=route.body, headers=headers)
            for user in ("1", "nobody")
        ]
        assert told[0].status_code in (401, 403)
        assert told[0].json() == told[1].json()
        assert told[0].headers["content-length"] == told[1].headers["content-length"]


def test_a_key_that_writes_cannot_read_what_it_wrote(guarded: TestClient) -> None:
    for path in ("/users/1/ratings", "/users/1/ratings/10", "/recommendations/1", "/users/1"):
        assert guarded.get(path, headers=bearer("write")).status_code == 403


def test_a_cached_response_is_not_confirmed_to_a_key_that_may_not_read(guarded: TestClient) -> None:
    etag = guarded.get("/recommendations/1", headers=bearer("read")).headers["etag"]
    asking = {"If-None-Match": etag}
    same = guarded.get("/recommendations/1", headers={**bearer("read"), **asking})
    assert same.status_code == 304
    for headers, status in (({}, 401), (bearer("write"), 403), (bearer("revoked"), 401)):
        refused = guarded.get("/recommendations/1", headers={**headers, **asking})
        assert refused.status_code == status
        assert "etag" not in refused.headers


@pytest.mark.parametrize(
    "name",
    ["%2e%2e", "..%2f..%2fetc%2fpasswd", ".publishing", "%00", "x%2fcard.json", "~root"],
)
def test_a_model_is_named_by_its_version_and_no_path_leads_out(
    guarded: TestClient, name: str
) -> None:
    for path in ("", "/archive", "/report"):
        response = guarded.get(f"/models/{name}{path}", headers=bearer("admin"))
        assert response.status_code in (404, 405, 422)
        assert response.json()["error"] in ("RouteNotFound", "InvalidRequest", "ModelNotFound")


@pytest.mark.parametrize("name", ["..%2f..%2fconfig.py", "%2e%2e", "base.html", "x%00.css"])
def test_no_path_leads_out_of_the_static_files(guarded: TestClient, name: str) -> None:
    for path in (f"/static/x/{name}", f"/docs/{name}"):
        assert guarded.get(path).status_code == 404
