"""Requests that pages of other sites make a browser send to a service without keys."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.auth.keys import KeyRing
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from tests.app.conftest import ADDRESS
from tests.app.world import World

RATING = "/users/somebody/ratings/10"
HOST = ADDRESS.removeprefix("http://")
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]
OWN = [{}, {"Sec-Fetch-Site": "same-origin", "Origin": ADDRESS}, {"Origin": ADDRESS}]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", RATING),
        ("DELETE", "/users/1"),
        ("POST", "/models/rollback"),
        ("POST", "/models/import?activate=true"),
        ("POST", "/training-runs"),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    client: TestClient, world: World, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, json={"liked": True}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"] == "ForeignOrigin"
    assert client.get(RATING).status_code == 404
    rated = client.get("/users/1/ratings", params={"limit": 100}).json()["items"]
    assert len(rated) == len(world.ratings["1"])


@pytest.mark.parametrize("headers", OWN)
def test_own_pages_and_programs_are_served(client: TestClient, headers: dict[str, str]) -> None:
    headers = {**headers, "Host": HOST}
    assert client.put(RATING, json={"liked": True}, headers=headers).status_code == 201


def test_reading_is_refused_by_the_browser_itself(client: TestClient) -> None:
    answer = client.get("/recommendations/1", headers=FOREIGN[0])
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origins", ["https://films.example", "*"])
def test_a_page_of_an_origin_that_is_allowed_may(
    settings: Settings,
    world: World,  # noqa: ARG001 - the movies to rate
    connect_to: Callable[[Settings], TestClient],
    origins: str,
) -> None:
    allowed = settings.model_copy(update={"cors_origins": (origins,)})
    headers = {"Origin": "https://films.example", "Sec-Fetch-Site": "cross-site"}
    answer = connect_to(allowed).put(RATING, json={"liked": True}, headers=headers)
    assert answer.status_code == 201


def test_with_a_key_the_origin_does_not_matter(client: TestClient, world: World) -> None:
    key = create_key(world.database, [Scope.WRITE], "")
    client.app.state.services.find(KeyRing).refresh()  # type: ignore[attr-defined]
    headers = {**FOREIGN[0], "Authorization": f"Bearer {key.text}"}
    assert client.put(RATING, json={"liked": True}, headers=headers).status_code == 201
