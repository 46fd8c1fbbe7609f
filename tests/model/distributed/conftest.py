"""Shards of planted tastes, and workers that are threads of this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from distributed import Client, LocalCluster

from data.partitioning import write
from data.shards import Partition
from data.splitting import Group, HeldOut
from tests.model.planted import planted


@contextmanager
def in_process(n_workers: int) -> Iterator[Client]:
    """Start workers of one thread each in this process."""
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=n_workers,
            threads_per_worker=1,
            processes=False,
            protocol="inproc",
            dashboard_address=":0",
            worker_dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


@pytest.fixture(scope="package")
def client() -> Iterator[Client]:
    with in_process(2) as client:
        yield client


@pytest.fixture(scope="package")
def partition(tmp_path_factory: pytest.TempPathFactory) -> Partition:
    folder = tmp_path_factory.mktemp("shards")
    return write(str(folder / "planted"), planted(), salt="salt", n_shards=5)


@pytest.fixture(scope="package")
def validation(partition: Partition) -> HeldOut:
    return partition.held_out(Group.VALIDATION, partition.read_movies().ids)
