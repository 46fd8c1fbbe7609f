"""Time and memory of the commands where ratings are many: on Dask's workers, and on one machine.

    python -m benchmarks.scale [--ratings 32000000] [--users 200000] [--movies 87000]
        [--folder FOLDER] [--only partition,train,lists,import,fit] [--workers 2] [--epochs 1]

Writes synthetic ratings as a MovieLens-like CSV, then runs what a user runs, each as a process of
its own:

    partition   recommender partition: the CSV as shards
    train       recommender train --dask local:2 --shards, with the movies alone in the database
    lists       recommender export recommendations --dask local:2 --shards: 20 movies of each user
    import      recommender import of the same CSV into a private PostgreSQL
    fit         recommender train on it, on this machine alone

Prints for each the seconds, those of processor, and the largest resident memory of the command and
of a process that it started. With --folder, what is there is used again, so the parts may run one
by one; the private PostgreSQL ends with the run, so `fit` needs `import` in the same one.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.csv

from data.shards import PARTITION
from tests import postgresql

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS = ("partition", "train", "lists", "import", "fit")
EVERY_S = 0.1
USERS = 4_000  # that are drawn at a time
DRAWN_TWICE = 1.01  # how many more ratings are drawn than are left


class Used(NamedTuple):
    """Of a command: seconds, and bytes of its process and of the largest that it started."""

    seconds: float
    cpu_seconds: float
    command: int
    largest: int


def main() -> None:
    """Write the ratings, run the commands, print."""
    options = parsed()
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ratings = folder / "ratings"
        if not (ratings / "ratings.csv").exists():
            write(ratings, options.users, options.movies, options.ratings)
        for part in options.only:
            show(part, run(part, folder, options, stack))


def parsed() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ratings", type=int, default=32_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--movies", type=int, default=87_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"--only takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    return options


def write(folder: Path, n_users: int, n_movies: int, n_ratings: int) -> None:
    """Write ratings.csv and movies.csv, some users at a time; a like is 4 to 5 stars."""
    folder.mkdir(parents=True, exist_ok=True)
    titles = [f"Movie {movie} (2000)" for movie in range(1, n_movies + 1)]
    genres = ["Drama"] * n_movies
    movies: dict[str, Any] = {"movieId": range(1, n_movies + 1), "title": titles, "genres": genres}
    pa.csv.write_csv(pa.table({k: pa.array(v) for k, v in movies.items()}), folder / "movies.csv")
    rng = np.random.default_rng(1)
    types: dict[str, pa.DataType] = {"userId": pa.int64(), "movieId": pa.int64()}
    types |= {"rating": pa.float64(), "timestamp": pa.int64()}
    n_written = 0
    with pa.csv.CSVWriter(folder / "unfinished", pa.schema(types)) as file:
        for begin in range(1, n_users + 1, USERS):
            users = np.arange(begin, min(begin + USERS, n_users + 1))
            columns: list[Any] = drawn(rng, users, n_movies, n_ratings / n_users)
            file.write_table(pa.table(columns, schema=pa.schema(types)))
            n_written += len(columns[0])
    (folder / "unfinished").rename(folder / "ratings.csv")
    size = (folder / "ratings.csv").stat().st_size
    print(f"{n_written:,} ratings of {n_users:,} users, {size / 2**20:,.0f} MiB", flush=True)


def drawn(
    rng: np.random.Generator, users: NDArray[np.int64], n_movies: int, mean: float
) -> list[NDArray[Any]]:
    """Draw user, movie, stars and time of the ratings of some users, by user and movie.

    The numbers per user are log-normal, the popularity of movies falls with a power of the rank;
    a movie that is drawn twice is rated once.
    """
    cumulated = np.cumsum((np.arange(n_movies) + 0.02 * n_movies) ** -1.1)
    wanted = np.clip(rng.lognormal(np.log(DRAWN_TWICE * mean) - 0.5, 1.0, len(users)), 10, n_movies)
    sizes = wanted.astype(np.int64)
    movies = np.searchsorted(cumulated, rng.random(sizes.sum()) * cumulated[-1])
    pairs = np.unique(np.repeat(users, sizes) * n_movies + movies)
    stars = rng.integers(1, 11, len(pairs)) / 2
    return [pairs // n_movies, pairs % n_movies + 1, stars, np.full(len(pairs), 1_000_000_000)]


def run(part: str, folder: Path, options: argparse.Namespace, stack: ExitStack) -> Used:
    """Run the command of a part."""
    ratings, shards = str(folder / "ratings"), str(folder / "shards")
    own = {
        "RECOMMENDER_DATABASE_URL": f"sqlite:///{folder / 'movies.db'}",
        "RECOMMENDER_MODELS_DIR": str(folder / "models"),
    }
    on_dask = ("--dask", f"local:{options.workers}", "--shards", shards)
    n_shards = str(4 * options.workers)
    if part == "partition":
        rmtree(shards, ignore_errors=True)
        return used(own, "partition", ratings, shards, "--shards", n_shards)
    if part == "train":
        if not Path(shards, PARTITION).exists():
            sys.exit("train needs the shards of partition")
        used(own, "import", f"{ratings}/movies.csv")
        return used(own, "train", *on_dask, "--epochs", str(options.epochs))
    if part == "lists":
        rmtree(folder / "lists", ignore_errors=True)
        return used(own, "export", "recommendations", str(folder / "lists"), *on_dask)
    if part == "import":
        own_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        server = stack.enter_context(postgresql.server(own_folder))
        url = server.create(migrated=True).render_as_string(hide_password=False)
        os.environ["BENCHMARK_DATABASE_URL"] = url
        return used(of_server(folder), "import", ratings)
    return used(of_server(folder), "train", "--epochs", str(options.epochs))


def of_server(folder: Path) -> dict[str, str]:
    """Return the settings of the private PostgreSQL."""
    url = os.environ.get("BENCHMARK_DATABASE_URL")
    if url is None:
        sys.exit("fit needs import in the same run")
    return {
        "RECOMMENDER_DATABASE_URL": url,
        "RECOMMENDER_MODELS_DIR": str(folder / "models-of-one"),
    }


def used(variables: dict[str, str], *arguments: str) -> Used:
    """Run `recommender` and watch the memory of its processes; exit where it fails."""
    command = [sys.executable, "-m", "app", *arguments]
    begun, cpu_before = time.perf_counter(), cpu_seconds()
    process = subprocess.Popen(command, env=os.environ | variables)  # noqa: S603 (our own)
    own = largest = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        own = max(own, resident(watched))
        largest = max([largest, *map(resident, children(watched))])
        time.sleep(EVERY_S)
    if process.returncode:
        sys.exit(f"recommender {' '.join(arguments)} ended with {process.returncode}")
    seconds = time.perf_counter() - begun
    return Used(seconds, cpu_seconds() - cpu_before, own, largest)


def cpu_seconds() -> float:
    """Return the seconds of processor of all commands that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def resident(process: psutil.Process) -> int:
    """Return the resident memory in bytes, 0 of one that has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that this one has started, and those that they have."""
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def show(part: str, found: Used) -> None:
    """Print what a part took."""
    gib = 2**30
    print(
        f"{part:<10} {found.seconds:8.1f} s   processor {found.cpu_seconds:8.1f} s   "
        f"command {found.command / gib:5.2f} GiB   "
        f"largest process it started {found.largest / gib:5.2f} GiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
