"""A back-up takes no more memory of a large database than of a small one."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from app.backup.service import back_up, restore
from app.db import schema as migrating
from app.db import tables
from app.db.engine import Database
from app.store.folder import ModelStore

PER_USER = 100

Step = Callable[[Database, ModelStore, Path], object]


def fill(database: Database, n_users: int) -> None:
    movies = [{"id": id_, "title": f"Movie {id_}", "genres": []} for id_ in range(1, 1001)]
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :n) "
    with database.unit_of_work() as connection:
        connection.execute(insert(tables.movies), movies)
        users = "INSERT INTO users (id, key, ratings_revision) "
        all_users = users + numbers + "SELECT i, 'u' || i, 1 FROM n"  # noqa: S608 (all ours)
        connection.execute(text(all_users), {"n": n_users})
        columns = "INSERT INTO ratings (user_id, movie_id, liked, rated_at) "
        values = "SELECT u.id, 1 + (u.id + 7 * i) % 1000, true, " + (
            "0" if database.is_sqlite else "now()"
        )
        from_all = " FROM users u CROSS JOIN n"
        connection.execute(text(columns + numbers + values + from_all), {"n": PER_USER})


def peak_mib(step: Step, database: Database, folder: Path) -> float:
    """Return the most memory that a new process has for a step."""
    url = database.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(peak_of, step, url, folder).result()


def peak_of(step: Step, url: str, folder: Path) -> float:
    step(Database(url), ModelStore(folder / "models"), folder / "b.tar")
    # Not `getrusage`, which tells no less than what the process had that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_ratings(
    blank_database: Database, other_database: Database, tmp_path: Path
) -> None:
    peaks = []
    for n_users in (100, 4_000):  # 10,000 and 400,000 ratings
        migrating.upgrade(blank_database)
        fill(blank_database, n_users)
        made = peak_mib(back_up, blank_database, tmp_path)
        restored = peak_mib(restore, other_database, tmp_path)
        peaks.append((made, restored))
        for database in (blank_database, other_database):
            migrating.downgrade(database, "base")
        (tmp_path / "b.tar").unlink()
    (small, small_restored), (large, large_restored) = peaks
    # They grow by 4; by 15 with the lines of a back-up in memory, by 35 with rows of a restore.
    assert large - small < 10
    assert large_restored - small_restored < 10
