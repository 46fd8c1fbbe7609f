"""Cursors, bodies, paths and settings: what a client or an operator can send."""

import base64
import json
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given

from app.cli.session import SettingError, read_settings
from app.config import PREFIX, Settings
from app.core.errors import InvalidRequestError
from app.db.engine import Database
from app.http.cursors import Cursor, decode
from app.main import create_app
from app.movies.schemas import MoviesCursor
from app.ratings.schemas import RatingsCursor
from app.recommendations.schemas import RecommendationsCursor
from tests.app.world import MOVIE_IDS, add_movies, add_ratings, draw_ratings, make_rbm, publish
from tests.fuzz.bounds import SEEDS, bounded, cases, fuzz
from tests.fuzz.mutations import mutated
from tests.migrated import migrate

pytestmark = pytest.mark.slow

CURSORS: list[Cursor] = [
    RatingsCursor(after=7),
    MoviesCursor(request="a" * 18, state="b" * 18, position=20),
    RecommendationsCursor(
        request="a" * 18, model="20261120T101500Z-3f2a", revision=7, state="b" * 18, position=20
    ),
]
RATINGS: list[Any] = [{"movie_id": 10, "liked": True}, {"movie_id": 20, "stars": 2.5}]
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/users/1/ratings/10"): {"stars": 4.5},
    ("POST", "/users/1/ratings"): {"ratings": RATINGS},
    ("POST", "/recommendations"): {"ratings": RATINGS, "genre": ["Drama"], "limit": 5},
    ("POST", "/recommendations/batch"): {"users": ["1", "2"], "limit": 3, "explain": 0},
    ("POST", "/features"): {"ratings": RATINGS},
    ("PUT", "/movies/1000"): {"title": "Amélie", "year": 2001, "genres": ["Drama"], "imdb_id": 7},
    ("PATCH", "/movies/10"): {"title": "Fight Club", "tmdb_id": None},
    ("PUT", "/models/active"): {"version": "20261120T101500Z-3f2a", "anyway": True},
    ("POST", "/models/prune"): {"keep": 5},
}
ENCODED = {place: json.dumps(body).encode() for place, body in BODIES.items()}
SETTINGS = {
    "database_url": b"postgresql://user:secret@host/name", "like_threshold": b"4.0",
    "recency_weight": b"0.5", "key_rate_limit": b"600", "host": b"127.0.0.1", "port": b"8000",
    "allowed_hosts": b"example.org,example.com", "trusted_proxies": b"10.0.0.0/8,127.0.0.1",
    "cors_origins": b"https://example.org", "log_level": b"INFO", "workers": b"2",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("service")
    url = f"sqlite:///{folder / 'own.db'}"
    migrate(url)
    database = Database(url)
    add_movies(database, MOVIE_IDS)
    add_ratings(database, draw_ratings())
    publish(database, folder / "models", "20261120T101500Z-3f2a", make_rbm(seed=1))
    database.dispose()
    settings = Settings(
        database_url=url, models_dir=folder / "models", key_rate_limit=0, address_rate_limit=0
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
        yield client


@fuzz(9_000)
@given(seed=SEEDS)
def test_cursors(seed: int) -> None:
    for rng in cases(seed):
        cursor, kind = rng.choice(CURSORS), type(rng.choice(CURSORS))
        content = mutated(rng, cursor.model_dump_json().encode())
        encoded = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
        damaged = mutated(rng, cursor.encode().encode()).decode("latin-1")
        with bounded(InvalidRequestError):
            decode(kind, rng.choice([encoded, damaged]))


@fuzz(2_500)
@given(seed=SEEDS)
def test_bodies(seed: int, client: TestClient) -> None:
    for rng in cases(seed):
        method, path = rng.choice(list(ENCODED))
        content = mutated(rng, ENCODED[method, path])
        with bounded():
            answer = client.request(
                method, path, content=content, headers={"Content-Type": "application/json"}
            )
        check(answer)


@fuzz(500)
@given(seed=SEEDS)
def test_paths(seed: int, client: TestClient) -> None:
    for rng in cases(seed):
        path = rng.choice(["/users/{}", "/users/{}/ratings", "/movies/{}", "/models/{}"])
        with bounded():
            answer = client.get(path.format(quote(mutated(rng, b"42")[:2000], safe="")))
        check(answer)


def check(answer: Any) -> None:
    """No failure, and errors of one shape."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert {"error", "detail"} <= answer.json().keys()


@fuzz(5_000)
@given(seed=SEEDS)
def test_settings(seed: int) -> None:
    """Bytes that are no text arrive as half surrogate pairs."""
    for rng in cases(seed):
        name = rng.choice(list(SETTINGS))
        value = os.fsdecode(mutated(rng, SETTINGS[name]).replace(b"\0", b""))
        with patch.dict(os.environ, {f"{PREFIX}{name.upper()}": value}), bounded(SettingError):
            read_settings()
