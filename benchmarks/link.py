"""Training on Dask where workers are reached over a slow link: seconds of a round, and bytes.

    python -m benchmarks.link [--workers 2] [--users 4000] [--movies 4000] [--hidden 200]
        [--megabits 1000 0]

Starts a scheduler and workers by Dask's own commands. Each worker names a proxy as its address, so
that all that the others send to it and get from it passes a link of so many megabits a second in
each direction, 0 for none; then trains an epoch. Parameters are read from a folder, not through the
link: their time is the size of the file over that rate, and is printed beside the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from distributed import Client

from benchmarks.distributed import _shards, len_of
from benchmarks.serve import _free_port
from benchmarks.train_data import power_law
from model.config import Config
from model.distributed.cluster import connected
from model.distributed.plan import SHARDS_PER_REPLICA, Distribution
from model.distributed.trainer import DistributedTrainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data import Interactions

RATINGS_PER_USER = 145  # as in ml-20m
CHUNK = 64 * 1024
WAIT_S = 120


class Link:
    """A TCP proxy in front of a port, of a limited rate in each direction."""

    def __init__(self, port: int, bytes_per_s: float) -> None:
        self.port = 0
        self.n_bytes = 0
        self._to = port
        self._rate = bytes_per_s
        self._free_at = [0.0, 0.0]  # when each direction has sent what it holds
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def close(self) -> None:
        """Close all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):  # the latter by `close`
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._pass_on(0, reader, back), self._pass_on(1, there, writer))

    async def _pass_on(
        self, direction: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                self.n_bytes += len(data)
                if self._rate:
                    now = time.monotonic()
                    due = max(self._free_at[direction], now) + len(data) / self._rate
                    self._free_at[direction] = due
                    await asyncio.sleep(due - now)
                writer.write(data)
                await writer.drain()
        writer.close()


class Measured(NamedTuple):
    """Of an epoch."""

    seconds: float
    n_rounds: int
    n_bytes: int
    parameter_bytes: int


@contextmanager
def cluster(n_workers: int, bytes_per_s: float, folder: str) -> Iterator[tuple[str, list[Link]]]:
    """Start scheduler and workers; give its address, and the link of each worker."""
    address = f"tcp://127.0.0.1:{_free_port()}"
    of_dask = [sys.executable, "-m", "dask"]
    commands = [
        [*of_dask, "scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2],
         "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    ]  # fmt: skip
    links = []
    for _ in range(n_workers):
        port = _free_port()
        links.append(Link(port, bytes_per_s))
        commands.append(
            [*of_dask, "worker", address, "--listen-address", f"tcp://127.0.0.1:{port}",
             "--contact-address", f"tcp://127.0.0.1:{links[-1].port}", "--nthreads", "1",
             "--no-nanny", "--no-dashboard", "--dashboard-address", "127.0.0.1:0",
             "--local-directory", folder]
        )  # fmt: skip
    with ExitStack() as stack:
        for command in commands:
            process = stack.enter_context(
                subprocess.Popen(  # noqa: S603 (Dask's)
                    command, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
                )
            )
            stack.callback(process.terminate)
        with Client(address, timeout=WAIT_S) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(n_workers, timeout=WAIT_S)
        yield address, links
        for link in links:
            link.close()


def measure(data: Interactions, config: Config, n_workers: int, bytes_per_s: float) -> Measured:
    """Train an epoch, after a first one which loads and compiles."""
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster(n_workers, bytes_per_s, folder) as (address, links),
        connected(address) as client,
    ):
        found = _shards(data, f"{folder}/shards", SHARDS_PER_REPLICA * n_workers)
        how = Distribution(replicas=n_workers)
        trainer = DistributedTrainer(client, found, config, distribution=how)
        trainer.users.gather(trainer.users.each(len_of, "loaded"))
        epochs = trainer.epochs()
        next(epochs)
        before = sum(link.n_bytes for link in links)
        report = next(epochs)
        n_bytes = sum(link.n_bytes for link in links) - before
        files = (path.stat().st_size for path in Path(trainer.folder).rglob("*") if path.is_file())
        return Measured(report.seconds, trainer.plan.rounds_per_epoch, n_bytes, max(files))


def main() -> None:
    """Measure at each rate, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--users", type=int, default=4_000)
    parser.add_argument("--movies", type=int, default=4_000)
    parser.add_argument("--hidden", type=int, default=200)
    parser.add_argument("--megabits", type=float, nargs="*", default=[0, 1000])
    options = parser.parse_args()
    data = power_law(options.users, options.movies, RATINGS_PER_USER * options.users)
    config = Config.for_data(data).model_copy(
        update={"n_hidden": options.hidden, "n_epochs": 2, "averaged_share": 0.0}
    )
    print(f"{data.n_users:,} x {data.n_movies:,}, {data.n_ratings:,} ratings", flush=True)
    for megabits in options.megabits:
        rate = megabits * 1e6 / 8
        seconds, n_rounds, n_bytes, of_file = measure(data, config, options.workers, rate)
        of_files = f" + {n_rounds * of_file / rate:.2f} s for parameters" if rate else ""
        name = f"{megabits:g} Mb/s" if megabits else "no limit"
        print(
            f"{name}: {seconds:.1f} s an epoch of {n_rounds} rounds"
            f"{of_files}; {n_bytes / n_rounds / 1e6:.1f} MB a round over the links, "
            f"{of_file / 1e6:.1f} MB of parameters",
            flush=True,
        )


if __name__ == "__main__":
    main()
