"""What the service does with more requests than it can answer.

    python -m benchmarks.overload [--seconds 60] [--workers 1 2] [--databases sqlite postgresql]

Starts `recommender serve` on a world of the size of ml-latest-small, finds its capacity in
responses that are not cached (closed loop), then sends such requests at .5, 2 and 5 times that
rate whether they are answered or not (open loop), from clients that give up after 5 seconds.
Beside them, always at the same rates: cached responses, writes, and `/health/live`. A latency
counts from when a request was due. One worker and the client run on different cores; PostgreSQL
shares the client's. Where two workers fill both cores the client, which would be on another
machine, has priority over them (if it may take it: as root).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import insert

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.db.engine import Database
from app.db.tables import ratings, users
from benchmarks.serving_world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

N_MOVIES, N_HIDDEN = 9_700, 500
N_USERS, N_RATINGS = 600, 165
PATIENCE_S = 5.0
CAPACITY_CONNECTIONS = 16  # per worker
CLIENT_PRIORITY = -10
FACTORS = (0.5, 2.0, 5.0)
# Requests per second beside those that are not cached.
BESIDE = {"cached": 20.0, "write": 5.0, "live": 10.0}
CALM_PER_S = 25.0
START_S = 60


class Answer(NamedTuple):
    """A request and what came of it."""

    kind: str
    due: float
    seconds: float
    status: int  # 0: none in time


class Client:
    """Sends requests on kept connections, as many as are needed."""

    def __init__(
        self, port: int, key: str, patience_s: float = PATIENCE_S, host: str = "127.0.0.1"
    ) -> None:
        self.host, self.port = host, port
        self.patience_s = patience_s
        self.key = key
        self.answers: list[Answer] = []
        self.late: list[float] = []  # how late requests were sent: is the client fast enough?
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._numbers = count(1)
        self._random = random.Random(1)  # noqa: S311 - load, not secrets

    async def ask(self, kind: str, due: float) -> Answer:
        """Send a request, note its answer."""
        self.late.append(time.perf_counter() - due)
        try:
            status = await asyncio.wait_for(self._exchange(self._request(kind)), self.patience_s)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            status = 0
        answer = Answer(kind, due, time.perf_counter() - due, status)
        self.answers.append(answer)
        return answer

    def _request(self, kind: str) -> bytes:
        number, body = next(self._numbers), b""
        user, movie = self._random.randrange(N_USERS), self._random.randrange(1, N_MOVIES)
        match kind:
            case "cold":  # excludes a movie that is nowhere, and so is like no request before
                line = f"GET /recommendations/u{user}?limit=20&exclude={10**8 + number}"
            case "cached":
                line = "GET /recommendations/usual?limit=20"
            case "write":
                line, body = f"PUT /users/writer/ratings/{movie}", b'{"liked": true}'
            case _:
                line = "GET /health/live"
        head = (
            f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _exchange(self, request: bytes) -> int:
        while self._idle:
            # Any of them, or the few that were used last might all be of one worker.
            kept = self._idle.pop(self._random.randrange(len(self._idle)))
            if not kept[0].at_eof():  # the server has not closed it meanwhile
                reader, writer = kept
                break
        else:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            asks_for_list = request.startswith(b"GET /recommendations")
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer))
        status = int(head[9:12])
        # A list of popular movies would cost nothing, and half an answer is none.
        right = body.endswith(b"}") and (b'"source":"rbm"' in body or not asks_for_list)
        return status if right or status == 503 else -1

    async def send_at(self, rates: dict[str, float], seconds: float) -> list[Answer]:
        """Send at these rates, at random moments, whether answered or not."""
        self.answers, self.late, begin = [], [], time.perf_counter()
        tasks: set[asyncio.Task[Answer]] = set()

        async def keep_sending(kind: str, rate: float) -> None:
            due = begin
            while True:
                due += self._random.expovariate(rate)
                if due > begin + seconds:
                    return
                # All that is due at once: a turn of the loop each would be late on busy cores.
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                task = asyncio.create_task(self.ask(kind, due))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        await asyncio.gather(*(keep_sending(*each) for each in rates.items()))
        if tasks:
            await asyncio.wait(tasks)
        return self.answers

    async def send_in_turn(self, connections: int, seconds: float) -> float:
        """Send the next request when the last is answered; return right answers per second."""
        self.answers, begin = [], time.perf_counter()

        async def turn() -> None:
            while (now := time.perf_counter()) < begin + seconds:
                answer = await self.ask("cold", now)
                if answer.status != 200:
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(turn() for _ in range(connections)))
        right = sum(answer.status == 200 for answer in self.answers)
        return right / (time.perf_counter() - begin)

    async def until_normal(self, usual_s: float) -> float:
        """Send few requests until ten in turn are answered in twice the usual time."""
        begin = time.perf_counter()
        in_turn, since = 0, begin
        while in_turn < 10 and time.perf_counter() < begin + 60:
            due = time.perf_counter()
            answer = await self.ask("cold", due)
            fine = answer.status == 200 and answer.seconds <= 2 * usual_s
            since = since if fine and in_turn else due
            in_turn = in_turn + 1 if fine else 0
            await asyncio.sleep(1 / CALM_PER_S)
        return since - begin if in_turn else 60.0


def fill(folder: Path) -> str:
    """Make the world, with users as active as those of the data set; return a key."""
    make_world(folder, N_MOVIES, N_HIDDEN)
    database = Database(f"sqlite:///{folder / 'recommender.db'}")
    rng, now = np.random.default_rng(2), datetime.now(UTC)
    with database.unit_of_work() as connection:
        for number in range(N_USERS):
            user = insert(users).values(key=f"u{number}", ratings_revision=0)
            user_id = connection.execute(user.returning(users.c.id)).scalar_one()
            rows = [
                {"user_id": user_id, "movie_id": int(row) + 1, "rated_at": now,
                 "stars": float(rng.integers(1, 11)) / 2}
                for row in rng.choice(N_MOVIES, N_RATINGS, replace=False)
            ]  # fmt: skip
            connection.execute(insert(ratings), rows)
    key = create_key(database, [Scope.READ, Scope.WRITE], "overload")
    database.dispose()
    return key.text


@contextmanager
def first_of_all() -> Iterator[None]:
    """Give this process priority over what it asks, as another machine would have it (as root)."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, CLIENT_PRIORITY)
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)


@contextmanager
def serving(environment: dict[str, str], log: Path, core: int | None) -> Iterator[tuple[int, int]]:
    """Run `recommender serve`; yield its port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app", "serve"]
    pinned = command if core is None else ["taskset", "-c", str(core), *command]
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 (ourselves)
            pinned, env={**environment, "RECOMMENDER_PORT": str(port)}, stdout=file, stderr=file
        )
    try:
        end = time.monotonic() + START_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        time.sleep(2)  # each worker has loaded its model
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def memory(process_id: int) -> float:
    """Sum up the resident memory of a process and its children (Linux), in MiB."""
    total = 0
    for process in (process_id, *_children(process_id)):
        with suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text()
            total += int(status.partition("VmRSS:")[2].split()[0])
    return total / 1024


def _children(process_id: int) -> list[int]:
    text = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    children = [int(child) for child in text.split()]
    return [each for child in children for each in (child, *_children(child))]


async def measure(
    port: int, process_id: int, key: str, seconds: float, workers: int
) -> dict[str, Any]:
    """Find the capacity, then load beyond it."""
    client = Client(port, key)
    connections = CAPACITY_CONNECTIONS * workers
    await client.send_in_turn(connections, min(seconds, 5))  # warms up
    capacity = await client.send_in_turn(connections, min(seconds, 20))
    figures: dict[str, Any] = {"capacity per s": capacity, "loads": {}}
    for factor in FACTORS:
        before = peak = memory(process_id)

        async def watch() -> None:
            nonlocal peak
            while True:
                await asyncio.sleep(0.25)
                peak = max(peak, memory(process_id))

        watching = asyncio.create_task(watch())
        spent = time.process_time()
        answers = await client.send_at({"cold": factor * capacity, **BESIDE}, seconds)
        spent = time.process_time() - spent
        watching.cancel()
        row = figures_of(answers, capacity, seconds)
        row["client: processor share"] = spent / seconds
        row["client: late p99 ms"] = 1000 * float(np.percentile(client.late, 99))
        usual = figures["loads"].get(FACTORS[0], row)["accepted p50 ms"] / 1000
        row["normal after s"] = await client.until_normal(usual)
        row |= {"MiB before": before, "MiB peak": peak, "MiB after": memory(process_id)}
        figures["loads"][factor] = row
    return figures


def figures_of(answers: list[Answer], capacity: float, seconds: float) -> dict[str, Any]:
    """Sum up what came of the requests of one load."""
    by_kind: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_kind[answer.kind].append(answer)
    cold = by_kind["cold"]
    accepted = [each.seconds for each in cold if each.status == 200]
    refused = [each.seconds for each in answers if each.status == 503]
    right = len(accepted) / seconds

    def milliseconds(values: list[float], quantile: float) -> float:
        return 1000 * float(np.percentile(values, quantile)) if values else float("nan")

    live = [each.seconds for each in by_kind["live"]]
    cached = [each.seconds for each in by_kind["cached"]]
    writes = [each.seconds for each in by_kind["write"] if each.status in (200, 201)]
    others = [e for e in answers if e.status not in (200, 201, 503)]
    return {
        "sent per s": len(cold) / seconds,
        "right per s": right,
        "right, of capacity": right / capacity,
        "accepted p50 ms": milliseconds(accepted, 50),
        "accepted p99 ms": milliseconds(accepted, 99),
        "503s": len(refused),
        "503 p50 ms": milliseconds(refused, 50),
        "503 p99 ms": milliseconds(refused, 99),
        "503 max ms": milliseconds(refused, 100),
        "live p99 ms": milliseconds(live, 99),
        "live max ms": milliseconds(live, 100),
        "cached p99 ms": milliseconds(cached, 99),
        "writes right": len(writes) / max(len(by_kind["write"]), 1),
        "write p99 ms": milliseconds(writes, 99),
        "no or wrong answer": len(others),
    }


def table(title: str, figures: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [f"{title}: capacity {figures['capacity per s']:.1f} responses/s, not cached"]
    loads = figures["loads"]
    lines.append(f"    {'':<26}" + "".join(f"{factor:>9g} ×" for factor in loads))
    for name in next(iter(loads.values())):
        cells = "".join(f"{row[name]:11.2f}" for row in loads.values())
        lines.append(f"    {name:<26}{cells}")
    half, *more = loads.values()
    for factor, row in zip(list(loads)[1:], more, strict=True):
        ratio = row["accepted p99 ms"] / half["accepted p99 ms"]
        growth = row["MiB peak"] / row["MiB before"] - 1
        lines.append(f"    {factor:g} ×: p99 in times half load {ratio:.2f}, memory {growth:+.1%}")
    return "\n".join(lines)


@contextmanager
def database_url(kind: str, folder: Path, log: Path) -> Iterator[str]:
    """Give the world in a database of this kind."""
    sqlite = f"sqlite:///{folder / 'recommender.db'}"
    if kind == "sqlite":
        yield sqlite
        return
    from tests import postgresql  # noqa: PLC0415 - how the tests have one

    with postgresql.server(folder) as server:
        url = server.create(migrated=False).render_as_string(hide_password=False)
        copy = str(folder / "world.tar")
        old = environment_of(sqlite, folder / "models")
        new = environment_of(url, folder / "restored")
        for environment, command in (
            (old, ["backup", copy]),
            (new, ["db", "upgrade"]),
            (new, ["restore", copy, "--replace", "--yes"]),
        ):
            with log.open("ab") as file:
                subprocess.run(  # noqa: S603 (ourselves)
                    [sys.executable, "-m", "app", *command],
                    env=environment, check=True, stdout=file, stderr=file,
                )  # fmt: skip
        yield url


def environment_of(url: str, models_dir: Path) -> dict[str, str]:
    """Return the environment of a command."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RECOMMENDER_")}
    return {
        **inherited,
        "RECOMMENDER_DATABASE_URL": url,
        "RECOMMENDER_MODELS_DIR": str(models_dir),
        "RECOMMENDER_KEY_RATE_LIMIT": "0",
    }


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        key = fill(folder)
        for kind in arguments.databases:
            with database_url(kind, folder, log) as url:
                models = folder / ("models" if kind == "sqlite" else "restored")
                for workers in arguments.workers:
                    alone = workers == 1 and len(cores) > 1
                    os.sched_setaffinity(0, {cores[-1]} if alone else set(cores))
                    environment = environment_of(url, models)
                    environment["RECOMMENDER_WORKERS"] = str(workers)
                    core = cores[0] if alone else None
                    with serving(environment, log, core) as (port, process_id):
                        title = f"{kind}, {workers} worker{'s' * (workers > 1)}"
                        with first_of_all():
                            found[title] = asyncio.run(
                                measure(port, process_id, key, arguments.seconds, workers)
                            )
                        print(table(title, found[title]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
