"""Cost of an epoch of training, beside the product that every RBM needs and beside peers.

    python -m benchmarks.train [--json FILE] [--rounds 5] [--threads 2]

Every rival trains in a process of its own (`benchmarks.train_rivals`), and every round asks them
one after the other, so that other load affects all alike. Processor time varies less than wall time
on a busy machine; its product is that of BLAS on one thread, which does not spin while it waits.
At the largest shape a round is 20 batches, and its times are scaled to an epoch.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba

from benchmarks.train_data import ml_latest_small, planted, power_law
from benchmarks.train_quality import lines, race
from benchmarks.train_rivals import N_HIDDEN, RIVALS, config_of, save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data import Interactions

WHOLE_EPOCH = 1_000_000
SAMPLE = 20
SAMPLE_ROUNDS = 2
# Rivals of a round, each as (rival, threads); 0: as many as the benchmark may use.
ASKED = {name: (name, 0) for name in RIVALS} | {"product, one thread": ("product", 1)}
COLD_START = (
    "import time, numpy as np; from data import Interactions; from model import Config, train\n"
    "data = Interactions.from_arrays([0, 1], [1, 2], [1, 0]); started = time.perf_counter()\n"
    "train(data, Config(n_epochs=1)); print(time.perf_counter() - started)"
)
THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip


class Rival:
    """A process that trains one round per request."""

    def __init__(self, name: str, threads: int, data: Path, n_batches: int) -> None:
        self._name = name
        command = [sys.executable, "-m", "benchmarks.train_rivals", name, str(data), str(n_batches)]
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
        self._process = subprocess.Popen(  # noqa: S603 (ourselves)
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self) -> dict[str, float]:
        """Let it train a round; return what that took."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the rival was started without pipes")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} has ended, its error is above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate()


def installed() -> list[str]:
    """Names of `ASKED` without those whose library is missing."""
    libraries = {"scikit-learn": "sklearn", "PyTorch": "torch"}
    return [
        name
        for name in ASKED
        if name not in libraries or importlib.util.find_spec(libraries[name]) is not None
    ]


def measure(
    name: str, data: Interactions, rounds: int, threads: int, n_batches: int = WHOLE_EPOCH
) -> dict[str, Any]:
    """Ask all rivals `rounds` times at one shape, after one round that is not counted."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "ratings.npz"
        save(data, path)
        answers = list(_rounds(stack, path, rounds, threads, n_batches))
    epochs = {who: [answer[who] for answer in answers] for who in answers[0]}
    return {
        "name": name,
        "shape": {"users": data.n_users, "movies": data.n_movies, "ratings": data.n_ratings},
        "n_hidden": N_HIDDEN,
        "batch_size": config_of(data).batch_size,
        "timed_batches": min(n_batches, -(-data.n_users // config_of(data).batch_size)),
        "epochs": {
            who: {unit: statistics.median(answer[unit] for answer in found) for unit in found[0]}
            for who, found in epochs.items()
        },
        "ratios": ratios(epochs),
    }


def _rounds(
    stack: ExitStack, path: Path, rounds: int, threads: int, n_batches: int
) -> Iterator[dict[str, dict[str, float]]]:
    rivals = {}
    for who in installed():
        name, own_threads = ASKED[who]
        rivals[who] = Rival(name, own_threads or threads, path, n_batches)
        stack.callback(rivals[who].close)
    for count in range(rounds + 1):
        answers = {who: rival.ask() for who, rival in rivals.items()}
        if count:
            yield answers


def ratios(epochs: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    """Return our epoch divided by each of the others: medians of the rounds' ratios."""
    compared = [(who, "wall") for who in epochs if who not in ("ours", "product, one thread")]
    compared += [("product, one thread", "processor")]
    found = {}
    for who, kind in compared:
        pairs = zip(epochs["ours"], epochs[who], strict=True)
        unit = f"{kind}_s"
        found[f"{who} ({kind})"] = statistics.median(ours[unit] / x[unit] for ours, x in pairs)
    return found


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


def table(result: dict[str, Any]) -> list[str]:
    """Return the figures of one shape as text."""
    shape, epochs = result["shape"], result["epochs"]
    title = (
        f"{result['name']}: {shape['users']:,} users x {shape['movies']:,} movies, "
        f"{shape['ratings']:,} ratings, {result['n_hidden']} hidden units, "
        f"{result['timed_batches']} batches of {result['batch_size']} timed"
    )
    rows = [
        f"    {who:<24}{took['wall_s']:9.3f} s wall{took['processor_s']:9.3f} s processor"
        f"{took['peak_mib']:9,.0f} MiB peak"
        for who, took in epochs.items()
    ]
    missing = [f"    {who:<24} not installed" for who in ASKED if who not in epochs]
    divided = [f"    ours / {who:<32}{value:7.2f}" for who, value in result["ratios"].items()]
    return [title, *rows, *missing, *divided]


def main() -> None:
    """Measure all shapes and both races, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=numba.get_num_threads())
    arguments = parser.parse_args()
    began = time.perf_counter()
    start = start_seconds()
    print(f"first update: {start['compiling_s']:.1f} s compiling, {start['cached_s']:.1f} s cached")
    shapes = []
    rounds = arguments.rounds
    for (name, data), n_rounds, n_batches in (
        (ml_latest_small(), rounds, WHOLE_EPOCH),
        (("ml-1m shape, synthetic", power_law(6_040, 3_700, 1_000_000)), rounds, WHOLE_EPOCH),
        (
            ("ml-20m shape, synthetic", power_law(138_000, 26_700, 20_000_000)),
            min(rounds, SAMPLE_ROUNDS),
            SAMPLE,
        ),
    ):
        shapes.append(measure(name, data, n_rounds, arguments.threads, n_batches))
        print("\n".join(table(shapes[-1])), flush=True)
    races = []
    for name, data in (
        ml_latest_small(),
        ("planted tastes, ml-1m shape", planted(6_040, 3_700, 1_000_000)),
    ):
        races.append(race(name, data))
        print("\n".join(lines(races[-1])), flush=True)
    print(f"all in {time.perf_counter() - began:.0f} s")
    if arguments.json is not None:
        figures = {
            "threads": arguments.threads, "start": start, "shapes": shapes, "races": races,
        }  # fmt: skip
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
