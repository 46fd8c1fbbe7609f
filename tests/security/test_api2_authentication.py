"""API2:2023 Broken authentication."""

import pytest
from fastapi.testclient import TestClient

from tests.security.routes import GUARDED, Route, bearer
from tests.security.test_api1_object_access import ids

WRONG: list[dict[bytes, bytes]] = [
    {},
    {b"Authorization": b""},
    {b"Authorization": b"Bearer"},
    {b"Authorization": b"Bearer admin"},
    {b"Authorization": b"Bearer admin."},
    {b"Authorization": b"Bearer .secret"},
    {b"Authorization": b"Bearer admin.secre"},
    {b"Authorization": b"Bearer admin.secret "*2},
    {b"Authorization": b"Bearer ADMIN.secret"},
    {b"Authorization": b"Bearer revoked.secret"},
    {b"Authorization": b"Bearer admin.\xff"},
    {b"Authorization": b"Basic YWRtaW46c2VjcmV0"},
    {b"Authorization": b"Bearer " + b"a" * 7000},
    {b"X-API-Key": b"admin.secret"},
    {b"Cookie": b"Authorization=Bearer admin.secret; __Host-recommender-admin=" + b"a" * 43},
    {b"Proxy-Authorization": b"Bearer admin.secret"},
]  # fmt: skip


@pytest.mark.parametrize("route", GUARDED, ids=ids)
def test_every_route_but_health_refuses_whatever_is_no_valid_key(
    guarded: TestClient, route: Route
) -> None:
    for headers in WRONG:
        response = guarded.request(route.method, route.address(), json=route.body, headers=headers)
        assert response.status_code == 401, headers
        assert response.json()["error"] == "Unauthorized"
        assert response.headers["www-authenticate"].startswith("Bearer ")


def test_a_key_in_the_address_is_no_key(guarded: TestClient) -> None:
    for query in ("access_token=admin.secret", "key=admin.secret", "token=admin.secret"):
        assert guarded.get(f"/movies?{query}").status_code == 401


def test_of_several_keys_the_first_counts(guarded: TestClient) -> None:
    """A proxy that adds a key of its own must remove the client's."""
    keys = [("Authorization", "Bearer wrong.secret"), ("Authorization", "Bearer admin.secret")]
    assert guarded.get("/movies", headers=keys).status_code == 401
    assert guarded.get("/movies", headers=keys[::-1]).status_code == 200


def test_a_refusal_names_no_key(guarded: TestClient) -> None:
    response = guarded.get("/movies", headers=bearer("revoked"))
    assert "revoked" not in response.text + str(response.headers)
