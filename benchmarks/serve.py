"""Cost of a response of the service, beside lower bounds.

    python -m benchmarks.serve [--json FILE] [--seconds 3] [--rounds 3]

Warm: requests per second of a cached response, beside a FastAPI route that returns the same
bytes ready-made, in the same application and in one of its own, and beside a bare ASGI application.
Cold: processor time of a cache miss (database, fold-in, scores of all movies, ranking, JSON),
beside the product W h alone. All rounds alternate, so that other load affects both sides of a
ratio. Server and load run on different cores where there are two.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from app.db.engine import Database
from app.live.model_reloader import ModelReloader
from app.recommendations.options import RecommendationsQuery
from app.recommendations.service import RecommendationService
from benchmarks.serving_world import READY, make_world, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHAPES = ((9_700, 500), (27_000, 500))
PATH = "/recommendations/usual?limit=20"
COLD_RUNS = 15
START_S = 60
STARTS = 5


def cold(folder: Path) -> dict[str, float]:
    """Milliseconds of processor time of a response and of the product, medians of a few runs."""
    settings = settings_of(folder)
    database = Database(settings.database_url)
    models = ModelReloader(database, settings.models_dir, settings.like_threshold)
    models.refresh()
    service = RecommendationService(database, models.current, settings.like_threshold)
    served = models.current.snapshot.model
    if served is None:
        raise RuntimeError("the model could not be loaded")
    weights, h = served.rbm.weights, np.full(served.rbm.n_hidden, 0.3, dtype=np.float32)
    runs: dict[str, Callable[[], object]] = {"product": lambda: weights @ h}
    for user in ("usual", "busy"):
        for explain in (0, 3):
            query = RecommendationsQuery(explain=explain)
            runs[f"{user}, {explain} reasons"] = lambda user=user, query=query: (  # type: ignore[misc]
                service.recommend(user, query).model_dump_json()
            )
    times: dict[str, list[float]] = {name: [] for name in runs}
    with threadpool_limits(1, user_api="blas"):  # processor time of threads that wait is none
        for _ in range(COLD_RUNS):
            for name, run in runs.items():
                begin = time.process_time()
                run()
                times[name].append(1000 * (time.process_time() - begin))
    database.dispose()
    return {name: statistics.median(values) for name, values in times.items()}


@contextmanager
def server(folder: Path, kind: str, core: int | None) -> Iterator[tuple[int, int, float]]:
    """Run one of the applications; yield port, process id and seconds until it responded."""
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.serving_world", str(folder), str(port), kind]
    begin = time.perf_counter()
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(_on(core, command), stdout=log, stderr=log)  # noqa: S603 (ourselves)
    try:
        _wait_for(port, process)
        yield port, process.pid, time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _on(core: int | None, command: list[str]) -> list[str]:
    return command if core is None else ["taskset", "-c", str(core), *command]


def put_load(
    port: int, path: str, key: str, core: int | None, seconds: float, rate: float = 0
) -> dict[str, float]:
    """Run the load generator in a process of its own."""
    command = [
        sys.executable, "-m", "benchmarks.load", str(port), path, "--seconds", str(seconds),
        "--rate", str(rate), "--header", f"Authorization: Bearer {key}",
    ]  # fmt: skip
    done = subprocess.run(_on(core, command), check=True, capture_output=True, text=True)  # noqa: S603 (ourselves)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def warm(folder: Path, key: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Request a cached response and its rivals at full load, then at half."""
    cores = sorted(os.sched_getaffinity(0))
    ours, load = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    with server(folder, "ours", ours) as (port, _, _):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{PATH}", headers={"Authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310 (the same)
            (folder / READY).write_bytes(response.read())
    rivals = {
        "cached response": ("ours", PATH),
        "ready-made, same application": ("ours", "/ready-made/usual?limit=20"),
        "ready-made, FastAPI alone": ("ready-made", "/ready-made/usual?limit=20"),
        "bare ASGI": ("bare", PATH),
    }
    with ExitStack() as stack:
        running = {
            kind: stack.enter_context(server(folder, kind, ours))[:2]
            for kind in ("ours", "ready-made", "bare")
        }
        found: dict[str, dict[str, list[float]]] = {
            name: {"per_second": [], "processor_us": []} for name in rivals
        }
        for _ in range(rounds):
            for name, (kind, path) in rivals.items():
                port, process_id = running[kind]
                begin = _processor_seconds(process_id)
                figures = put_load(port, path, key, load, seconds)
                spent = _processor_seconds(process_id) - begin
                found[name]["per_second"].append(figures["per_second"])
                found[name]["processor_us"].append(1e6 * spent / figures["requests"])
        half = statistics.median(found["cached response"]["per_second"]) / 2
        latency = put_load(running["ours"][0], PATH, key, load, 2 * seconds, rate=half)
    return {**_compare(found), "at_half": latency}


def _compare(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Divide what ours does by what each rival does, round by round: 1 is as fast."""
    ours = found["cached response"]
    figures: dict[str, dict[str, float]] = {"per_second": {}, "processor_us": {}, "ratios": {}}
    for name, rounds in found.items():
        for unit, values in rounds.items():
            figures[unit][name] = statistics.median(values)
        for unit in ("per_second", "processor_us") if rounds is not ours else ():
            pairs = zip(ours[unit], rounds[unit], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            figures["ratios"][f"throughput by {unit}, in times {name}"] = (
                ratio if unit == "per_second" else 1 / ratio
            )
    return figures


def _processor_seconds(process_id: int) -> float:
    """Return what a process has used so far (Linux: in hundredths)."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def workers(folder: Path, key: str) -> dict[str, float]:
    """Measure private memory and start-up time of a second worker on the same artifact."""
    with server(folder, "ours", None) as (port, _, _), server(folder, "ours", None) as more:
        for where in (port, more[0]):
            put_load(where, PATH, key, None, 1)
            put_load(where, "/model/features", key, None, 1)
        return {"uss_mib": _unique_memory(more[1]), "worker_start_s": more[2]}


def _unique_memory(process_id: int) -> float:
    """Sum up the pages that no other process has (Linux), in MiB."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    private = [line.split()[1] for line in lines if line.startswith("Private_")]
    return sum(map(int, private)) / 1024


def start(folder: Path) -> dict[str, float]:
    """Seconds from the command `recommender serve` until the service says that it is ready."""
    settings = settings_of(folder)
    environment = {
        **os.environ,
        "RECOMMENDER_DATABASE_URL": settings.database_url,
        "RECOMMENDER_MODELS_DIR": str(settings.models_dir),
    }
    seconds = []
    for _ in range(STARTS):
        port = _free_port()
        begin = time.perf_counter()
        with (folder / "serve.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                env={**environment, "RECOMMENDER_PORT": str(port)}, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            _wait_for(port, process)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready"):
                seconds.append(time.perf_counter() - begin)
        finally:
            process.terminate()
            process.wait()
    return {"ready_s": statistics.median(seconds), "ready_s, the longest": max(seconds)}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def table(figures: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = ["warm, requests per second (load: benchmarks.load, Python, 8 connections)"]
    lines += [
        f"    {name:<44}{value:9.0f}" for name, value in figures["warm"]["per_second"].items()
    ]
    lines.append("the same, microseconds of the server's processor per request")
    lines += [
        f"    {name:<44}{value:9.0f}" for name, value in figures["warm"]["processor_us"].items()
    ]
    lines += [f"{name:<64}{value:7.2f}" for name, value in figures["warm"]["ratios"].items()]
    half = figures["warm"]["at_half"]
    lines.append(
        f"at half of that: p50 {half['p50_ms']:.2f} ms, p99 {half['p99_ms']:.2f} ms, "
        f"p99 / p50 {half['p99_ms'] / half['p50_ms']:.1f}"
    )
    for shape, times in figures["cold"].items():
        lines.append(f"cold, ms of processor time, {shape}, product {times['product']:.2f}")
        for name, value in times.items():
            ratio = (value - 1) / times["product"]
            lines.append(f"    {name:<44}{value:9.2f}  (less 1 ms, in products: {ratio:.2f})")
    more = {**figures["workers"], **figures["start"]}
    lines += [f"{name:<48}{value:9.2f}" for name, value in more.items()]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--seconds", type=float, default=3, help="of load per rival and round")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"cold": {}}
    with tempfile.TemporaryDirectory() as name:
        for n_movies, n_hidden in SHAPES:
            folder = Path(name) / str(n_movies)
            folder.mkdir()
            key = make_world(folder, n_movies, n_hidden)
            figures["cold"][f"{n_movies:,} movies x {n_hidden} hidden units"] = cold(folder)
            if (n_movies, n_hidden) == SHAPES[0]:
                figures["warm"] = warm(folder, key, arguments.seconds, arguments.rounds)
                figures["workers"] = workers(folder, key)
                figures["start"] = start(folder)
    print(table(figures))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
