"""Shared files in a folder and in a store: whole, listed, removed."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pytest

from data import shared


@pytest.fixture(params=["folder", "store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "new")
        return
    url = f"memory://{uuid4().hex}"
    yield url
    filesystem = fsspec.filesystem("memory")
    if filesystem.exists(url):
        filesystem.rm(url, recursive=True)


def test_what_is_written_is_read(folder: str) -> None:
    place = shared.place_of(folder, "a")
    assert not shared.exists(place)
    shared.write(place, b"first")
    shared.write(place, b"second")
    assert shared.exists(place)
    assert shared.read(place) == b"second"
    assert shared.read(place, 3) == b"sec"
    with pytest.raises(FileNotFoundError):
        shared.read(shared.place_of(folder, "b"))


def test_files_are_listed_without_hidden_ones(folder: str) -> None:
    assert shared.names_in(folder) == set()
    for name in ("a", ".hidden/b", "c"):
        shared.write(shared.place_of(folder, name), b"")
    assert shared.names_in(folder) == {"a", "c"}


def test_a_file_of_this_machine_is_uploaded(folder: str, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(b"weights")
    shared.upload(tmp_path / "local", shared.place_of(folder, "model/W.npy"))
    assert shared.read(shared.place_of(folder, "model/W.npy")) == b"weights"


def test_a_folder_is_removed(folder: str) -> None:
    shared.write(shared.place_of(folder, "work/a"), b"")
    shared.remove(shared.place_of(folder, "work"))
    assert not shared.exists(shared.place_of(folder, "work/a"))


def test_only_places_of_this_machine_have_a_path(tmp_path: Path) -> None:
    assert shared.local_path(str(tmp_path)) == tmp_path
    assert shared.local_path(f"file://{tmp_path}") == tmp_path
    assert shared.local_path("memory://somewhere") is None


def test_an_end_in_the_middle_leaves_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "a")
    shared.write(place, b"before")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        shared.write(place, b"after")
    assert shared.read(place) == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
