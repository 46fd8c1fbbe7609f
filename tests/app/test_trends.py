"""Movies that are liked lately: counted by time, shared by all workers, listed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select, update

from app.db.engine import Database
from app.db.tables import ratings, shared_counts, users
from app.live import model_reloader, repository
from app.live.trends import BUCKET_S, MAX_AGE, MAX_DAYS, LikesByTime, Trends
from app.movies.options import SPAN_PATTERN, days_of
from tests.app.test_counts import make_server, name_of, rate, server_of, shared
from tests.app.world import World

DAY = 86_400
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)


ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests move the clock and poll."""
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)
    monkeypatch.setattr(repository, "now", lambda _: NOW)
    monkeypatch.setattr("app.live.trends.now", lambda _: NOW)


def like(database: Database, movie_id: int, *days_ago: float, **given: Any) -> None:
    """Store a like of another user for each moment."""
    with database.unit_of_work() as connection:
        for number, days in enumerate(days_ago):
            key = f"{movie_id} {days} {number}"
            new = insert(users).values(key=key, ratings_revision=1).returning(users.c.id)
            row = {
                "user_id": connection.execute(new).scalar_one(),
                "movie_id": movie_id,
                "rated_at": NOW - timedelta(days=days),
                **(given or {"liked": True}),
            }
            connection.execute(insert(ratings).values(row))


def trending(client: TestClient, query: str = "") -> dict[int, float]:
    items = client.get(f"/movies/trending?limit=100&{query}").json()["items"]
    return {item["movie_id"]: item["score"] for item in items}


def test_scores_are_the_likes_of_the_window_halved_with_every_half_life() -> None:
    generator = np.random.default_rng(0)
    movie_ids = np.array([-5, 3, 8, 100])
    counted = LikesByTime(
        generator.choice([-5, 3, 7, 8, 101], 200),  # two are not in the catalogue
        generator.integers(900, 1010, 200),
        generator.integers(1, 9, 200),
    )
    trends = Trends.of(movie_ids, LikesByTime.unpacked(counted.packed()))
    at, window, half_life = 1000 * BUCKET_S + 17, 7.1, 1.5
    expected = dict.fromkeys(movie_ids.tolist(), 0.0)
    rows = zip(counted.movie_ids, counted.buckets, counted.likes, strict=True)
    for movie_id, bucket, likes in rows:
        age = max(1000 - bucket, 0) * BUCKET_S / DAY
        if movie_id in expected and age <= 7.25:
            expected[movie_id] += likes * 2 ** (-age / half_life)
    scores = trends.scores(at, window, half_life)
    assert scores == pytest.approx(list(expected.values()))
    assert scores[3] == 0
    assert scores.tolist() == trends.scores(1001 * BUCKET_S - 1, window, half_life).tolist()
    nothing = Trends.of(movie_ids[:0], LikesByTime()).scores(at, 1, 1)
    assert nothing.shape == (0,)
    assert nothing.dtype == np.float64


def test_likes_of_the_window_count_by_their_age(
    world: World, connect: Callable[[], TestClient]
) -> None:
    with world.database.unit_of_work() as connection:
        connection.execute(update(ratings).values(rated_at=NOW - timedelta(days=90)))
    like(world.database, 20, 0, 0, 0)
    like(world.database, 400, 1, 1, 1, 1)
    like(world.database, 30, 6, 6, 6, 6, 6, 6)
    like(world.database, 30, 8, 29)  # of the second no window but the longest has anything
    like(world.database, 50, 0, 0, liked=False)
    like(world.database, 60, 0, stars=3.5)
    like(world.database, 70, 0, stars=4.0)
    client = connect()
    week = trending(client, "window=7d&half_life=1d")
    assert week == pytest.approx({20: 3, 400: 2, 70: 1, 30: 6 / 64}, abs=1e-6)
    assert list(week) == [20, 400, 70, 30]
    assert set(trending(client, "window=24h")) == {20, 400, 70}
    assert list(trending(client, "window=30d&half_life=30d")) == [30, 400, 20, 70]
    assert trending(client) == trending(client, "window=7d&half_life=84h")
    first = client.get("/movies/trending?limit=3").json()
    assert first["items"][0] == {
        "movie_id": 400, "title": "Movie 400", "year": 2000, "genres": ["Drama"],
        "likes": first["items"][0]["likes"], "ratings": first["items"][0]["ratings"],
        "score": round(4 * 2 ** (-1 / 3.5), 6),
    }  # fmt: skip
    rest = client.get(f"/movies/trending?limit=3&cursor={first['next']}").json()
    assert [m["movie_id"] for m in (*first["items"], *rest["items"])] == list(trending(client))
    assert rest["next"] is None
    other = client.get(f"/movies/trending?limit=3&window=6d&cursor={first['next']}")
    assert other.status_code == 422
    assert trending(client, "genre=Comedy") == trending(client)  # no movie has it
    assert set(trending(client, "exclude=20&year_from=1990")) == {400}
    client.patch("/movies/20", json={"withdrawn": True})
    assert 20 not in trending(client)
    assert client.get(f"/movies/trending?limit=3&cursor={first['next']}").status_code == 410


@ON_SQLITE
def test_lists_go_on_with_the_clock_though_nothing_is_rated(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.database.unit_of_work() as connection:
        connection.execute(update(ratings).values(rated_at=NOW - timedelta(days=90)))
    like(world.database, 20, 0)
    client = connect()
    for hours, score in ((0, [1.0]), (1, [1.0]), (6, [0.5]), (31, [])):
        monkeypatch.setattr(repository, "now", lambda _, h=hours: NOW + timedelta(hours=h))
        server_of(client).poll()
        items = client.get("/movies/trending?window=1d&half_life=6h").json()["items"]
        assert [item["score"] for item in items] == score


@ON_SQLITE
def test_one_worker_counts_by_time_for_all(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_reloader, "RECOUNT_S", 0)
    monkeypatch.setattr(model_reloader, "RECOUNT_SHARE", 0)
    one, other = connect(), connect()
    server_of(one).refresh()
    server_of(other).refresh()
    before = trending(one, "window=30d")
    for user in ("a", "b"):
        rate(world.database, user, 400)
    server_of(one).refresh()
    server_of(other).poll()
    path = "/movies/trending?window=30d"
    assert one.get(path).content == other.get(path).content
    scores = trending(one, "window=30d")
    assert scores[400] > before.get(400, 0) + 1.99


@ON_SQLITE
def test_counts_of_the_version_before_are_made_anew(world: World) -> None:
    make_server(world).refresh()
    name = name_of(world.database)
    with world.database.unit_of_work() as connection:
        connection.execute(update(shared_counts).values(trend_generation="older"))
    server = make_server(world)
    server.refresh()
    assert name_of(world.database) != name
    generation = shared(world.database)
    assert generation is not None
    assert generation.basis.by_time
    assert server.current.snapshot.catalogue.trends.likes.sum() > 0
    with world.database.read() as connection:
        held = connection.execute(select(shared_counts.c.trend_likes)).scalar_one()
    assert held is not None
    counted = LikesByTime.unpacked(held)
    assert counted.buckets.min() >= int(NOW.timestamp()) // BUCKET_S - MAX_AGE


@pytest.mark.parametrize(
    "query", ["window=0d", "window=31d", "window=721h", "window=7", "window=1w", "half_life=0h",
              "half_life=31d", "limit=0", "limit=101", "cursor=x", "sort=popular"],
)  # fmt: skip
def test_malformed_windows_are_refused(lone_client: TestClient, query: str) -> None:
    assert lone_client.get(f"/movies/trending?{query}").status_code == 422


def test_the_published_pattern_has_all_spans_and_no_others() -> None:
    for unit, most in ("h", 720), ("d", MAX_DAYS):
        allowed = [n for n in range(1100) if re.fullmatch(SPAN_PATTERN, f"{n}{unit}")]
        assert allowed == list(range(1, most + 1))
    assert days_of("720h") == MAX_DAYS
    assert not re.fullmatch(SPAN_PATTERN, "07d")


def test_a_span_is_hours_or_days() -> None:
    assert (days_of("36h"), days_of("30d")) == (1.5, 30.0)
