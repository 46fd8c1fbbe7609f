"""Workers and drivers that are killed in mid-training, at addresses of their own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from data.partitioning import write
from data.shards import Partition
from tests.model.planted import planted

LOOPBACK = "127.0.0.1"
N_EPOCHS = 5


def free_port() -> int:
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        return int(found.getsockname()[1])


class Cluster:
    """A scheduler, and workers that are started and killed by number."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._workers = stack, dict[int, subprocess.Popen[str]]()
        port = free_port()
        self.address = f"tcp://{LOOPBACK}:{port}"
        self.run(
            "distributed.cli.dask_scheduler", "--host", LOOPBACK, "--port", str(port),
            "--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0",
        )  # fmt: skip
        for number in range(2):
            self.start(number)

    def run(self, module: str, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE if "driver" in module else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        return process

    def start(self, number: int) -> None:
        """Start a worker at an address of its own."""
        self._workers[number] = self.run(
            "distributed.cli.dask_worker", self.address, "--host", f"127.0.0.{number + 2}",
            "--nthreads", "1", "--no-nanny", "--death-timeout", "60",
            "--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0",
        )  # fmt: skip

    def kill(self, number: int) -> None:
        """Kill a worker, and start another one in its place."""
        self._workers[number].kill()
        self.start(number)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack)


@pytest.fixture
def shards(tmp_path: Path) -> Partition:
    return write(str(tmp_path / "shards"), planted(), salt="salt", n_shards=6)


def train(cluster: Cluster, shards: Partition, how: str = "new") -> "subprocess.Popen[str]":
    return cluster.run("tests.model.distributed.driver", cluster.address, shards.url, how)


def lines(driver: "subprocess.Popen[str]") -> Iterator[str]:
    assert driver.stdout is not None
    for line in driver.stdout:
        yield line.strip()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_workers_change_no_bit(cluster: Cluster, shards: Partition) -> None:
    *epochs, undisturbed = lines(train(cluster, shards))
    assert len(epochs) == N_EPOCHS
    for line in lines(train(cluster, shards)):
        if line in {"epoch 1", "epoch 3"}:
            cluster.kill(int(line == "epoch 3"))
        last = line
    assert last == undisturbed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_driver_resumes_to_the_same_bits(cluster: Cluster, shards: Partition) -> None:
    driver = train(cluster, shards)
    assert next(lines(driver)) == "epoch 1"
    driver.kill()
    driver.wait()
    *epochs, resumed = lines(train(cluster, shards, "resume"))
    assert 0 < len(epochs) < N_EPOCHS
    *_, undisturbed = lines(train(cluster, shards))
    assert resumed == undisturbed
