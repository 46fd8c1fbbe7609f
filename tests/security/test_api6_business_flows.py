"""API6:2023 Unrestricted access to sensitive business flows.

What could be abused by doing it often: ratings that make a movie popular, trainings, guessing keys.
"""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from tests.app.conftest import ADDRESS
from tests.app.recorded_world import freeze_limits
from tests.security.routes import bearer

LIMIT = 30


@pytest.fixture
def limited(guarded_settings: Settings) -> Iterator[TestClient]:
    """The same service with small limits, all within one moment."""
    limits = {"key_rate_limit": LIMIT, "address_rate_limit": LIMIT}
    app = create_app(guarded_settings.model_copy(update=limits))
    with TestClient(app, base_url=ADDRESS) as client:
        freeze_limits(app)
        yield client


def n_answered(client: TestClient, method: str, path: str, **options: object) -> int:
    """Send requests until the limit is reached; return how many were let through."""
    for number in range(LIMIT + 1):
        response = client.request(method, path, **options)  # type: ignore[arg-type]
        if response.status_code == 429:
            assert int(response.headers["retry-after"]) >= 1
            return number
    raise AssertionError("no limit")


def test_writing_is_limited_by_key_and_many_ratings_cost_more_than_one(limited: TestClient) -> None:
    many = {"ratings": [{"movie_id": 11, "liked": True}] * 1000}  # an unknown movie
    options = {"json": many, "headers": bearer("write")}
    assert 1 <= n_answered(limited, "POST", "/users/1/ratings", **options) <= LIMIT // 5
    # Another key is not affected.
    assert limited.get("/movies", headers=bearer("read")).status_code == 200


def test_trainings_and_models_are_limited_like_everything_else(limited: TestClient) -> None:
    options = {"headers": bearer("admin")}
    assert n_answered(limited, "POST", "/models/prune", **options) == LIMIT
    assert limited.post("/training-runs", **options).status_code == 429  # type: ignore[arg-type]


def test_guessing_keys_is_limited_however_many_names_are_tried(limited: TestClient) -> None:
    let_through = 0
    for number in range(LIMIT + 5):
        headers = {"Authorization": f"Bearer key{number}.secret"}
        let_through += limited.get("/movies", headers=headers).status_code == 401
    assert let_through == LIMIT
