"""Models, back-ups and lists of erasures: damaged, and crafted with checksums that are right."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from app.backup import erasures, rows
from app.backup.archive import MANIFEST, BackupError, open_archive
from app.backup.rows import RowError
from app.backup.service import back_up, restore
from app.core.archive import ArchiveError
from app.db.engine import Database
from app.db.tables import metadata
from app.registry import archive
from app.registry.validation import validate
from app.store.folder import ModelStore
from data.documents import parse
from model import artifact
from tests.app.test_migrations import fill
from tests.app.world import TRAINED, make_rbm, publish
from tests.fuzz.bounds import SEEDS, bounded, cases, fuzz
from tests.fuzz.mutations import mutated
from tests.migrated import migrate
from tests.model.machines import with_everything

pytestmark = pytest.mark.slow

VERSION = "20261120T101500Z-3f2a"
CARD = f"{VERSION}/{artifact.CARD}"
ERASURES = (
    b'{"format":1,"salt":"s","written_at":"2026-11-20T10:15:00Z","erasures":[{"key_hmac":"'
    + b"0" * 64
    + b'","ratings_revision":7,"erased_at":"2026-11-20T10:15:00Z"}]}'
)


def tar_of(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return file.getvalue()


def files_of(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {header.name: tar.extractfile(header).read() for header in tar}  # type: ignore[union-attr]


@cache
def model() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / VERSION
        sha256 = artifact.save(path, with_everything(3), TRAINED)
        return b"".join(archive.pack(path, sha256).chunks)


@cache
def back_up_of_all() -> bytes:
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'source.db'}"
        migrate(url)
        source = Database(url)
        fill(source)
        publish(source, folder / "models", "v1", make_rbm(seed=1))
        path = back_up(source, ModelStore(folder / "models"), folder / "b.tar").path
        source.dispose()
        return path.read_bytes()


def read_model(content: bytes, folder: Path) -> None:
    target = folder / "model"
    shutil.rmtree(target, ignore_errors=True)
    with bounded(ArchiveError):
        validate(target, archive.unpack(io.BytesIO(content), target))


@fuzz(5_000)
@given(seed=SEEDS)
def test_archives_of_models(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    for rng in cases(seed):
        read_model(mutated(rng, model()), tmp_path_factory.getbasetemp())


@fuzz(6_000)
@given(seed=SEEDS)
def test_crafted_models(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One file is damaged, and every checksum follows; half of the time it is the card."""
    for rng in cases(seed):
        files = files_of(model())
        name = rng.choice([CARD, rng.choice([n for n in files if not n.endswith(archive.SUM)])])
        files[name] = mutated(rng, files[name])
        if name != CARD:
            card = json.loads(files[CARD])
            card["files"][name.rpartition("/")[2]] = hashlib.sha256(files[name]).hexdigest()
            files[CARD] = json.dumps(card).encode()
        line = f"{hashlib.sha256(files[CARD]).hexdigest()}  {artifact.CARD}\n"
        files[f"{VERSION}/{archive.SUM}"] = line.encode()
        read_model(tar_of(files), tmp_path_factory.getbasetemp())


def read_back_up(path: Path) -> None:
    """Read all that a restore reads, without a database."""
    with bounded(BackupError, RowError), open_archive(path) as reader:
        reader.verify()
        for name, part in reader.manifest.tables.items():
            if name in metadata.tables and set(part.columns) == set(metadata.tables[name].c.keys()):
                for _ in rows._decode(metadata.tables[name], part.columns, reader.rows(name)):  # noqa: SLF001
                    pass


@fuzz(4_000)
@given(seed=SEEDS)
def test_back_ups(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "b.tar"
    for rng in cases(seed):
        path.write_bytes(mutated(rng, back_up_of_all()))
        read_back_up(path)


def crafted(rng: Random) -> bytes:
    """Damage the manifest, or the rows of a table, and let every checksum follow."""
    files = files_of(back_up_of_all())
    name = rng.choice([n for n in files if not n.startswith("models/")])
    manifest = json.loads(files[MANIFEST])
    if name == MANIFEST:
        return tar_of({**files, MANIFEST: mutated(rng, files[MANIFEST])})
    lines = mutated(rng, gzip.decompress(files[name]))
    files[name] = gzip.compress(lines, 1)
    manifest["tables"][Path(name).name.partition(".")[0]]["rows"] = len(lines.split(b"\n"))
    manifest["tables"][Path(name).name.partition(".")[0]]["rows"] -= not lines[-1:].strip(b"\n")
    manifest["files"][name] = {
        "length": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest(),
    }  # fmt: skip
    return tar_of({**files, MANIFEST: json.dumps(manifest).encode()})


@fuzz(6_000)
@given(seed=SEEDS)
def test_crafted_back_ups(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "b.tar"
    for rng in cases(seed):
        path.write_bytes(crafted(rng))
        read_back_up(path)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('target') / 'target.db'}"
    migrate(url)
    database = Database(url)
    yield database
    database.dispose()


@fuzz(200)
@given(seed=SEEDS)
def test_restored_back_ups(
    seed: int, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for rng in cases(seed):
        (folder / "b.tar").write_bytes(crafted(rng))
        with bounded(BackupError):
            restore(database, ModelStore(folder / "restored"), folder / "b.tar", replace=True)


@fuzz(800)
@given(seed=SEEDS)
def test_lists_of_erasures(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "erasures.json"
    for rng in cases(seed):
        path.write_bytes(mutated(rng, ERASURES))
        with bounded(BackupError):
            erasures.read(path)


@fuzz(2_000)
@given(seed=SEEDS)
def test_documents(seed: int) -> None:
    for rng in cases(seed):
        content = mutated(rng, files_of(model())[CARD])
        with bounded(ValueError):
            json.dumps(parse(content), allow_nan=False, ensure_ascii=False).encode()
