"""Latency of readers while writers wait for a lock.

    python -m benchmarks.locks [--seconds 40] [--databases sqlite postgresql]

Starts `recommender serve`, and asks it for responses that are not cached, 10 per second: first
alone, then while another process holds the write lock of SQLite and 60 clients send PUTs at once,
or a lock of PostgreSQL's table of ratings and 30 clients. Each client tries again a second after a
refusal. A latency counts from when a request was due.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sqlalchemy import text

from app.db.engine import Database
from benchmarks.overload import Answer, Client, database_url, environment_of, fill, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

READS_PER_S = 10
WRITERS = {"sqlite": 60, "postgresql": 30}
AGAIN_S = 1.0


class Phase(NamedTuple):
    """What readers and writers got."""

    reads: list[Answer]
    writes: list[Answer]


async def read(client: Client, seconds: float) -> list[Answer]:
    """Send reads at even intervals, whether answered or not."""
    begin = time.perf_counter()
    tasks = []
    for number in range(int(seconds * READS_PER_S)):
        due = begin + number / READS_PER_S
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(client.ask("cold", due)))
    return list(await asyncio.gather(*tasks))


async def write(client: Client, seconds: float) -> list[Answer]:
    """Send writes one after the other; the first at once."""
    end, answers = time.perf_counter() + seconds, []
    while (now := time.perf_counter()) < end:
        answers.append(await client.ask("write", now))
        await asyncio.sleep(AGAIN_S)
    return answers


async def phase(port: int, key: str, seconds: float, n_writers: int) -> Phase:
    """Read beside so many writers."""
    client = Client(port, key, patience_s=60)
    writers = [asyncio.create_task(write(client, seconds)) for _ in range(n_writers)]
    reads = await read(client, seconds)
    return Phase(
        reads, [answer for answers in await asyncio.gather(*writers) for answer in answers]
    )


@contextmanager
def lock_held(url: str) -> Iterator[None]:
    """Let all writers wait until the end of the block."""
    database = Database(url)
    with database.unit_of_work() as connection:  # of SQLite this is the write lock
        if not database.is_sqlite:
            connection.execute(text("LOCK TABLE ratings IN EXCLUSIVE MODE"))
        yield
    database.dispose()


def line(title: str, found: Phase) -> str:
    """Return the figures as text."""
    seconds = [answer.seconds for answer in found.reads]
    p50, p99 = (1000 * float(np.percentile(seconds, q)) for q in (50, 99))
    wrong = sum(answer.status != 200 for answer in found.reads)
    row = f"{title:<24}{len(seconds):6} reads, p50 {p50:7.1f} ms, p99 {p99:7.1f} ms, {wrong} failed"
    if found.writes:
        statuses = dict(sorted(Counter(answer.status for answer in found.writes).items()))
        slowest = max(answer.seconds for answer in found.writes)
        row += f"; writes by status {statuses}, slowest {slowest:.2f} s"
    return row


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40, help="of each phase")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        key = fill(folder)
        for kind in arguments.databases:
            models = folder / ("models" if kind == "sqlite" else "restored")
            with (
                database_url(kind, folder, log) as url,
                serving(environment_of(url, models), log, cores[0]) as (port, _),
            ):
                asyncio.run(phase(port, key, 3, 0))  # warms up
                usual = asyncio.run(phase(port, key, arguments.seconds, 0))
                print(line(f"{kind}, no writer", usual), flush=True)
                with lock_held(url):
                    held = phase(port, key, arguments.seconds, WRITERS[kind])
                    print(line(f"{kind}, lock held", asyncio.run(held)), flush=True)


if __name__ == "__main__":
    main()
