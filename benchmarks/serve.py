"""Cost of a response of the service as users start it, beside lower bounds.

    python -m benchmarks.serve [--json FILE] [--seconds 3] [--rounds 3]

Warm: requests per second of a cached response of `recommender serve` on kept connections, beside
the applications of `benchmarks.serving_world` and the same application called without sockets. The
load comes from wrk where it is installed, and from `benchmarks.load`. Cold: processor time of a
cache miss (database, fold-in, scores of all movies, ranking, JSON), beside the product W h alone.
All rounds alternate, so that other load affects both sides of a ratio. Server and load run on
different cores where there are two.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from app.db.engine import Database
from app.live.model_reloader import ModelReloader
from app.recommendations.options import RecommendationsQuery
from app.recommendations.service import RecommendationService
from app.store.folder import ModelStore
from benchmarks.serving_world import PATH, QUERY, keep_ready, make_world, settings_of
from tests.app.service_process import processes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SHAPES = ((9_700, 500), (27_000, 500))
REQUEST = f"{PATH}?{QUERY}"
OURS = "recommender serve"
RIVALS = ("application", "ready-made", "gorse-like", "bare")
IN_PROCESS = "in-process, without HTTP"
CONNECTIONS = 8
IDLE_RATE = 50.0  # requests per second of one client to a service that has nothing else to do
COLD_RUNS = 15
START_S = 300
STARTS = 5
WRK = shutil.which("wrk")
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Server(NamedTuple):
    """A running server, and how long it took until it was ready."""

    port: int
    pid: int
    start_s: float


def cold(folder: Path) -> dict[str, float]:
    """Milliseconds of processor time of a response and of the product, medians of a few runs."""
    settings = settings_of(folder)
    database = Database(settings.database_url)
    models = ModelReloader(database, ModelStore(settings.models_dir), settings.like_threshold)
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
    with threadpool_limits(settings.scoring_threads, user_api="blas"):
        for _ in range(COLD_RUNS):
            for name, run in runs.items():
                begin = time.process_time()
                run()
                times[name].append(1000 * (time.process_time() - begin))
    database.dispose()
    return {name: statistics.median(values) for name, values in times.items()}


@contextmanager
def serve(
    folder: Path,
    core: int | None = None,
    workers: int = 1,
    *,
    more: Mapping[str, str] | None = None,
    checkout: Path | None = None,
) -> Iterator[Server]:
    """Run `recommender serve`, maybe of another checkout, with settings by environment."""
    settings = settings_of(folder)
    variables = {
        "RECOMMENDER_DATABASE_URL": settings.database_url,
        "RECOMMENDER_MODELS_DIR": str(settings.models_dir),
        "RECOMMENDER_KEY_RATE_LIMIT": str(settings.key_rate_limit),
        "RECOMMENDER_WORKERS": str(workers),
        **(more or {}),
    }
    command = ["-m", "app", "serve"]
    with _running(folder / "serve.log", command, variables, core, checkout) as server:
        yield server


@contextmanager
def rival(folder: Path, kind: str, core: int | None) -> Iterator[Server]:
    """Run one of the other applications."""
    command = ["-m", "benchmarks.serving_world", str(folder), "PORT", kind]
    with _running(folder / f"{kind}.log", command, {}, core) as server:
        yield server


@contextmanager
def _running(
    log: Path,
    command: list[str],
    variables: dict[str, str],
    core: int | None,
    checkout: Path | None = None,
) -> Iterator[Server]:
    port = _free_port()
    command = [str(port) if part == "PORT" else part for part in command]
    environment = {**os.environ, **variables}
    if variables:
        environment["RECOMMENDER_PORT"] = str(port)
    begin = time.perf_counter()
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 (ourselves)
            on_core(core, [sys.executable, *command]),
            cwd=checkout, env=environment, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        _wait_for(port, process)
        yield Server(port, process.pid, time.perf_counter() - begin)
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


def on_core(core: int | None, command: list[str]) -> list[str]:
    """Return the command that runs on a core, or anywhere."""
    return command if core is None else ["taskset", "-c", str(core), *command]


def put_load(
    port: int,
    key: str,
    core: int | None,
    seconds: float,
    *,
    rate: float = 0,
    connections: int = CONNECTIONS,
) -> dict[str, float]:
    """Run the load generator in Python in a process of its own."""
    command = [
        sys.executable, "-m", "benchmarks.load", str(port), REQUEST, "--seconds", str(seconds),
        "--rate", str(rate), "--connections", str(connections),
        "--header", f"Authorization: Bearer {key}",
    ]  # fmt: skip
    done = subprocess.run(on_core(core, command), check=True, capture_output=True, text=True)  # noqa: S603 (ourselves)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def put_wrk(port: int, key: str, core: int | None, seconds: float) -> dict[str, float]:
    """Run wrk."""
    command = [
        "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(round(seconds), 1)}s", "--latency",
        "-H", f"Authorization: Bearer {key}", f"http://127.0.0.1:{port}{REQUEST}",
    ]  # fmt: skip
    done = subprocess.run(on_core(core, command), check=True, capture_output=True, text=True)  # noqa: S603 (ourselves)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)

    def figure(pattern: str) -> float:
        found = re.search(pattern, done.stdout)
        if found is None:
            raise RuntimeError(done.stdout)
        return float(found[1]) * UNITS_MS.get(found[2] if found.re.groups > 1 else "ms", 1.0)

    return {
        "requests": figure(r"(\d+) requests in"),
        "per_second": figure(r"Requests/sec: +([\d.]+)"),
        "p50_ms": figure(r" 50% +([\d.]+)(us|ms|s)"),
        "p99_ms": figure(r" 99% +([\d.]+)(us|ms|s)"),
    }


def call_in_process(folder: Path, key: str, core: int | None, seconds: float) -> float:
    """Return the responses per second of our application without sockets and HTTP."""
    command = [
        sys.executable, "-m", "benchmarks.serving_world", str(folder), str(seconds), "in-process",
        key,
    ]  # fmt: skip
    done = subprocess.run(on_core(core, command), check=True, capture_output=True, text=True)  # noqa: S603 (ourselves)
    return float(done.stdout)


def warm(folder: Path, key: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Request a cached response and its rivals at full load, then at half, then one by one."""
    cores = sorted(os.sched_getaffinity(0))
    ours, load = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    found: dict[str, dict[str, list[float]]] = {
        name: {"per_second": [], "by_wrk": [], "processor_us": []}
        for name in (OURS, *RIVALS, IN_PROCESS)
    }
    with ExitStack() as stack:
        running = {OURS: stack.enter_context(serve(folder, ours))}
        keep_ready(folder, _read(running[OURS].port, key))
        for kind in RIVALS:
            running[kind] = stack.enter_context(rival(folder, kind, ours))
        for _ in range(rounds):
            for name, server in running.items():
                _measure(found[name], server, key, load, seconds)
            found[IN_PROCESS]["per_second"].append(call_in_process(folder, key, ours, seconds))
        port = running[OURS].port
        half = statistics.median(found[OURS]["per_second"]) / 2
        at_half = put_load(port, key, load, 2 * seconds, rate=half)
        idle = put_load(port, key, load, 2 * seconds, rate=IDLE_RATE, connections=1)
    return {**_compare(found), "at_half": at_half, "idle": idle}


def _measure(
    found: dict[str, list[float]], server: Server, key: str, core: int | None, seconds: float
) -> None:
    begin = _processor_seconds(server.pid)
    figures = put_load(server.port, key, core, seconds)
    spent = _processor_seconds(server.pid) - begin
    found["per_second"].append(figures["per_second"])
    found["processor_us"].append(1e6 * spent / figures["requests"])
    if WRK:
        found["by_wrk"].append(put_wrk(server.port, key, core, seconds)["per_second"])


def _read(port: int, key: str) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{REQUEST}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 (ourselves)
        body: bytes = response.read()
    return body


def _compare(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Divide what ours does by what each rival does, round by round: 1 is as fast."""
    figures: dict[str, dict[str, float]] = {
        "per_second": {}, "by_wrk": {}, "processor_us": {}, "ratios": {}
    }  # fmt: skip
    for name, units in found.items():
        for unit, values in units.items():
            if not values:
                continue
            figures[unit][name] = statistics.median(values)
            if name != OURS:
                pairs = zip(found[OURS][unit], values, strict=True)
                ratio = statistics.median(a / b for a, b in pairs)
                figures["ratios"][f"{name}, {unit}"] = (
                    1 / ratio if unit == "processor_us" else ratio
                )
    return figures


def _processor_seconds(process_id: int) -> float:
    """Return what a process has used so far (Linux: in hundredths)."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def workers(folder: Path, key: str, seconds: float) -> dict[str, float]:
    """Measure one and two workers, which share the cores with the load, and their memory."""
    figures = {}
    for n_workers in (1, 2):
        with serve(folder, workers=n_workers) as server:
            loaded = put_wrk if WRK else put_load
            name = f"{n_workers} worker{'s' * (n_workers > 1)} on all cores"
            figures[f"{name}, requests per second"] = loaded(server.port, key, None, seconds)[
                "per_second"
            ]
            memory = [_own_memory(pid) for pid in processes_of(server.pid)]
            figures[f"{name}, MiB of the largest process alone"] = max(memory)
            figures[f"{name}, MiB of all processes"] = sum(memory)
    return figures


def _own_memory(process_id: int) -> float:
    """Sum up the pages that no other process has (Linux), in MiB."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    private = [line.split()[1] for line in lines if line.startswith("Private_")]
    return sum(map(int, private)) / 1024


def start(folder: Path) -> dict[str, float]:
    """Seconds from the command `recommender serve` until the service says that it is ready."""
    seconds = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with serve(folder) as server:
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health/ready").close()
            seconds.append(time.perf_counter() - begin)
    return {"ready after seconds": statistics.median(seconds), "the longest": max(seconds)}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def table(figures: dict[str, Any]) -> str:
    """Return the figures as text."""
    warm = figures["warm"]
    lines = [
        f"warm, requests per second on 8 kept connections{'':>11}Python      wrk   µs of processor",
        *(
            f"    {name:<44}{warm['per_second'][name]:10.0f}"
            f"{warm['by_wrk'].get(name, float('nan')):9.0f}"
            f"{warm['processor_us'].get(name, float('nan')):18.0f}"
            for name in warm["per_second"]
        ),
        *([] if WRK else ["    wrk is not installed"]),
        f"{OURS}, in times of",
        *(f"    {name:<52}{value:11.2f}" for name, value in warm["ratios"].items()),
    ]
    half, idle = warm["at_half"], warm["idle"]
    lines += [
        f"at half of that: p50 {half['p50_ms']:.2f} ms, p99 {half['p99_ms']:.2f} ms",
        f"one client, idle service: p50 {idle['p50_ms']:.2f} ms, p99 {idle['p99_ms']:.2f} ms",
    ]
    for shape, times in figures["cold"].items():
        lines.append(f"cold, ms of processor time, {shape}, product {times['product']:.2f}")
        for name, value in times.items():
            ratio = (value - 1) / times["product"]
            lines.append(f"    {name:<44}{value:9.2f}  (less 1 ms, in products: {ratio:.2f})")
    more = {**figures["workers"], **figures["start"]}
    lines += [f"{name:<56}{value:11.2f}" for name, value in more.items()]
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
                figures["workers"] = workers(folder, key, arguments.seconds)
                figures["start"] = start(folder)
    print(table(figures))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
