"""A back-up takes no more memory of a large database than of a small one."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from app.db import schema as migrating
from app.db import tables
from app.db.engine import Database

ROOT = Path(__file__).parents[2]
PER_USER = 100

STEP = """
import resource, sys
from pathlib import Path
from app.backup import service
from app.db.engine import Database
step, url, folder = sys.argv[1:]
getattr(service, step)(Database(url), Path(folder) / "models", Path(folder) / "b.tar")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


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


def peak_mib(step: str, database: Database, folder: Path) -> float:
    url = database.url.render_as_string(hide_password=False)
    ended = subprocess.run(
        [sys.executable, "-c", STEP, step, url, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(ended.stdout) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_ratings(
    blank_database: Database, other_database: Database, tmp_path: Path
) -> None:
    peaks = []
    for n_users in (100, 4_000):  # 10,000 and 400,000 ratings
        migrating.upgrade(blank_database)
        fill(blank_database, n_users)
        made = peak_mib("back_up", blank_database, tmp_path)
        restored = peak_mib("restore", other_database, tmp_path)
        peaks.append((made, restored))
        for database in (blank_database, other_database):
            migrating.downgrade(database, "base")
        (tmp_path / "b.tar").unlink()
    (small, small_restored), (large, large_restored) = peaks
    # As rows in memory, they would take more than a hundred.
    assert large - small < 30
    assert large_restored - small_restored < 30
