"""Connects to the workers: those of a scheduler that runs, or of one that is started here."""

from __future__ import annotations

import logging
import re
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import dask
from distributed import Client, LocalCluster, Security

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ClusterError", "connected", "n_workers", "workers"]

LOCAL = re.compile(r"local:([1-9][0-9]{0,2})")
REMOTE = re.compile(r"(tcp|tls)://\S+:[0-9]{1,5}")
# Until a scheduler that runs must have answered, and its first worker have joined.
TIMEOUT_S = 30
# Of a scheduler that is started here. A worker that says nothing for so long is given up; a task
# may be on this many workers that die before it is given up itself.
SETTINGS = {
    "distributed.scheduler.worker-ttl": "60 seconds",
    "distributed.scheduler.allowed-failures": 10,
    "distributed.worker.daemon": True,
    # HTTP without TLS or a password, which there is even without a dashboard.
    "distributed.scheduler.http.routes": ["distributed.http.health"],
    "distributed.worker.http.routes": ["distributed.http.health"],
}


class ClusterError(RuntimeError):
    """There is no scheduler, no worker, or none that runs this version."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to the workers of an address.

    Parameters
    ----------
    address : str
        ``tcp://host:port`` or ``tls://host:port`` of a scheduler, certificates for the latter from
        Dask's own configuration; or ``local:N`` for N workers of one thread each on this machine,
        which end with the block and talk to each other over TLS.

    Raises
    ------
    ClusterError
        As its description says.
    """
    with ExitStack() as stack:
        local = LOCAL.fullmatch(address)
        if local:
            client = _start(int(local[1]), stack)
        elif REMOTE.fullmatch(address):
            client = _join(address, stack)
        else:
            raise ClusterError(
                f"{address!r} is no address of workers: give tcp://host:port or tls://host:port of "
                "a Dask scheduler, or local:4 for four workers on this machine"
            )
        _refuse_other_versions(client)
        yield client


def n_workers(client: Client) -> int:
    """Return how many workers there are."""
    return len(workers(client))


def workers(client: Client) -> list[str]:
    """Return the addresses of all workers, in order."""
    threads: dict[str, int] = client.nthreads()  # type: ignore[no-untyped-call]
    return sorted(threads)


def _start(n: int, stack: ExitStack) -> Client:
    stack.enter_context(dask.config.set(SETTINGS))
    cluster = stack.enter_context(
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=n,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls",
            security=Security.temporary(),  # type: ignore[no-untyped-call]
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,  # a worker that dies is replaced
        )
    )
    return stack.enter_context(Client(cluster))  # type: ignore[no-untyped-call]


def _join(address: str, stack: ExitStack) -> Client:
    try:
        client = Client(address, timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]
        stack.enter_context(client)
    except (OSError, TimeoutError) as error:
        raise ClusterError(f"no scheduler answers at {address}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except TimeoutError:
        raise ClusterError(f"the scheduler at {address} has no worker") from None
    return client


def _refuse_other_versions(client: Client) -> None:
    """Refuse workers whose code may give other bits."""
    own = _version()
    found: dict[str, str | None] = client.run(_version, on_error="return")
    for worker, theirs in found.items():
        if theirs != own:
            raise ClusterError(f"the worker {worker} has recommender {theirs!r}, and this is {own}")


def _version() -> str:
    return version("recommender")
