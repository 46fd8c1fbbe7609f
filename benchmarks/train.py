"""What an epoch of training costs, beside the product that no RBM can avoid and beside peers.

    python -m benchmarks.train [--json FILE] [--rounds 5] [--threads 2]

Every round times one epoch of ours, the product H Wᵀ of all its batches alone, and an epoch of
scikit-learn's BernoulliRBM where that is installed; so all meet the same neighbours on the
machine. Wall time is what one waits for; processor time is the steadier figure on a busy machine,
its product being that of BLAS on one thread, which does not spin while it waits.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from data import Interactions
from model.config import Config
from model.training import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

N_HIDDEN = 500
ML_LATEST_SMALL = Path(os.environ.get("RECOMMENDER_DATASETS_DIR", "var/datasets")) / (
    "ml-latest-small/ratings.csv"
)
COLD_START = (
    "import time, numpy as np; from data import Interactions; from model import Config, train\n"
    "data = Interactions.from_arrays([0, 1], [1, 2], [1, 0]); started = time.perf_counter()\n"
    "train(data, Config(n_epochs=1)); print(time.perf_counter() - started)"
)


@dataclass
class Clock:
    """Wall and processor seconds of repeated runs of one thing."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, run: Callable[[], object]) -> None:
        """Run it once and note what it took."""
        wall, processor = time.perf_counter(), time.process_time()
        run()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)

    def median(self) -> dict[str, float]:
        """Medians over the runs."""
        return {
            "wall_s": statistics.median(self.wall),
            "processor_s": statistics.median(self.processor),
        }


def power_law(n_users: int, n_movies: int, n_ratings: int, seed: int = 0) -> Interactions:
    """Ratings whose users and films follow power laws with the head of MovieLens'."""
    rng = np.random.default_rng(seed)
    activity = np.clip(rng.lognormal(4.3, 1.0, n_users), 20, n_movies / 2)
    popularity = (np.arange(n_movies) + 0.02 * n_movies) ** -1.1
    # Independent entries with a mean of activity x popularity, cut at 1 and then rescaled.
    scale = n_ratings / (activity.sum() * popularity.sum())
    for _ in range(10):
        total = sum(np.minimum(scale * a * popularity, 0.9).sum() for a in activity)
        scale *= n_ratings / total
    rows = [
        np.flatnonzero(rng.random(n_movies) < np.minimum(scale * a * popularity, 0.9))
        for a in activity
    ]
    movies = np.concatenate(rows)
    users = np.repeat(np.arange(n_users), [len(row) for row in rows])
    return Interactions.from_arrays(users, movies, rng.random(len(movies)) < 0.58)


def ml_latest_small() -> tuple[str, Interactions]:
    """Return the real ratings where they are at hand, else synthetic ones of that shape."""
    if not ML_LATEST_SMALL.exists():
        return "ml-latest-small shape, synthetic", power_law(610, 9_724, 100_836)
    columns = np.loadtxt(ML_LATEST_SMALL, delimiter=",", skiprows=1, usecols=(0, 1, 2))
    users, movies = columns[:, 0].astype(int), columns[:, 1].astype(int)
    return "ml-latest-small", Interactions.from_arrays(users, movies, columns[:, 2] >= 4)


def measure(name: str, data: Interactions, rounds: int, threads: int) -> dict[str, Any]:
    """Time `rounds` rounds at one shape, after one that is not counted."""
    config = Config.for_data(data).model_copy(update={"n_hidden": N_HIDDEN, "n_epochs": rounds + 1})
    epochs = Trainer(data, config, threads=threads).epochs()
    product = Product(data, config)
    peer = scikit_learn_epoch(data, config)
    clocks = {"epoch": Clock(), "product": Clock(), "product, one thread": Clock()}
    if peer is not None:
        clocks["scikit-learn"] = Clock()
    memory = 0
    for count in range(rounds + 1):
        kept = clocks if count else {key: Clock() for key in clocks}
        kept["epoch"].time(lambda: next(epochs))
        memory = memory or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with threadpool_limits(threads, user_api="blas"):
            kept["product"].time(product)
            if peer is not None:
                kept["scikit-learn"].time(peer)
        with threadpool_limits(1, user_api="blas"):
            kept["product, one thread"].time(product)
    return {
        "name": name,
        "shape": {"users": data.n_users, "movies": data.n_movies, "ratings": data.n_ratings},
        "n_hidden": N_HIDDEN,
        "batch_size": config.batch_size,
        "process_peak_mib": memory / 1024,  # earlier shapes included; kibibytes on Linux
        "times": {key: clock.median() for key, clock in clocks.items()},
        "ratios": ratios(clocks),
    }


def ratios(clocks: dict[str, Clock]) -> dict[str, float]:
    """Return our epoch divided by each of the others: medians of the rounds' ratios."""

    def ratio(ours: list[float], other: list[float]) -> float:
        return statistics.median(a / b for a, b in zip(ours, other, strict=True))

    epoch, alone = clocks["epoch"], clocks["product, one thread"]
    found = {
        "epoch / product, wall": ratio(epoch.wall, clocks["product"].wall),
        "epoch / product, processor": ratio(epoch.processor, alone.processor),
    }
    if "scikit-learn" in clocks:
        found["epoch / scikit-learn, wall"] = ratio(epoch.wall, clocks["scikit-learn"].wall)
    return found


class Product:
    """H Wᵀ for every batch of an epoch, in one product per batch by NumPy."""

    def __init__(self, data: Interactions, config: Config) -> None:
        rng = np.random.default_rng(0)
        self.n_batches = -(-data.n_users // config.batch_size)
        n = -(-data.n_users // self.n_batches)
        self.H = (rng.random((n, config.n_hidden)) < 0.3).astype(np.float32)
        self.W = rng.standard_normal((2 * data.n_movies, config.n_hidden), dtype=np.float32)
        self.x: NDArray[np.float32] = np.empty((n, 2 * data.n_movies), dtype=np.float32)

    def __call__(self) -> None:
        """Run the products of one epoch."""
        for _ in range(self.n_batches):
            np.dot(self.H, self.W.T, out=self.x)


def scikit_learn_epoch(data: Interactions, config: Config) -> Callable[[], object] | None:
    """Return one epoch of BernoulliRBM on likes alone: half of our visible units."""
    try:
        from sklearn.neural_network import (  # type: ignore[import-not-found]  # noqa: PLC0415
            BernoulliRBM,  # not a dependency
        )
    except ImportError:
        return None
    likes = np.zeros((data.n_users, data.n_movies), dtype=np.float32)
    likes[data.user_rows[data.liked], data.movie_rows[data.liked]] = 1
    peer = BernoulliRBM(config.n_hidden, batch_size=config.batch_size, n_iter=1, random_state=0)
    return lambda: peer.fit(likes)


def start_seconds() -> dict[str, float]:
    """Seconds to train next to nothing in a new process: compiling, and with the cache filled."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", COLD_START]
        runs = [
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 (our own interpreter)
            for _ in range(2)
        ]
    return {"compiling_s": float(runs[0].stdout), "cached_s": float(runs[1].stdout)}


def table(results: list[dict[str, Any]]) -> str:
    """Return the figures as text."""
    lines = []
    for result in results:
        shape, times = result["shape"], result["times"]
        title = (
            f"{result['name']}: {shape['users']:,} users x {shape['movies']:,} movies, "
            f"{shape['ratings']:,} ratings, {result['n_hidden']} hidden units, batches of "
            f"{result['batch_size']}, process peak so far {result['process_peak_mib']:,.0f} MiB"
        )
        lines += [
            title,
            *(
                f"    {key:<28} {t['wall_s']:9.3f} s wall {t['processor_s']:9.3f} s processor"
                for key, t in times.items()
            ),
            *(f"    {key:<28} {value:9.2f}" for key, value in result["ratios"].items()),
        ]
        if "scikit-learn" not in times:
            lines.append("    scikit-learn                 not installed")
    return "\n".join(lines)


def main() -> None:
    """Measure both shapes, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=numba.get_num_threads())
    arguments = parser.parse_args()
    start = start_seconds()
    shapes = [ml_latest_small(), ("ml-1m shape, synthetic", power_law(6_040, 3_700, 1_000_000))]
    results = [measure(*shape, arguments.rounds, arguments.threads) for shape in shapes]
    print(table(results))
    print(f"first update: {start['compiling_s']:.1f} s compiling, {start['cached_s']:.1f} s cached")
    if arguments.json is not None:
        figures = {"threads": arguments.threads, "start": start, "shapes": results}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
