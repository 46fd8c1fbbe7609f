"""Rate limits: token buckets, the client that a request counts for, and response headers."""

import json
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.auth import rate_limiter
from app.auth.addresses import client_address
from app.auth.rate_limiter import Limiter, cost
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.main import create_app
from tests.app.world import World

JSON = {"Content-Type": "application/json"}
PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_client_may_use_its_minute_at_once_and_then_goes_on_at_its_rate() -> None:
    clock = Clock()
    limiter = Limiter(60, clock)
    first = [limiter.take("a") for _ in range(60)]
    assert [taken.remaining for taken in first if taken] == list(range(59, -1, -1))
    assert all(taken and not taken.retry_s for taken in first)
    refused = limiter.take("a")
    assert refused is not None
    assert (refused.remaining, refused.retry_s, refused.reset_s) == (0, 1, 60)
    clock.now += 1
    taken, refused = limiter.take("a"), limiter.take("a")
    assert taken is not None
    assert refused is not None
    assert (taken.retry_s, refused.retry_s) == (0, 1)
    other = limiter.take("b")
    assert other is not None
    assert other.remaining == 59
    clock.now += 1000
    rested = limiter.take("a")
    assert rested is not None
    assert rested.remaining == 59


def test_a_refused_request_costs_nothing() -> None:
    clock = Clock()
    limiter = Limiter(1, clock)
    limiter.take("a")
    for _ in range(5):
        clock.now += 10
        assert limiter.take("a").retry_s  # type: ignore[union-attr]
    clock.now += 10.1
    assert not limiter.take("a").retry_s  # type: ignore[union-attr]


def test_nothing_is_limited_by_a_limit_of_zero() -> None:
    assert Limiter(0).take("a") is None


@pytest.mark.parametrize(
    ("path", "length", "expected"),
    [
        ("/movies/1", 0, 1),
        ("/users/1/ratings/1", 15, 1),
        ("/features", 175_000, 43),
        ("/recommendations/batch", 700, 44),
        ("/users/1/ratings", None, 257),
        ("/models/import", 2 * 1024**3, 257),
    ],
)
def test_a_long_body_costs_more_and_one_of_unknown_length_the_most(
    path: str, length: int | None, expected: int
) -> None:
    assert cost(path, length) == expected


def test_a_request_is_allowed_when_its_whole_cost_is_there() -> None:
    clock = Clock()
    limiter = Limiter(60, clock)
    assert limiter.take("a", 50) == (60, 10, 50, 0)
    assert limiter.take("a", 15) == (60, 10, 50, 5)
    assert limiter.take("a", 10) == (60, 0, 60, 0)
    clock.now += 5
    assert limiter.take("a", 5) == (60, 0, 60, 0)


def test_a_request_that_costs_more_than_the_limit_needs_the_whole_of_it() -> None:
    clock = Clock()
    limiter = Limiter(6, clock)
    assert limiter.take("a", 1000) == (6, 0, 60, 0)
    clock.now += 59
    assert limiter.take("a", 1000) == (6, 5, 1, 1)
    clock.now += 1
    assert limiter.take("a", 1000) == (6, 0, 60, 0)


def test_the_memory_for_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limiter, "MAX_BUCKETS", 100)
    limiter = Limiter(10, Clock())
    for client in range(1000):
        limiter.take(str(client))
        limiter.take("steady")
    assert len(limiter._buckets) <= 100  # noqa: SLF001
    assert limiter.take("steady").retry_s  # type: ignore[union-attr]


def address(peer: str | None, *forwarded: str) -> str:
    scope: dict[str, Any] = {
        "client": (peer, 1234) if peer else None,
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }
    return client_address(scope, PROXIES)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense, 10.0.0.3"], "10.0.0.3"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (None, ["198.51.100.1"], "unknown"),
        ("testclient", [], "unknown"),
    ],
)
def test_a_request_counts_for_the_last_address_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    assert address(peer, *forwarded) == expected


def with_limits(settings: Settings, **limits: Any) -> Settings:
    return settings.model_copy(update={"key_rate_limit": 5, "address_rate_limit": 3, **limits})


def test_every_response_has_the_remaining_limit_and_a_refusal_the_time_to_wait(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    keys = [create_key(world.database, [Scope.READ], "") for _ in range(2)]
    client = connect_to(with_limits(world.settings))
    headers = {"Authorization": f"Bearer {keys[0].text}"}
    remaining = []
    for path in ("/movies/10", "/movies/11", "/nothing", "/recommendations/1", "/movies?limit=0"):
        response = client.get(path, headers=headers)
        assert response.headers["RateLimit-Limit"] == "5"
        remaining.append(int(response.headers["RateLimit-Remaining"]))
        assert 0 < int(response.headers["RateLimit-Reset"]) <= 60
        assert "Retry-After" not in response.headers
    assert remaining == [4, 3, 2, 1, 0]
    refused = client.get("/movies/10", headers=headers)
    assert refused.status_code == 429
    assert refused.json()["error"] == "TooManyRequests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 13
    assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/health/live", headers=headers).status_code == 200
    other = {"Authorization": f"Bearer {keys[1].text}"}
    assert client.get("/movies/10", headers=other).status_code == 200


def test_a_long_body_uses_up_the_limit_before_it_is_read(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    key = create_key(world.database, [Scope.READ], "").text
    settings = world.settings.model_copy(update={"key_rate_limit": 50})
    client = connect_to(settings)
    headers = {"Authorization": f"Bearer {key}"}
    ratings = [{"movie_id": 10, "liked": True}]
    body = json.dumps({"ratings": ratings}).ljust(41 * 4096)
    first = client.post("/features", content=body, headers={**headers, **JSON})
    assert first.status_code == 200
    assert first.headers["RateLimit-Remaining"] == "8"
    second = client.post("/features", content=body, headers={**headers, **JSON})
    assert second.status_code == 429
    assert second.headers["RateLimit-Remaining"] == "8"
    assert 35 <= int(second.headers["Retry-After"]) <= 41
    assert client.get("/movies/10", headers=headers).status_code == 200
    chunks = client.post("/features", content=iter([b"{", b"}"]), headers={**headers, **JSON})
    assert chunks.status_code == 429


def test_guessing_keys_is_limited_by_address(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    create_key(world.database, [Scope.READ], "")
    client = connect_to(with_limits(world.settings))
    guesses = [
        client.get("/movies/10", headers={"Authorization": f"Bearer {n}.guess"}).status_code
        for n in range(5)
    ]
    assert guesses == [401, 401, 401, 429, 429]


def test_an_open_loopback_service_counts_only_behind_proxies(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    alone = connect_to(with_limits(world.settings))
    assert {alone.get("/movies/10").status_code for _ in range(10)} == {200}
    assert "RateLimit-Limit" not in alone.get("/movies/10").headers
    proxied = connect_to(with_limits(world.settings, trusted_proxies=PROXIES, insecure=True))
    assert [proxied.get("/movies/10").status_code for _ in range(4)] == [200, 200, 200, 429]


# Origins of other pages


def test_pages_of_a_named_origin_may_call_and_others_may_not(lone_settings: Settings) -> None:
    settings = lone_settings.model_copy(update={"cors_origins": ("https://films.example",)})
    asking = {"Access-Control-Request-Method": "PUT", "Origin": "https://films.example"}
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        preflight = client.options("/users/1/ratings/1", headers=asking)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == "https://films.example"
        assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
        answer = client.get("/movies/1", headers={"Origin": "https://films.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://films.example"
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        other = client.get("/movies/1", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
