"""The file of a back-up: damage is found before anything is touched; so is what is not ours."""

import hashlib
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.backup.archive import (
    MANIFEST,
    MAX_LINE_LENGTH,
    BackupError,
    DamagedBackupError,
    open_archive,
)
from app.backup.service import back_up, restore, verify
from app.db.engine import Database
from tests.app.small_releases import contents
from tests.app.test_migrations import fill
from tests.app.world import make_rbm, publish


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
    made = back_up(source, tmp_path / "models", tmp_path / "b.zip")
    source.dispose()
    return made.path


def everything(path: Path) -> dict[str, bytes]:
    with open_archive(path) as reader:
        return {name: b"".join(reader.chunks(name)) for name in reader.manifest.files}


def test_no_changed_byte_goes_unnoticed(archive: Path, tmp_path: Path) -> None:
    """It is refused, or makes no difference, as in the moment that a zip keeps of each file."""
    whole, content = everything(archive), archive.read_bytes()
    generator = random.Random(1)  # noqa: S311 (any places do)
    damaged = tmp_path / "damaged.zip"
    n_refused = 0
    for _ in range(150):
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
    part = tmp_path / "part.zip"
    for length in (0, 1, len(content) // 2, len(content) - 1):
        part.write_bytes(content[:length])
        with pytest.raises(DamagedBackupError, match=r"part\.zip is damaged, or no back-up"):
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
        restore(database, tmp_path / "restored", archive, replace=True)
    assert contents(database) == before
    assert not (tmp_path / "restored").exists()


def rewrite(archive: Path, change: dict[str, Any], *added: str) -> None:
    """Change fields of the manifest, and add files."""
    with zipfile.ZipFile(archive) as held:
        files = {name: held.read(name) for name in held.namelist()}
    manifest = json.loads(files.pop(MANIFEST))
    for name in added:
        files[name] = b"x"
        manifest["files"][name] = {"length": 1, "sha256": "0" * 64}
    files[MANIFEST] = json.dumps({**manifest, **change}).encode()
    with zipfile.ZipFile(archive, "w") as out:
        for name, content in files.items():
            out.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2, this version reads 1"),
        ({"revision": "9999"}, "revision 9999.*made by a newer one"),
        ({"revision": "0001"}, "does not have the tables of revision 0001"),
        ({"tables": {}}, "its files are not those of its manifest"),
        ({"models": []}, "its files are not those of its manifest"),
        ({"files": {}}, "its files are not those of its manifest"),
        ({"tables": None}, "no manifest of ours"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    archive: Path, tmp_path: Path, database: Database, change: dict[str, Any], reason: str
) -> None:
    rewrite(archive, change)
    before = contents(database)
    with pytest.raises(BackupError, match=reason):
        restore(database, tmp_path / "restored", archive)
    assert contents(database) == before


@pytest.mark.parametrize(
    "name", ["models/../x", "/etc/x", "models/v1/../../x", "models/v1/a/b", "x", "models/v1/.x"]
)
def test_no_name_leads_out_of_the_folder_of_a_model(
    archive: Path, tmp_path: Path, database: Database, name: str
) -> None:
    rewrite(archive, {}, name)
    with pytest.raises(DamagedBackupError, match="its files are not those of its manifest"):
        restore(database, tmp_path / "restored", archive)


def forge(archive: Path, changed: dict[str, bytes]) -> None:
    """Change files as somebody who can count checksums as well."""
    with zipfile.ZipFile(archive) as held:
        files = {name: held.read(name) for name in held.namelist()} | changed
    manifest = json.loads(files.pop(MANIFEST))
    manifest["files"] = {
        name: {"length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    files[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)


@pytest.mark.parametrize(
    "row", [b"[1]", b"{", b'{"a":1}', b"5", b"null", b"[" * 100_000, b'"\xff"', b"[]"]
)
def test_what_is_no_row_is_refused_by_its_place_and_changes_no_file(
    archive: Path, tmp_path: Path, database: Database, row: bytes
) -> None:
    models_dir = tmp_path / "models"  # as they were backed up, but for one
    weights = models_dir / "v1" / "W.npy"
    weights.write_bytes(b"of today")
    forge(archive, {"tables/users.jsonl": row + b"\n"})
    with zipfile.ZipFile(archive) as held:
        tables = json.loads(held.read(MANIFEST))["tables"]
    rewrite(archive, {"tables": {**tables, "users": {**tables["users"], "rows": 1}}})
    before = contents(database)
    with pytest.raises(DamagedBackupError, match=r"tables/users\.jsonl line 1 is no row of users"):
        restore(database, models_dir, archive, replace=True)
    assert contents(database) == before
    assert weights.read_bytes() == b"of today"
    assert {path.name for path in models_dir.iterdir()} == {"v1", ".publishing"}


def test_a_line_without_end_is_given_up_early(archive: Path) -> None:
    forge(archive, {"tables/users.jsonl": b"[" * (MAX_LINE_LENGTH + 2**20)})
    with pytest.raises(DamagedBackupError, match=r"users\.jsonl has a line without end"):
        verify(archive)


def test_lines_are_whole_wherever_the_blocks_end(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [b"x" * length for length in (0, 3, 4, 5, 0, 17)]
    forge(archive, {"tables/users.jsonl": b"\n".join(lines)})
    for block in range(1, 12):
        monkeypatch.setattr("app.backup.archive.BLOCK", block)
        with open_archive(archive) as reader:
            assert list(reader.lines("tables/users.jsonl")) == lines


def test_another_zip_is_no_back_up(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("photo.jpg", b"x")
    with pytest.raises(DamagedBackupError, match=r"photos\.zip is no back-up"):
        verify(path)
