"""A file a day: lists stay personal, no request fails, and what was imported counts at once."""

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.datasets.service import import_release
from app.db.engine import Database
from data.release import Release
from tests.app.service_process import serving
from tests.app.small_releases import Line, make_release
from tests.app.test_registry_rollback_under_load import Crowd
from tests.app.world import MOVIE_IDS, World

TITLES = {id_: f"Movie {id_}" for id_ in MOVIE_IDS}
SOON_S = 20.0  # a machine that is busy with other tests is given this long

Ask = Callable[[str], dict[str, Any]]


def file_of(day: int, best: dict[str, int]) -> Release:
    """What came in on one day: users rate their best movies, and there are new users and movies."""
    now = int(time.time())
    lines: list[Line] = [(user, movie, 5.0, now) for user, movie in best.items()]
    lines.append((f"new-{day}", 1000 + day, 4.0, now))
    lines += [(f"new-{day}", movie, 4.0, now) for movie in MOVIE_IDS[:3]]
    titles = {**TITLES, 1000 + day: f"New {day}"}
    release = make_release(lines, titles, name=f"day-{day}", own=True, year=None)
    movies = release.movies.assign(genres=pd.Series([[] for _ in titles], dtype="object"))
    return replace(release, movies=movies)


def live_through(days: int, database: Database, ask: Ask) -> list[float]:
    """Import a file a day; return how long each took to count, by its commit."""
    took = []
    for day in range(days):
        best = {user: best_of(ask, user) for user in ("5", "6")} if day < 10 else {}
        release = file_of(day, best)
        import_release(database, release, progress=lambda *_: check(ask))
        begin = time.monotonic()
        while not counts(ask, day, best):
            assert time.monotonic() < begin + SOON_S
            time.sleep(0.02)
        took.append(time.monotonic() - begin)
    return took


def check(ask: Ask) -> None:
    """Ask for a list while an import is under way."""
    assert ask("/recommendations/4?limit=5")["source"] == "rbm"


def best_of(ask: Ask, user: str) -> int:
    answer = ask(f"/recommendations/{user}?limit=1")
    assert answer["source"] == "rbm"
    return int(answer["items"][0]["movie_id"])


def counts(ask: Ask, day: int, best: dict[str, int]) -> bool:
    """Tell whether a new user has a list of their own, and others no longer what they rated."""
    if ask(f"/recommendations/new-{day}?limit=5")["source"] != "rbm":
        return False
    return all(best_of(ask, user) != movie for user, movie in best.items())


def test_a_file_a_day_leaves_lists_personal(
    world: World, connect: Callable[[], TestClient]
) -> None:
    client = connect()

    def ask(path: str) -> dict[str, Any]:
        response = client.get(path)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    live_through(2, world.database, ask)
    again = file_of(1, {})
    assert import_release(world.database, again).n_movies_new == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_thirty_files_in_a_row_under_constant_requests(
    world: World, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        service = stack.enter_context(serving(settings, tmp_path, RECOMMENDER_WORKERS="2"))
        crowd = stack.enter_context(Crowd(service.address, 4))

        def ask(path: str) -> dict[str, Any]:
            with urllib.request.urlopen(service.address + path, timeout=20) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
            return answer

        took = live_through(30, world.database, ask)
    assert crowd.failures == []
    assert set(crowd.statuses) == {200}
    known = [model for seen in crowd.seen for model in seen]
    assert len(known) > 100
    assert set(known) == {"v1"}
    with capsys.disabled():
        sys.stdout.write(f"\n30 imports, {len(known)} requests: counted {max(took):.2f} s later\n")
