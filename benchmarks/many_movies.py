"""How fast the list of one user is made where movies are many: two stages beside full scoring.

    python -m benchmarks.many_movies [--movies 1000000] [--hidden 500] [--users 1000] [--top 20]

Saves a model of random weights with a prior and couplings, and reads it again, memory-mapped, as
the service does. Then both ways make the list of each user, in this process, in one thread, in
turn: `model.two_stages`, and `score_user` with `rank`. Where two stages are not sure of a list,
full scoring follows, as in the service, and the time is that of both. Prints the times, how many
lists were certain, the memory that was needed, and exits with 1 if a list is not that of full
scoring. With 1,000,000 movies the model takes 5 GB of disk, and of memory while it is made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.serving_world import random_rbm
from model import artifact
from model.coarse import coarse
from model.fold_in import Given
from model.scoring import rank, score_user
from model.two_stages import TwoStages

if TYPE_CHECKING:
    from model.rbm import RBM

MAX_RATINGS = 200


class Measured(NamedTuple):
    """Of one user."""

    two_stages_s: float
    full_s: float
    is_certain: bool
    is_equal: bool


def saved_and_read(folder: Path, n_movies: int, n_hidden: int) -> RBM:
    """Write a model, as a publication does, and read it."""
    rbm = random_rbm(n_movies, n_hidden)
    begin = perf_counter()
    artifact.save(folder / "v1", rbm, {})
    saved = perf_counter()
    read = artifact.load(folder / "v1").rbm
    print(f"saved in {saved - begin:.1f} s, read in {perf_counter() - saved:.1f} s", flush=True)
    return read if read.coarse is not None else replace(read, coarse=coarse(read.W))


def draw_user(rng: np.random.Generator, n_movies: int) -> Given:
    """Draw 1 to 200 ratings."""
    n = int(rng.integers(1, MAX_RATINGS + 1))
    rows = np.sort(rng.choice(n_movies, n, replace=False))
    return Given(rows, rng.random(n) < 0.6)


def measure(rbm: RBM, stages: TwoStages, given: Given, top: int) -> Measured:
    """Make the list of a user in both ways."""
    everything = np.ones(rbm.n_movies, dtype=np.bool_)

    def full() -> list[int]:
        like, _ = score_user(rbm, given.movie_rows, given.liked)
        return rank(like, rbm.movie_ids, given.movie_rows, top).tolist()

    begin = perf_counter()
    found = stages.first(given, everything, top)
    first = full() if found is None else found.rows.tolist()
    middle = perf_counter()
    wanted = full()
    end = perf_counter()
    return Measured(middle - begin, end - middle, found is not None, first == wanted)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--movies", type=int, default=1_000_000)
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--top", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as folder:
        rbm = saved_and_read(Path(folder), options.movies, options.hidden)
        begin = perf_counter()
        stages = TwoStages(rbm)
        print(f"made ready in {perf_counter() - begin:.1f} s", flush=True)
        measure(rbm, stages, draw_user(rng, rbm.n_movies), options.top)  # reads the files
        found = [
            measure(rbm, stages, draw_user(rng, rbm.n_movies), options.top)
            for _ in range(options.users)
        ]
    two, full = (np.array(times) * 1000 for times in list(zip(*found, strict=True))[:2])
    n_certain, n_equal = (sum(values) for values in list(zip(*found, strict=True))[2:])
    print(f"{options.movies:,} movies x {options.hidden} hidden units, first {options.top}")
    for name, times in (("two stages", two), ("full scoring", full)):
        p50, p99 = np.percentile(times, (50, 99))
        print(f"{name:13} {p50:8.1f} ms median {p99:8.1f} ms 99 % {times.mean():8.1f} ms mean")
    medians, means = np.median(full) / np.median(two), full.mean() / two.mean()
    print(f"full scoring / two stages: {medians:.1f} x median, {means:.1f} x mean")
    print(f"{n_certain} of {len(found)} lists certain, {n_equal} equal")
    sys.exit(n_equal < len(found))


if __name__ == "__main__":
    with threadpool_limits(1):  # as the service does
        main()
