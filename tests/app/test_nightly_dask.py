"""Lists made by the workers of a cluster are those of one machine; a run that stopped goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, KilledWorker, LocalCluster

from app.config import Settings
from app.datasets.partition import partition
from app.db.engine import Database
from app.nightly import of_users, shard_lists
from app.nightly.bulk import Part, write_parts
from app.nightly.errors import NotListedInBulkError, OtherListsError, OtherServiceError
from app.nightly.of_shards import write_lists_of_shards
from app.nightly.of_users import write_lists_of_users
from app.nightly.service import COLUMNS, NightlyService
from app.store.folder import ModelStore
from data import shared
from data.progress import ignore_progress
from data.release import DatasetError
from data.shards import Partition
from model.lists import ListMaker
from tests.app.command_line import runner
from tests.app.test_nightly import fill, service_of

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


@pytest.fixture
def filled(database: Database, settings: Settings) -> Database:
    fill(database, settings.models_dir)
    return database


@pytest.fixture
def shards(filled: Database, settings: Settings, tmp_path: Path) -> Partition:
    return partition(filled, settings, "db", str(tmp_path / "shards"), 2)


def expected(service: NightlyService) -> list[tuple[Any, ...]]:
    """The lists of one machine."""
    rows = [row for rows in service.rows(0, 10**9) for row in rows]
    return sorted(
        (row.user, row.position, str(row.movie), row.score, row.like_probability, row.source)
        for row in rows
    )


def found(target: Path) -> list[tuple[Any, ...]]:
    table = pa.concat_tables(pq.read_table(path) for path in target.glob("lists-*.parquet"))
    return sorted(zip(*(table[name].to_pylist() for name in COLUMNS[:-1]), strict=True))


def write(
    client: Client, service: NightlyService, settings: Settings, shards: Partition, target: Path
) -> int:
    store = ModelStore(settings.models_dir)
    return write_lists_of_shards(client, service.lists, store, shards, str(target), ignore_progress)


@pytest.mark.parametrize("scenario", [None, "boosted"])
def test_the_lists_of_a_partition_are_those_of_one_machine(
    client: Client, filled: Database, shards: Partition, settings: Settings, tmp_path: Path,
    scenario: str | None,
) -> None:  # fmt: skip
    service = service_of(filled, settings.models_dir, scenario=scenario)
    assert write(client, service, settings, shards, tmp_path / "lists") == shards.n_users
    users_of_shards = {user for user, *_ in found(tmp_path / "lists")}
    assert found(tmp_path / "lists") == [
        row for row in expected(service) if row[0] in users_of_shards
    ]
    assert len(users_of_shards) == shards.n_users
    described = json.loads((tmp_path / "lists" / "lists.json").read_text())
    assert (described["model"], described["top"]) == ("v1", 5)
    assert set(described["files"]) == {p.name for p in (tmp_path / "lists").glob("*.parquet")}
    assert not (tmp_path / "lists" / ".work").exists()


def test_lists_that_a_product_is_not_sure_of_are_made_alone(
    filled: Database, shards: Partition, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, client: Client,
) -> None:  # fmt: skip
    service = service_of(filled, settings.models_dir, scenario="boosted")
    before = expected(service)

    class Unsure(ListMaker):
        def lists(self, *arguments: Any) -> Any:
            made = super().lists(*arguments)
            made.rows[:] = 0
            return made._replace(certain=np.zeros_like(made.certain))

    monkeypatch.setattr(shard_lists, "ListMaker", Unsure)
    write(client, service, settings, shards, tmp_path / "lists")
    rows = found(tmp_path / "lists")
    there = {user for user, *_ in rows}
    assert [row[:3] for row in rows] == [row[:3] for row in before if row[0] in there]


def test_a_scenario_with_rules_of_the_api_is_refused(
    client: Client, filled: Database, shards: Partition, settings: Settings, tmp_path: Path
) -> None:
    service = service_of(filled, settings.models_dir, scenario="pinned")
    with pytest.raises(NotListedInBulkError, match="the scenario pinned has rules"):
        write(client, service, settings, shards, tmp_path / "lists")
    assert not (tmp_path / "lists").exists()


def test_parts_that_are_there_are_not_made_again(
    client: Client, filled: Database, shards: Partition, settings: Settings, tmp_path: Path
) -> None:
    service, target = service_of(filled, settings.models_dir), tmp_path / "lists"
    damaged = Path(shards.place(shards.training[1]))
    content = damaged.read_bytes()
    damaged.write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=damaged.name):
        write(client, service, settings, shards, target)
    assert not (target / "lists.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in target.glob("lists-*.parquet")}
    damaged.write_bytes(content)
    write(client, service, settings, shards, target)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(found(target)) == 5 * shards.n_users


def test_a_folder_with_other_lists_or_whole_ones_is_refused(
    client: Client, filled: Database, shards: Partition, settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "lists"
    write(client, service_of(filled, settings.models_dir), settings, shards, target)
    with pytest.raises(OtherListsError, match="give a new folder"):
        write(client, service_of(filled, settings.models_dir), settings, shards, target)
    (target / "lists.json").unlink()
    shared.write(str(target / ".work" / "plan.json"), b"{}")
    with pytest.raises(OtherListsError, match="give a new folder"):
        write(client, service_of(filled, settings.models_dir), settings, shards, target)


@pytest.fixture
def environment(
    filled: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """What a worker reads."""
    url = filled.url.render_as_string(hide_password=False)
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", url)
    monkeypatch.setenv("RECOMMENDER_MODELS_DIR", str(settings.models_dir))
    opened: list[Database] = []

    def open_it(url: str) -> Database:
        opened.append(Database(url))
        return opened[-1]

    monkeypatch.setattr(of_users, "Database", open_it)
    of_users.service_of_plan.cache_clear()
    yield
    of_users.service_of_plan.cache_clear()
    for database in opened:
        database.dispose()


@pytest.mark.usefixtures("environment")
def test_the_lists_of_the_database_are_those_of_one_machine(
    client: Client, filled: Database, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(of_users, "IDS", 3)
    service = service_of(filled, settings.models_dir, scenario="pinned")
    n_users = write_lists_of_users(client, service, str(tmp_path / "lists"), ignore_progress)
    assert found(tmp_path / "lists") == expected(service)
    assert len({user for user, *_ in found(tmp_path / "lists")}) == n_users
    assert len(list((tmp_path / "lists").glob("lists-*.parquet"))) == -(-n_users // 3)


@pytest.mark.usefixtures("environment")
def test_a_worker_with_another_model_refuses(filled: Database, settings: Settings) -> None:
    service = service_of(filled, settings.models_dir)
    plan = of_users.described(service) | {"model": "v2"}
    with pytest.raises(OtherServiceError, match="a worker sees another model"):
        of_users.write_part("nowhere", "lists", 0, json.dumps(plan, sort_keys=True))


def test_work_that_ends_workers_is_given_up(client: Client, tmp_path: Path) -> None:
    worker: Any = SimpleNamespace(address="tcp://gone")

    def kill() -> None:
        raise KilledWorker("kill", worker, 3)

    parts = [Part("lists-a", kill, ())]
    with pytest.raises(RuntimeError, match="several workers died of the same shard"):
        write_parts(client, str(tmp_path / "lists"), {}, parts, ignore_progress)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("recommendations", "--dask", "local:2"), "--dask: needs a FOLDER"),
        (("ratings", "x", "--dask", "local:2"), "--dask: is for recommendations"),
        (("recommendations", "x"), "FOLDER: is for --dask"),
        (("recommendations", "--shards", "x"), "--shards: is for --dask"),
        (("recommendations", "x", "--dask", "local:2", "-o", "y.csv"), "writes a FOLDER"),
        (("recommendations", "x", "--dask", "local:2", "--shards", "y"), "y is no partition"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], complaint: str,
) -> None:  # fmt: skip
    done = runner(tmp_path, monkeypatch, capsys)("export", *arguments)
    assert done.code == 2
    assert complaint in done.err
