"""Lists of a partition are the same after the command, or a worker, was killed."""

import os
import signal
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from app.config import Settings
from app.datasets.partition import partition
from app.db.engine import Database
from app.nightly.of_shards import write_lists_of_shards
from app.store.folder import ModelStore
from data import shared
from data.progress import ignore_progress
from data.shards import Partition
from model.distributed.cluster import connected
from tests.app.test_nightly import fill, service_of
from tests.app.test_nightly_dask import found
from tests.killing import die_after, run_until_killed

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Dask's own warnings
N_WRITES = (1, 3, 5)  # rules, plan, and then the lists


def make(url: str, models_dir: Path, shards: str, target: str, n_writes: int = 0) -> None:
    if n_writes:
        shared.write = die_after(shared.write, n_writes)
    database = Database(url)
    lists = service_of(database, models_dir).lists
    found = Partition.read(shards)
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        store = ModelStore(models_dir)
        write_lists_of_shards(client, lists, store, found, target, ignore_progress)
    database.dispose()


def test_the_command_killed_after_any_of_its_files_goes_on(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings.models_dir)
    shards = str(tmp_path / "shards")
    partition(database, settings, "db", shards, 4)
    arguments = (settings.database_url, settings.models_dir, shards)
    make(*arguments, str(tmp_path / "expected"))
    expected = found(tmp_path / "expected")
    for n_writes in N_WRITES:
        target = tmp_path / f"lists {n_writes}"
        run_until_killed(make, *arguments, str(target), n_writes)
        kept = {path: path.stat().st_mtime_ns for path in target.glob("lists-*.parquet")}
        make(*arguments, str(target))
        assert found(target) == expected
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert len(kept) == max(n_writes - 2, 0)


def test_a_killed_worker_is_replaced(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings.models_dir)
    shards = str(tmp_path / "shards")
    partition(database, settings, "db", shards, 4)
    make(settings.database_url, settings.models_dir, shards, str(tmp_path / "expected"))
    service = service_of(database, settings.models_dir)
    with connected("local:2") as client:
        victims = list(client.run(os.getpid).values())

        def kill(_: str, done: int, __: int | None) -> None:
            if done == 1 and victims:
                os.kill(victims.pop(), signal.SIGKILL)

        write_lists_of_shards(
            client, service.lists, ModelStore(settings.models_dir), Partition.read(shards),
            str(tmp_path / "lists"), kill,
        )  # fmt: skip
    assert len(victims) == 1
    assert found(tmp_path / "lists") == found(tmp_path / "expected")
