"""A folder behind an address: on a file system, and on a server of objects that fails."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from app.core import remote
from app.core.remote import MissingObjectError, RemoteError, RemoteFile, RemoteFolder, shown
from tests.app.object_store import ObjectStore, object_store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with object_store(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def s3(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.proxy.restore()


@pytest.fixture
def folder(tmp_path: Path) -> RemoteFolder:
    return RemoteFolder(f"file://{tmp_path}/remote/models")


def local(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "local"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("length", [0, 5, 2_500])
@pytest.mark.parametrize("kind", ["file", "s3"])
def test_what_is_uploaded_is_downloaded(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
    length: int,
) -> None:
    monkeypatch.setattr(remote, "BLOCK", 1000)  # read in several
    folder: RemoteFolder = request.getfixturevalue("folder")
    if kind == "s3":
        request.getfixturevalue("s3")
        folder = RemoteFolder("s3://movies/models")
    content = os.urandom(length)
    folder.upload(local(tmp_path, content), "v1/W.npy")
    folder.download("v1/W.npy", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content
    assert folder.sha256("v1/W.npy") == hashlib.sha256(content).hexdigest()
    assert folder.size("v1/W.npy") == length


def test_files_are_listed_below_a_subfolder_and_removed(
    folder: RemoteFolder, tmp_path: Path
) -> None:
    assert folder.files() == []
    for name in ("v1/b", "v1/a", "v10/a"):
        folder.upload(local(tmp_path, b"12"), name)
    assert folder.files("v1") == [RemoteFile("v1/a", 2), RemoteFile("v1/b", 2)]
    assert [file.name for file in folder.files()] == ["v1/a", "v1/b", "v10/a"]
    for name in ("v1/a", "v1/a", "v1/b"):
        folder.remove(name)
    assert folder.files("v1") == []
    assert [file.name for file in folder.files()] == ["v10/a"]


def test_an_upload_replaces_what_was_there(folder: RemoteFolder, tmp_path: Path) -> None:
    folder.upload(local(tmp_path, b"before"), "v1/x")
    folder.upload(local(tmp_path, b"after it"), "v1/x")
    folder.download("v1/x", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == b"after it"


def test_a_missing_file_leaves_nothing(folder: RemoteFolder, tmp_path: Path) -> None:
    with pytest.raises(MissingObjectError, match="models/v1/x is not there"):
        folder.download("v1/x", tmp_path / "again")
    with pytest.raises(MissingObjectError):
        folder.size("v1/x")
    assert list(tmp_path.iterdir()) == []


def test_a_local_file_is_not_overwritten(folder: RemoteFolder, tmp_path: Path) -> None:
    folder.upload(local(tmp_path, b"12"), "x")
    with pytest.raises(FileExistsError):
        folder.download("x", tmp_path / "local")
    assert (tmp_path / "local").read_bytes() == b"12"


def test_an_upload_that_fails_on_a_file_system_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RemoteFolder(f"file://{tmp_path}/remote")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "mv", full)
    with pytest.raises(RemoteError, match="No space left"):
        folder.upload(local(tmp_path, b"12"), "v1/x")
    assert folder.files() == []


def test_a_store_that_arrives_shorter_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RemoteFolder(f"file://{tmp_path}/remote")
    path = local(tmp_path, b"123")

    def cut(_: RemoteFolder, __: Path, name: str, ___: int) -> None:
        (tmp_path / "remote").mkdir()
        (tmp_path / "remote" / name).write_bytes(b"12")

    monkeypatch.setattr(RemoteFolder, "_put", cut)
    with pytest.raises(RemoteError, match="has 2 bytes after an upload of 3"):
        folder.upload(path, "x")
    assert folder.files() == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("var/models", "s3://bucket/path or file:///path"),
        ("simplecache::s3://bucket/models", "s3://bucket/path"),
        ("xyz://bucket", "no store of scheme xyz"),
        ("s3:///models", "names no bucket"),
    ],
)
def test_a_wrong_address_is_refused(url: str, says: str) -> None:
    with pytest.raises(RemoteError, match=says):
        RemoteFolder(url)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ImportError("Install gcsfs")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(RemoteError, match=r'run `pip install "recommender\[gs\]"`'):
        RemoteFolder("gs://bucket/models")


def test_nothing_of_an_address_is_shown_but_its_place() -> None:
    assert shown("s3://user:password@bucket/models?token=secret") == "s3://bucket/models"
    with pytest.raises(RemoteError) as refused:
        RemoteFolder("xyz://user:password@bucket/models?token=secret")
    assert "password" not in str(refused.value)
    assert "token" not in str(refused.value)


def test_a_reason_has_no_query_and_no_user(
    folder: RemoteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError('cannot connect to "https://me:pw@host/x?sig=abc&se=1"\nsecond line')

    monkeypatch.setattr(RemoteFolder, "_call", fail)
    with pytest.raises(RemoteError) as failed:
        folder.size("x")
    assert str(failed.value).endswith('/x: cannot connect to "https://…host/x?…"')


@pytest.mark.usefixtures("s3")
def test_objects_are_listed_removed_and_missed_as_files_are(tmp_path: Path) -> None:
    folder = RemoteFolder("s3://movies/others")
    assert folder.files() == []
    for name in ("v1/a", "v10/a"):
        folder.upload(local(tmp_path, b"12"), name)
    assert folder.files("v1") == [RemoteFile("v1/a", 2)]
    for _ in range(2):
        folder.remove("v1/a")
    assert [file.name for file in folder.files()] == ["v10/a"]
    with pytest.raises(MissingObjectError, match="others/v1/a is not there"):
        folder.download("v1/a", tmp_path / "again")


@pytest.mark.usefixtures("s3")
def test_wrong_credentials_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-one")
    S3FileSystem.clear_instance_cache()  # it holds what the variables said
    folder = RemoteFolder("s3://movies/models")
    for attempt in (
        lambda: folder.size("x"),
        folder.files,
        lambda: folder.upload(local(tmp_path, b"12"), "x"),
    ):
        with pytest.raises(RemoteError, match="access is denied: look at its credentials") as said:
            attempt()
        assert "wrong-one" not in str(said.value)
    S3FileSystem.clear_instance_cache()


def test_a_store_that_is_gone_or_silent_fails_in_time(
    s3: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = RemoteFolder("s3://movies/models")
    folder.upload(local(tmp_path, b"12"), "x")
    monkeypatch.setattr(remote, "PROBE_S", 0.5)
    monkeypatch.setattr(remote, "CALL_S", 0.5)
    s3.proxy.silence()
    with pytest.raises(RemoteError, match="does not answer in time"):
        folder.download("x", tmp_path / "again")
    s3.proxy.cut()
    with pytest.raises(RemoteError, match=r"x: (it does not answer in time|Could not connect)"):
        folder.size("x")
    assert not (tmp_path / "again").exists()


def test_a_download_that_is_cut_leaves_nothing(
    s3: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RemoteFolder("s3://movies/models")
    folder.upload(local(tmp_path, os.urandom(3000)), "long")
    monkeypatch.setattr(remote, "BLOCK", 1000)
    call = RemoteFolder._call  # noqa: SLF001 (as it is between two blocks)
    blocks: list[int] = []

    def cut_after_the_first(self: RemoteFolder, method: str, *args: Any, **more: Any) -> Any:
        if method == "cat_file":
            blocks.append(1)
        if len(blocks) == 2:
            monkeypatch.setattr(remote, "CALL_S", 0.5)
            s3.proxy.cut()
        return call(self, method, *args, **more)

    monkeypatch.setattr(RemoteFolder, "_call", cut_after_the_first)
    with pytest.raises(RemoteError):
        folder.download("long", tmp_path / "again")
    assert len(blocks) == 2
    assert not (tmp_path / "again").exists()
