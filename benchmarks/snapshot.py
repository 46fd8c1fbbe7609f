"""Time and memory to read a large PostgreSQL database into the matrix of likes and dislikes.

    python -m benchmarks.snapshot [ratings]

Starts a private server, fills it with synthetic ratings (20 million by default, spread over users
and movies about as those of ml-20m), reads them as a training does, in a process of its own, and
prints wall time and peak memory of that process.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from app.datasets.snapshot import read_snapshot
from app.db.engine import Database
from app.db.schema import upgrade
from tests import postgresql

N_RATINGS = 20_000_000
RATINGS_PER_USER = 144  # as in ml-20m
N_MOVIES = 26_744
MAX_SHARE = 0.5  # of the movies, that one user has rated
USERS_AT_ONCE = 2_000
MOMENT = 800_000_000_000_000  # microseconds after 2000, as PostgreSQL counts

# A row of ratings in PostgreSQL's binary COPY format: each field behind its length, -1 for null.
ROW = np.dtype(
    [
        ("n_fields", ">i2"),
        ("l1", ">i4"), ("user_id", ">i8"),
        ("l2", ">i4"), ("movie_id", ">i4"),
        ("l3", ">i4"), ("stars", ">f8"),
        ("l4", ">i4"),
        ("l5", ">i4"), ("rated_at", ">i8"),
    ]
)  # fmt: skip
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"


def main() -> None:
    """Fill, read, print."""
    n_ratings = int(sys.argv[1]) if len(sys.argv) > 1 else N_RATINGS
    with tempfile.TemporaryDirectory() as folder, postgresql.server(Path(folder)) as server:
        url = server.create(migrated=True).render_as_string(hide_password=False)
        begun = time.perf_counter()
        stored = fill(url, n_ratings)
        print(f"{stored:,} ratings stored in {time.perf_counter() - begun:.0f} s")
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, peak, shape = pool.apply(measure, (url,))
        print(f"read into {shape} in {seconds:.1f} s, peak memory {peak / 2**30:.2f} GiB")


def measure(url: str) -> tuple[float, int, str]:
    """Read it; seconds, peak memory of this process in bytes, and what was read."""
    database = Database(url)
    begun = time.perf_counter()
    read = read_snapshot(database, 4.0).interactions
    seconds = time.perf_counter() - begun
    database.dispose()
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shape = f"{read.n_users:,} users x {read.n_movies:,} movies with {read.n_ratings:,} ratings"
    return seconds, peak, shape


def fill(url: str, n_ratings: int) -> int:
    """Store movies, users and about `n_ratings` ratings; return their number."""
    database = Database(url)
    upgrade(database)
    n_users = n_ratings // RATINGS_PER_USER
    rng = np.random.default_rng(0)
    with database.unit_of_work() as connection:
        # Synthetic rows refer to what there is: checking 20 million of them twice is no part of it.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "INSERT INTO movies (id, title, genres) "
                "SELECT i, 'Movie ' || i, '[]' FROM generate_series(1, :n) AS i"
            ),
            {"n": N_MOVIES},
        )
        connection.execute(
            text(
                "INSERT INTO users (id, key, ratings_revision) "
                "SELECT i, i::text, 1 FROM generate_series(1, :n) AS i"
            ),
            {"n": n_users},
        )
        stored = _copy(connection.connection.driver_connection, rng, n_users)
    database.dispose()
    return stored


def _copy(driver: Any, rng: np.random.Generator, n_users: int) -> int:
    # Popularity falls with a power of the rank; users differ in their number of ratings.
    cumulated = np.cumsum(1 / (np.arange(N_MOVIES) + 100.0))
    cumulated /= cumulated[-1]
    stored = 0
    with driver.cursor() as cursor, cursor.copy("COPY ratings FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(HEADER)
        for first in range(1, n_users + 1, USERS_AT_ONCE):
            users = np.arange(first, min(first + USERS_AT_ONCE, n_users + 1))
            rows = _rows(rng, users, cumulated)
            copy.write(rows.tobytes())
            stored += len(rows)
        copy.write(TRAILER)
    return stored


def _rows(
    rng: np.random.Generator, users: NDArray[np.int64], cumulated: NDArray[np.float64]
) -> NDArray[Any]:
    """Draw the ratings of some users, by user and movie; a movie drawn twice is rated once."""
    wanted = rng.lognormal(np.log(RATINGS_PER_USER) - 0.5, 1.0, len(users)) + 10
    sizes = np.minimum(wanted, MAX_SHARE * N_MOVIES).astype(np.int64)
    drawn = np.searchsorted(cumulated, rng.random(sizes.sum()))
    pairs = np.unique(np.repeat(users, sizes) * N_MOVIES + drawn)
    rows = np.zeros(len(pairs), dtype=ROW)
    rows["n_fields"], rows["l4"] = 5, -1
    rows["l1"] = rows["l3"] = rows["l5"] = 8
    rows["l2"] = 4
    rows["user_id"], rows["movie_id"] = pairs // N_MOVIES, pairs % N_MOVIES + 1
    rows["stars"] = rng.integers(1, 11, len(pairs)) / 2
    rows["rated_at"] = MOMENT
    return rows


if __name__ == "__main__":
    main()
