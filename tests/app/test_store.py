"""Models in a remote store, with copies on this machine."""

import json
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.backup.service import back_up, restore
from app.config import Settings
from app.core.remote import RemoteError, RemoteFolder
from app.db.engine import Database
from app.registry import removal, repository, service, transfer
from app.registry.errors import ModelDamagedError
from app.store import remote as remote_store
from app.store.errors import ModelStoreUnavailableError, VersionTakenError
from app.store.folder import Copy, ModelStore
from app.store.remote import RemoteStore, open_store
from model.artifact import ArtifactError
from tests.app.test_registry_rollback import make_older
from tests.app.world import TRAINED, make_rbm

if TYPE_CHECKING:
    from collections.abc import Callable

CARD: dict[str, Any] = {**TRAINED, "gate": {"passed": True}}
VERSION = "20261120T101500Z-3f2a"
# What is done in the database is the same as for a folder.
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def address(tmp_path: Path) -> Path:
    """The folder behind the address of the store."""
    return tmp_path / "remote"


@pytest.fixture
def store(address: Path, tmp_path: Path) -> RemoteStore:
    return store_at(address, tmp_path / "here")


def store_at(address: Path, copies: Path, room: int = 10**9) -> RemoteStore:
    return RemoteStore(RemoteFolder(f"file://{address}"), copies, room)


def marks(address: Path) -> list[str]:
    return [path.name for path in (address / ".unfinished").glob("*")]


def copies(store: RemoteStore) -> set[str]:
    return {path.name for path in store.folder.iterdir() if path.is_dir()}


def write(store: ModelStore, version: str, seed: int = 1) -> str:
    return store.write(version, make_rbm(seed), {}, {"report.html": "<p>"})


def away(*_: Any, **__: Any) -> Any:
    raise RemoteError("file:///remote: it does not answer in time")


def test_without_an_address_models_are_in_the_folder(tmp_path: Path) -> None:
    store = open_store(Settings(models_dir=tmp_path))
    assert (type(store), store.folder, store.is_remote) == (ModelStore, tmp_path, False)


def test_with_an_address_the_folder_holds_copies_apart_from_its_models(tmp_path: Path) -> None:
    settings = Settings(models_dir=tmp_path, models_url="file:///remote/models")
    store = open_store(settings)
    assert (store.is_remote, store.folder) == (True, tmp_path / ".copies")
    assert store.place("v1") == "file:///remote/models/v1"


def test_what_one_machine_writes_another_one_reads(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    sha256 = write(store, "v1")
    there = store_at(address, tmp_path / "there")
    loaded = there.load("v1", sha256)
    assert (loaded.rbm.W == make_rbm(1).W).all()
    assert there.read("v1", "report.html") == b"<p>"
    assert copies(there) == {"v1"}
    shutil.rmtree(address)  # it is gone: copies are read
    assert (there.load("v1", sha256).rbm.W == loaded.rbm.W).all()


def test_one_file_is_read_without_a_copy_of_the_others(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    write(store, "v1")
    there = store_at(address, tmp_path / "there")
    assert there.read("v1", "report.html") == b"<p>"
    with pytest.raises(FileNotFoundError):
        there.read("v1", "other.html")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("file", ["W.npy", "card.json", "report.html"])
@pytest.mark.parametrize("how", ["damaged", "missing", "longer"])
def test_a_damaged_object_is_refused_and_no_copy_is_kept(
    store: RemoteStore, address: Path, tmp_path: Path, file: str, how: str
) -> None:
    sha256 = write(store, "v1")
    path = address / "v1" / file
    if how == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content + b"x" if how == "longer" else content[:-1] + b"\0")
    there = store_at(address, tmp_path / "there")
    with pytest.raises(ArtifactError, match=rf"{address}/v1/{file} is (damaged|not there)"):
        there.hold("v1", sha256)
    assert copies(there) == set()


def test_a_copy_that_is_damaged_here_is_made_again(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    sha256 = write(store, "v1")
    there = store_at(address, tmp_path / "there")
    there.hold("v1", sha256).close()
    (there.folder / "v1" / "W.npy").write_bytes(b"damaged")
    assert (there.load("v1", sha256).rbm.W == make_rbm(1).W).all()


def test_a_card_cannot_name_files_elsewhere(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    write(store, "v1")
    card = json.loads((address / "v1/card.json").read_bytes())
    card["files"] = {"../x": "0" * 64}
    (address / "v1/card.json").write_text(json.dumps(card))
    sha256 = store.remote.sha256("v1/card.json")
    with pytest.raises(ArtifactError, match="names files elsewhere"):
        store_at(address, tmp_path / "there").hold("v1", sha256)


def test_an_upload_that_arrives_damaged_is_not_published(
    store: RemoteStore, address: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RemoteFolder, "sha256", lambda *_: "0" * 64)
    with pytest.raises(ModelStoreUnavailableError) as failed:
        write(store, "v1")
    assert "v1 is damaged after its upload" in str(failed.value)
    assert not list(address.glob("*/*"))
    assert copies(store) == set()


def test_clients_learn_no_address(store: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteFolder, "size", away)
    with pytest.raises(ModelStoreUnavailableError) as failed:
        store.probe("v1")
    assert "file://" not in failed.value.shown.detail
    assert "file:///remote: it does not answer" in str(failed.value)


def test_a_full_disk_is_named(store: RemoteStore, address: Path, tmp_path: Path) -> None:
    sha256 = write(store, "v1")
    (tmp_path / "there").write_text("no folder")
    with pytest.raises(ModelStoreUnavailableError, match="there"):
        store_at(address, tmp_path / "there").hold("v1", sha256)


def test_copies_used_last_are_kept_and_those_in_use(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    sums = {name: write(store, name) for name in ("v1", "v2", "v3", "v4")}
    size = sum(path.stat().st_size for path in (address / "v1").iterdir())
    there = store_at(address, tmp_path / "there", room=2 * size)
    held = there.hold("v1", sums["v1"])
    for name in ("v2", "v3", "v2", "v4"):
        there.hold(name, sums[name]).close()
    there.copies.trim()
    assert copies(there) == {"v1", "v2", "v4"}  # v1 is held, v3 was used longest ago
    held.close()
    there.copies.trim()
    assert copies(there) == {"v2", "v4"}


def test_without_room_a_copy_stays_as_long_as_it_is_read(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    sha256 = write(store, "v1")
    there = store_at(address, tmp_path / "there", room=0)
    with there.reading("v1", sha256) as folder:
        there.copies.trim()
        assert (folder / "W.npy").exists()
    assert copies(there) == set()


def test_a_held_copy_is_let_go_when_it_is_forgotten(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    there = store_at(address, tmp_path / "there", room=0)
    held = there.hold("v1", write(store, "v1"))
    there.copies.trim()
    assert copies(there) == {"v1"}
    del held
    there.copies.trim()
    assert copies(there) == set()


def test_processes_of_a_machine_make_one_copy(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    sha256, there = write(store, "v1"), store_at(address, tmp_path / "there")
    fetch = RemoteFolder.download
    n_begun: list[Future[Copy]] = []

    def download(*arguments: Any) -> None:
        if not n_begun:
            n_begun.append(pool.submit(store_at(address, there.folder).hold, "v1", sha256))
            with pytest.raises(TimeoutError):
                n_begun[0].result(0.1)  # it waits for this one
        n_files.append(1)
        fetch(*arguments)

    n_files: list[int] = []
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(RemoteFolder, "download", download)
        there.hold("v1", sha256)
        assert n_begun[0].result(20).folder == there.folder / "v1"
    assert len(n_files) == len(list((address / "v1").iterdir()))


def test_what_a_killed_process_was_copying_is_begun_anew(
    store: RemoteStore, address: Path, tmp_path: Path
) -> None:
    sha256, there = write(store, "v1"), store_at(address, tmp_path / "there")
    (there.folder / ".copying-v1").mkdir(parents=True)
    (there.folder / ".copying-v1" / "card.json").write_text("half")
    (there.folder / ".removed-v0-abcd").mkdir()
    there.load("v1", sha256)
    assert copies(there) == {"v1"}


@ON_SQLITE
def test_a_version_that_another_machine_has_taken_is_drawn_again(
    database: Database, store: RemoteStore, address: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter([VERSION, f"{VERSION}b"])
    monkeypatch.setattr(service, "new_version", lambda _: next(versions))
    (address / VERSION).mkdir(parents=True)
    (address / VERSION / "W.npy").write_text("of another machine")
    assert service.publish(database, store, make_rbm(1), CARD) == f"{VERSION}b"
    assert (address / VERSION / "W.npy").read_text() == "of another machine"
    with pytest.raises(VersionTakenError):
        write(store, f"{VERSION}b")


@pytest.fixture
def published(database: Database, store: RemoteStore) -> list[str]:
    versions = [service.publish(database, store, make_rbm(seed), CARD) for seed in (1, 2, 3)]
    make_older(database, versions)
    return versions


@ON_SQLITE
def test_all_that_is_done_with_models_is_done_in_the_store(
    database: Database, address: Path, published: list[str], tmp_path: Path
) -> None:
    there = store_at(address, tmp_path / "there")
    first, second, third = published
    assert marks(address) == []
    assert service.rollback(database, there) == second
    service.activate(database, there, third)
    assert service.servable_version(database, there) == third
    assert service.find_damage(database, there, first) is None
    sent = b"".join(transfer.export_model(database, there, first).chunks)
    assert removal.prune(database, there, 1) == [first]
    assert not (address / first).exists()
    imported = transfer.import_model(database, there, BytesIO(sent))
    assert (imported.version, imported.outcome) == (first, "imported")
    assert (address / first / "W.npy").exists()
    (address / first / "W.npy").unlink()
    assert transfer.import_model(database, there, BytesIO(sent)).outcome == "repaired"
    removal.remove(database, there, first)
    assert {path.name for path in address.glob("[!.]*")} == {second, third}
    assert marks(address) == []


@ON_SQLITE
def test_a_back_up_brings_lost_objects_back(
    database: Database, address: Path, published: list[str], tmp_path: Path
) -> None:
    there = store_at(address, tmp_path / "there", room=0)
    summary = back_up(database, there, tmp_path)
    assert sorted(summary.manifest.models) == sorted(published)
    kept = (address / published[0] / "W.npy").stat().st_mtime_ns
    shutil.rmtree(address / published[1])
    (address / published[2] / "b.npy").write_bytes(b"damaged")
    restore(database, there, summary.path, replace=True)
    for version in published:
        assert service.find_damage(database, there, version) is None
    assert (address / published[0] / "W.npy").stat().st_mtime_ns == kept
    assert marks(address) == []


@ON_SQLITE
def test_the_models_of_a_folder_are_uploaded_once(
    database: Database, store: RemoteStore, tmp_path: Path
) -> None:
    folder = ModelStore(tmp_path / "models")
    versions = [service.publish(database, folder, make_rbm(seed), CARD) for seed in (1, 2, 3)]
    make_older(database, versions)
    (folder.folder / versions[0] / "W.npy").unlink()
    assert transfer.upload_models(database, store, folder) == [versions[2], versions[1]]
    assert service.find_damage(database, store, versions[1]) is None
    assert transfer.upload_models(database, store, folder) == []
    assert not list(store.folder.glob(".unfinished-*"))


@ON_SQLITE
def test_a_model_whose_objects_are_damaged_is_not_activated(
    database: Database, address: Path, published: list[str], tmp_path: Path
) -> None:
    (address / published[1] / "W.npy").write_bytes(b"damaged")
    there = store_at(address, tmp_path / "there")
    with pytest.raises(ModelDamagedError) as refused:
        service.rollback(database, there)
    assert str(refused.value).endswith("W.npy is damaged: its checksum is not the published one.")
    assert str(address) not in str(refused.value)
    assert service.find_active(database).version == published[2]


@ON_SQLITE
@pytest.mark.parametrize("method", ["upload", "files", "sha256"])
def test_a_store_that_is_away_changes_nothing(
    database: Database,
    store: RemoteStore,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    monkeypatch.setattr(RemoteFolder, method, away)
    attempts: list[Callable[[], object]] = [
        lambda: service.publish(database, store, make_rbm(4), CARD)
    ]
    if method != "sha256":
        attempts.append(lambda: removal.prune(database, store, 1))
    for attempt in attempts:
        with pytest.raises(ModelStoreUnavailableError):
            attempt()
    assert [model.version for model in service.list_models(database)] == published[::-1]


@ON_SQLITE
def test_files_that_could_not_be_removed_are_removed_a_day_later(
    database: Database,
    store: RemoteStore,
    address: Path,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "remove", away)
        removal.remove(database, store, published[0])
    assert len(marks(address)) == 1
    removal.prune(database, store, 10)
    assert (address / published[0]).exists()  # it may be another process that is at work
    make_marks_old(address, monkeypatch)
    removal.prune(database, store, 10)
    assert not (address / published[0]).exists()
    assert marks(address) == []


@ON_SQLITE
def test_what_is_not_marked_or_has_a_row_is_never_removed(
    database: Database, store: RemoteStore, address: Path, published: list[str]
) -> None:
    (address / "of-another-installation").mkdir()
    (address / "of-another-installation/W.npy").write_text("x")
    (address / ".unfinished").mkdir()
    for version in published:  # as of a process that was killed after its commit
        (address / f".unfinished/{version}@20200101T000000Z").write_text("")
    removal.prune(database, store, 10)
    assert marks(address) == []
    assert service.find_damage(database, store, published[0]) is None
    assert (address / "of-another-installation/W.npy").exists()


def make_marks_old(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_store, "UNFINISHED_FOR", timedelta(days=-1))
    assert marks(address)


@ON_SQLITE
def test_files_of_a_publication_that_was_not_committed_are_removed_a_day_later(
    database: Database, store: RemoteStore, address: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "add", away)  # the commit, which is rolled back
    with pytest.raises(RemoteError):
        service.publish(database, store, make_rbm(1), CARD)
    assert len(marks(address)) == 1  # the connection may be lost after the commit: it stays
    monkeypatch.undo()
    make_marks_old(address, monkeypatch)
    removal.prune(database, store, 10)
    assert marks(address) == []
    assert [path.name for path in address.iterdir() if path.name != ".unfinished"] == []
