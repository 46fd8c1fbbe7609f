"""API keys: which requests need one, what each allows, and how soon a change counts."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.auth import keys as access_keys
from app.auth.keys import KeyRing, NewKey, Principal
from app.auth.scopes import Scope
from app.auth.service import UnsafeBindError, check_bind, create_key, list_keys, revoke_key
from app.config import Settings
from app.db.engine import Database
from app.db.tables import api_keys
from tests.app.command_line import Run, runner
from tests.app.world import World

Request = tuple[str, str, dict[str, Any] | None]
REQUESTS: dict[Scope, list[Request]] = {
    Scope.READ: [
        ("GET", "/recommendations/1", None),
        ("GET", "/movies", None),
        ("GET", "/movies/10", None),
        ("GET", "/movies/search?q=film", None),
        ("GET", "/users/1/ratings", None),
        ("GET", "/metrics", None),
    ],
    Scope.WRITE: [
        ("PUT", "/users/new/ratings/10", {"liked": True}),
        ("POST", "/users/new/ratings", {"ratings": [{"movie_id": 10, "liked": True}]}),
        ("DELETE", "/users/new/ratings/10", None),
    ],
    Scope.ADMIN: [
        ("GET", "/users/1", None),
        ("DELETE", "/users/2", None),
        ("POST", "/movies", {"title": "New"}),
        ("PUT", "/movies/10", {"title": "New"}),
        ("PATCH", "/movies/10", {"year": 1999}),
    ],
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_keys, "POLL_S", 0.05)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without the page for people; test_web_access.py has what that opens."""
    return settings.model_copy(update={"public_page": False})


def bearer(key: NewKey | str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.text if isinstance(key, NewKey) else key}"}


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_key_is_256_random_bits_of_which_only_the_hash_is_stored(database: Database) -> None:
    key = create_key(database, [Scope.READ], "shop")
    prefix, secret = key.text.split(".")
    assert len(secret) == 43  # 32 bytes in base64
    with database.read() as connection:
        (row,) = connection.execute(select(api_keys)).all()
    assert (row.prefix, row.scopes, row.name) == (prefix, ["read"], "shop")
    assert row.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(row)
    assert len({NewKey.draw().secret for _ in range(100)}) == 100


@pytest.mark.parametrize("held", list(Scope))
def test_a_key_may_do_what_its_scope_allows_and_nothing_else(
    world: World, connect: Callable[[], TestClient], held: Scope
) -> None:
    key = create_key(world.database, [held], "")
    client = connect()
    for needed, requests in REQUESTS.items():
        for method, path, body in requests:
            response = client.request(method, path, json=body, headers=bearer(key))
            if held in (needed, Scope.ADMIN):
                assert response.status_code < 300, (method, path, response.text)
                continue
            assert response.status_code == 403, (method, path)
            assert response.json()["error"] == "InsufficientScope"
            assert response.json()["scope"] == needed.value


def test_without_a_valid_key_nothing_but_health_and_documentation_is_answered(
    world: World, connect: Callable[[], TestClient]
) -> None:
    key = create_key(world.database, [Scope.ADMIN], "")
    client = connect()
    wrong: list[dict[str, str]] = [
        {}, bearer("nonsense"), bearer(key.prefix), bearer(key.prefix + "."), bearer(""),
        bearer(key.text + "x"), bearer("x" + key.text), {"Authorization": "Basic YTpi"},
        {"Authorization": key.secret}, bearer(f"{key.prefix}.\xff"),
    ]  # fmt: skip
    for headers in wrong:
        encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
        for method, path, body in [*REQUESTS[Scope.READ], *REQUESTS[Scope.ADMIN]]:
            response = client.request(method, path, json=body, headers=encoded)
            assert response.status_code == 401
            assert response.json()["error"] == "Unauthorized"
            assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        assert client.get("/health/ready", headers=encoded).status_code == 200
    assert client.get("/docs").status_code == 200


def test_every_documented_route_but_health_says_that_it_needs_a_key(
    lone_client: TestClient,
) -> None:
    document: dict[str, Any] = lone_client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    for path, item in document["paths"].items():
        for operation in item.values():
            assert bool(operation.get("security")) != path.startswith("/health/"), path


def test_a_response_cached_for_one_key_is_not_sent_for_a_key_that_may_not_read(
    world: World, connect: Callable[[], TestClient]
) -> None:
    reader = create_key(world.database, [Scope.READ], "")
    writer = create_key(world.database, [Scope.WRITE], "")
    client = connect()
    for _ in range(2):
        assert client.get("/recommendations/1", headers=bearer(reader)).status_code == 200
    assert client.get("/recommendations/1", headers=bearer(writer)).status_code == 403
    assert client.get("/recommendations/1").status_code == 401


def test_the_first_key_closes_a_running_service_and_revoking_the_last_opens_nothing(
    client: TestClient, world: World
) -> None:
    assert client.get("/movies/10").status_code == 200
    key = create_key(world.database, [Scope.READ], "")
    eventually(lambda: client.get("/movies/10").status_code == 401)
    assert client.get("/movies/10", headers=bearer(key)).status_code == 200
    revoke_key(world.database, key.prefix)
    eventually(lambda: client.get("/movies/10", headers=bearer(key)).status_code == 401)
    assert client.get("/movies/10").status_code == 401
    (listed,) = list_keys(world.database)
    assert listed["revoked_at"] is not None


def test_a_change_counts_at_once_in_a_process_that_looks(database: Database) -> None:
    ring = KeyRing(database, may_be_open=True)
    ring.refresh()
    was_open = [ring.is_open]
    key = create_key(database, [Scope.READ, Scope.WRITE], "")
    ring.refresh()
    was_open.append(ring.is_open)
    assert ring.find(key.text) == Principal(key.prefix, frozenset({Scope.READ, Scope.WRITE}))
    revoke_key(database, key.text)
    ring.refresh()
    was_open.append(ring.is_open)
    assert ring.find(key.text) is None
    assert was_open == [True, False, False]


def test_keys_stay_valid_while_the_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key(database, [Scope.READ], "")
    ring = KeyRing(database, may_be_open=True)
    ring.start()
    try:
        monkeypatch.setattr(database, "read", None)
        time.sleep(0.2)
        assert ring.find(key.text) is not None
    finally:
        ring.stop()


@pytest.mark.parametrize("insecure", [False, True])
def test_a_service_on_a_network_without_a_key_answers_no_client_unless_told_so(
    world: World, connect_to: Callable[[Settings], TestClient], insecure: bool
) -> None:
    changes = {"host": "0.0.0.0", "insecure": insecure}  # noqa: S104
    client = connect_to(world.settings.model_copy(update=changes))
    assert client.get("/movies/10").status_code == (200 if insecure else 401)


@pytest.mark.parametrize("host", ["::", "10.0.0.1", "films.example", "localhost.example"])
def test_a_network_is_served_only_with_a_key_or_when_told_so(database: Database, host: str) -> None:
    with pytest.raises(UnsafeBindError, match="recommender keys create"):
        check_bind(Settings(host=host), database)
    check_bind(Settings(host=host, insecure=True), database)
    check_bind(Settings(), database)
    create_key(database, [Scope.READ], "")
    check_bind(Settings(host=host), database)


@pytest.mark.parametrize(
    "changes",
    [{"trusted_proxies": ("127.0.0.1",)}, {"allowed_hosts": ("films.example",)}],
)
def test_a_loopback_address_behind_a_proxy_is_a_network(
    database: Database,
    world: World,
    connect_to: Callable[[Settings], TestClient],
    changes: dict[str, tuple[str, ...]],
) -> None:
    with pytest.raises(UnsafeBindError, match=r"on 127\.0\.0\.1 behind a proxy"):
        check_bind(Settings.model_validate(changes), database)
    client = connect_to(world.settings.model_copy(update=changes))
    assert client.get("/users/1/ratings").status_code == 401
    assert client.get("/admin/keys", follow_redirects=False).status_code == 303


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


def test_keys_are_made_listed_and_revoked_by_the_command(run: Run) -> None:
    made = run("keys", "create", "--scope", "read", "--scope", "write", "--name", "shop")
    assert made.code == 0, made.err
    prefix, _, secret = made.out.strip().partition(".")
    assert secret
    listed = run("keys", "list", "--json").out
    assert secret not in listed
    (key,) = json.loads(listed)
    assert (key["prefix"], key["name"], key["scopes"]) == (prefix, "shop", ["read", "write"])
    assert run("keys", "revoke", prefix).code == 0
    assert prefix in run("keys", "list").out
    again = run("keys", "revoke", prefix)
    assert again.code == 2
    assert f"no valid key {prefix}" in again.err


def test_the_command_refuses_to_serve_a_network_without_a_key(run: Run) -> None:
    assert run("db", "upgrade").code == 0
    refused = run("serve", RECOMMENDER_HOST="0.0.0.0")  # noqa: S104
    assert refused.code == 2
    assert "refusing to serve on 0.0.0.0" in refused.err
    assert refused.err.count("\n") == 1
