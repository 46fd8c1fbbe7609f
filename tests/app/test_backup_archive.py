"""The file of a back-up: damage is found before anything is touched; so is what is not ours."""

import gzip
import hashlib
import json
import random
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from app.backup.archive import (
    MANIFEST,
    MAX_LINE_LENGTH,
    ZIP_FORMAT,
    BackupError,
    DamagedBackupError,
    open_archive,
)
from app.backup.service import back_up, restore, verify
from app.db.engine import Database
from app.registry.service import find_damage
from app.store.folder import ModelStore
from tests.app.small_releases import contents
from tests.app.test_backup import state
from tests.app.test_migrations import fill
from tests.app.world import make_rbm, publish

USERS = "tables/users.jsonl.gz"


@pytest.fixture
def database(migrated_sqlite_file: Path, tmp_path: Path) -> Database:
    """What the file looks like does not depend on the database."""
    path = tmp_path / "target.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    return Database(f"sqlite:///{path}")


@pytest.fixture
def archive(tmp_path: Path, migrated_sqlite_file: Path) -> Path:
    """A back-up of a small database with a model."""
    path = tmp_path / "source.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    source = Database(f"sqlite:///{path}")
    fill(source)
    publish(source, tmp_path / "models", "v1", make_rbm(seed=1))
    made = back_up(source, ModelStore(tmp_path / "models"), tmp_path / "b.tar")
    source.dispose()
    return made.path


def everything(path: Path) -> dict[str, bytes]:
    with open_archive(path) as reader:
        return {name: b"".join(reader.chunks(name)) for name in reader.manifest.files}


def test_no_changed_byte_goes_unnoticed(archive: Path, tmp_path: Path) -> None:
    """It is refused, or makes no difference, as in the padding of a tar."""
    whole, content = everything(archive), archive.read_bytes()
    generator = random.Random(1)  # noqa: S311 (any places do)
    damaged = tmp_path / "damaged.tar"
    n_refused = 0
    for _ in range(250):  # two of five are in the padding
        place = generator.randrange(len(content))
        changed = content[place] ^ generator.randrange(1, 256)
        damaged.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
        try:
            verify(damaged)
        except BackupError:
            n_refused += 1
        else:
            assert everything(damaged) == whole, f"byte {place}"
    assert n_refused > 100


def test_a_back_up_that_is_not_whole_is_refused(archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    part = tmp_path / "part.tar"
    for length in (0, 1, len(content) // 2, len(content) - 1):
        part.write_bytes(content[:length])
        with pytest.raises(DamagedBackupError, match=r"part\.tar is damaged, or no back-up"):
            verify(part)


def test_a_damaged_back_up_touches_nothing(
    archive: Path, tmp_path: Path, database: Database
) -> None:
    content = bytearray(archive.read_bytes())
    weights = (tmp_path / "models" / "v1" / "W.npy").read_bytes()
    content[content.index(weights) + len(weights) // 2] ^= 0xFF
    archive.write_bytes(content)
    before = contents(database)
    with pytest.raises(DamagedBackupError):
        restore(database, ModelStore(tmp_path / "restored"), archive, replace=True)
    assert contents(database) == before
    assert not (tmp_path / "restored").exists()


def members_of(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: file.read() for name, file in files.items() if file is not None}


def write_tar(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))


def rewrite(archive: Path, change: dict[str, Any], *added: str) -> None:
    """Change fields of the manifest, and add files."""
    files = members_of(archive)
    manifest = json.loads(files.pop(MANIFEST))
    for name in added:
        files[name] = b"x"
        manifest["files"][name] = {"length": 1, "sha256": "0" * 64}
    files[MANIFEST] = json.dumps({**manifest, **change}).encode()
    write_tar(archive, files)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 1}, "format 1, this version reads 2"),
        ({"format": 3}, "format 3, this version reads 2"),
        ({"revision": "9999"}, "revision 9999.*made by a newer one"),
        ({"revision": "0001"}, "does not have the tables of revision 0001"),
        ({"tables": {}}, "its files are not those of its manifest"),
        ({"models": []}, "its files are not those of its manifest"),
        ({"files": {}}, "its files are not those of its manifest"),
        ({"tables": None}, "no valid manifest"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    archive: Path, tmp_path: Path, database: Database, change: dict[str, Any], reason: str
) -> None:
    rewrite(archive, change)
    before = contents(database)
    with pytest.raises(BackupError, match=reason):
        restore(database, ModelStore(tmp_path / "restored"), archive)
    assert contents(database) == before


@pytest.mark.parametrize(
    "name", ["models/../x", "/etc/x", "models/v1/../../x", "models/v1/a/b", "x", "models/v1/.x"]
)
def test_no_name_leads_out_of_the_folder_of_a_model(
    archive: Path, tmp_path: Path, database: Database, name: str
) -> None:
    rewrite(archive, {}, name)
    with pytest.raises(DamagedBackupError, match="its files are not those of its manifest"):
        restore(database, ModelStore(tmp_path / "restored"), archive)


def forge(archive: Path, changed: dict[str, bytes]) -> None:
    """Change files and their checksums."""
    files = members_of(archive) | changed
    manifest = json.loads(files.pop(MANIFEST))
    manifest["files"] = {
        name: {"length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    files[MANIFEST] = json.dumps(manifest).encode()
    write_tar(archive, files)


@pytest.mark.parametrize(
    "row", [b"[1]", b"{", b'{"a":1}', b"5", b"null", b"[" * 100_000, b'"\xff"', b"[]"]
)
def test_what_is_no_row_is_refused_by_its_place_and_changes_no_file(
    archive: Path, tmp_path: Path, database: Database, row: bytes
) -> None:
    models_dir = tmp_path / "models"  # as they were backed up, but for one
    weights = models_dir / "v1" / "W.npy"
    weights.write_bytes(b"of today")
    forge(archive, {USERS: gzip.compress(row + b"\n")})
    tables = json.loads(members_of(archive)[MANIFEST])["tables"]
    rewrite(archive, {"tables": {**tables, "users": {**tables["users"], "rows": 1}}})
    before = contents(database)
    with pytest.raises(DamagedBackupError, match=r"tables/users\.jsonl line 1 is no row of users"):
        restore(database, ModelStore(models_dir), archive, replace=True)
    assert contents(database) == before
    assert weights.read_bytes() == b"of today"
    assert {path.name for path in models_dir.iterdir()} == {"v1", ".publishing"}


def test_a_line_without_end_is_given_up_early(archive: Path) -> None:
    forge(archive, {USERS: gzip.compress(b"[" * (MAX_LINE_LENGTH + 2**20))})
    with pytest.raises(DamagedBackupError, match=r"users\.jsonl\.gz has a line without end"):
        verify(archive)


@pytest.mark.parametrize("longest", [17, 10_000, 3 * 2**20])
def test_lines_are_whole_wherever_the_blocks_end(archive: Path, longest: int) -> None:
    lines = [b"x" * length for length in (0, 3, 4, 5, 0, longest)]
    forge(archive, {USERS: gzip.compress(b"\n".join(lines))})
    with open_archive(archive) as reader:
        assert list(reader.rows("users")) == lines


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.XHDTYPE])
def test_nothing_but_plain_files_is_read(archive: Path, kind: bytes) -> None:
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo("models/v1/link")
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(DamagedBackupError, match="is no plain file"):
        verify(archive)


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar"])
def test_another_archive_is_no_back_up(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("photo.jpg", b"x")
    else:
        write_tar(path, {"photo.jpg": b"x"})
    with pytest.raises(DamagedBackupError, match=rf"{name} is no back-up"):
        verify(path)


def make_zip(archive: Path, path: Path) -> None:
    """Write a back-up as the first version did."""
    files = {}
    for name, content in members_of(archive).items():
        packed = name.endswith(".gz")
        files[name.removesuffix(".gz")] = gzip.decompress(content) if packed else content
    manifest = json.loads(files.pop(MANIFEST))
    manifest["format"] = ZIP_FORMAT
    manifest["files"] = {
        name: {"length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
        out.writestr(MANIFEST, json.dumps(manifest))


def test_a_zip_of_the_first_format_can_be_restored(
    archive: Path, tmp_path: Path, database: Database
) -> None:
    make_zip(archive, tmp_path / "old.zip")
    restore(database, ModelStore(tmp_path / "restored"), tmp_path / "old.zip")
    before = state(database)
    restore(database, ModelStore(tmp_path / "restored"), archive, replace=True)
    assert state(database) == before
    assert before["users"]
    assert find_damage(database, ModelStore(tmp_path / "restored"), "v1") is None


def test_a_damaged_zip_of_the_first_format_is_refused(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.zip"
    make_zip(archive, path)
    content = path.read_bytes()
    generator = random.Random(1)  # noqa: S311 (any places do)
    whole = everything(path)
    for _ in range(50):
        place = generator.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            verify(path)
        except BackupError:
            continue
        assert everything(path) == whole, f"byte {place}"
