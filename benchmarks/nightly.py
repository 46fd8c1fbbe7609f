"""How fast the lists of all users are made, beside the bare product and the choice of the best.

    python -m benchmarks.nightly [--users 100000] [--movies 10000] [--hidden 500] [--top 20]

Fills a database (SQLite) with synthetic users, 50 ratings each on average, and publishes a model of
random weights with couplings. Then, in one run:

- *bare*: H W for blocks of 256 users, W of likes and dislikes, and the largest `top` of each row by
  `argpartition`, in this process, before and after the command; nothing is read or written;
- `recommender export recommendations --output lists.parquet`: time and peak memory;
- the same, killed when half of the parts are there, and gone on with: the file must be equal.

Prints users per second, and the cost of the command as a multiple of the bare product's: on the
clock, and in time of processors, which other load disturbs less.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from sqlalchemy import insert

from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import movies
from app.registry import repository as models
from benchmarks.serving_world import random_rbm, settings_of
from benchmarks.train_data import power_law
from model import artifact
from model.rbm import LIKE, RBM

MEAN_RATINGS, BLOCK, BARE_USERS = 50, 256, 20_480


class Cost(NamedTuple):
    """Seconds on the clock, and of all processors."""

    seconds: float
    processor: float


class Finished(NamedTuple):
    """A command that has ended."""

    cost: Cost
    peak_mb: float


def make_world(folder: Path, n_users: int, rbm: RBM) -> None:
    """Fill a database, and publish the model."""
    settings = settings_of(folder)
    database = Database(settings.database_url)
    upgrade(database)
    sha256 = artifact.save(settings.models_dir / "v1", rbm, {})
    rows = [
        {"id": id_, "title": f"Movie {id_}", "year": 1950 + id_ % 70, "genres": ["Drama"]}
        for id_ in rbm.movie_ids.tolist()
    ]
    with database.unit_of_work() as connection:
        connection.execute(insert(movies), rows)
        models.add(connection, "v1", {}, sha256, datetime.now(UTC))
        models.activate(connection, "v1")
    database.dispose()
    rated = power_law(n_users, rbm.n_movies, MEAN_RATINGS * n_users)
    users = np.repeat(np.arange(1, n_users + 1), rated.ratings_per_user)
    columns = (users, rbm.movie_ids[rated.movie_rows], rated.liked)
    with closing(sqlite3.connect(folder / "recommender.db")) as filled, filled:
        filled.executemany(
            "INSERT INTO users (id, key, ratings_revision) VALUES (?, ?, 0)",
            ((id_, f"user-{id_}") for id_ in range(1, n_users + 1)),
        )
        filled.executemany(
            "INSERT INTO ratings (user_id, movie_id, liked, rated_at, from_release)"
            " VALUES (?, ?, ?, 1700000000, 0)",
            zip(*(column.tolist() for column in columns), strict=True),
        )


def bare(rbm: RBM, top: int) -> Cost:
    """Return the cost per user of the product and of the choice of the best."""
    rng = np.random.default_rng(5)
    H = rng.random((BLOCK, rbm.n_hidden), dtype=np.float32)
    W, X = rbm.weights, np.empty((BLOCK, 2 * rbm.n_movies), dtype=np.float32)
    begin = time.perf_counter(), time.process_time()
    for _ in range(BARE_USERS // BLOCK):
        np.matmul(H, W.T, out=X)
        likes = X.reshape(BLOCK, rbm.n_movies, 2)[..., LIKE]
        best = np.argpartition(-likes, top, axis=1)[:, :top]
        scores = np.take_along_axis(likes, best, axis=1)
        np.take_along_axis(best, np.argsort(-scores, axis=1), axis=1)
    end = time.perf_counter(), time.process_time()
    return Cost(*((b - a) / BARE_USERS for a, b in zip(begin, end, strict=True)))


def command(folder: Path, path: Path, top: int) -> subprocess.Popen[bytes]:
    """Start the command."""
    settings = settings_of(folder)
    environment = {
        "RECOMMENDER_DATABASE_URL": settings.database_url,
        "RECOMMENDER_MODELS_DIR": str(settings.models_dir),
    }
    arguments = ["export", "recommendations", "--top", str(top), "--output", str(path)]
    return subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", "app", *arguments], env={**os.environ, **environment}
    )


def run(folder: Path, path: Path, top: int) -> Finished:
    """Run the command to its end."""
    begin, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = command(folder, path, top)
    if process.wait() != 0:
        raise RuntimeError("the command failed")
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - spent.ru_utime - spent.ru_stime
    # The peak is that of the largest child so far; the others were this command, too.
    return Finished(Cost(seconds, processor), after.ru_maxrss / 1024)


def kill_half_way(folder: Path, path: Path, top: int, n_parts: int) -> None:
    """Kill the command when so many parts are there."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    process = command(folder, path, top)
    while len(list(unfinished.glob("part-*"))) < n_parts:
        if process.poll() is not None:
            raise RuntimeError("the command ended before it was killed")
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--movies", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--top", type=int, default=20)
    options = parser.parse_args()
    rbm = random_rbm(options.movies, options.hidden)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_world(folder, options.users, rbm)
        print("the database is filled", flush=True)
        again, whole = folder / "again.parquet", folder / "lists.parquet"
        kill_half_way(folder, again, options.top, options.users // 2_048 // 2)  # compiles, too
        resumed = run(folder, again, options.top)
        before = bare(rbm, options.top)
        done = run(folder, whole, options.top)
        after = bare(rbm, options.top)
        same = pq.read_table(again).equals(pq.read_table(whole))
    product = Cost(*(np.mean(pair) * options.users for pair in zip(before, after, strict=True)))
    print(f"{'':16}{'users/s':>9}{'s':>9}{'s of processor':>16}")
    for title, cost in {"bare product": product, "export": done.cost}.items():
        rate = options.users / cost.seconds
        print(f"{title:16}{rate:9,.0f}{cost.seconds:9.1f}{cost.processor:16.1f}")
    ratios = [ours / bare for ours, bare in zip(done.cost, product, strict=True)]
    print(f"{'ratio':16}{'':9}{ratios[0]:9.2f}{ratios[1]:16.2f}")
    print(f"bare product before and after: {before.seconds:.6f}, {after.seconds:.6f} s per user")
    print(f"peak memory {done.peak_mb:,.0f} MB")
    print(f"killed half way: the rest took {resumed.cost.seconds:.1f} s; the file is equal: {same}")


if __name__ == "__main__":
    main()
