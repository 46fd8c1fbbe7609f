"""Data sets: any file of a release, own files with and without a mapping, and zips of them."""

import gzip
import io
import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from data.mapping import Mapping
from data.movielens import DatasetError
from tests.data.releases import CSV_FORM, DAT_FORM, HUNDRED_K_FORM, read, write_folder
from tests.data.test_mapped_files import EVENT_MAPPING, EVENTS
from tests.data.test_mapped_files import read as read_mapped
from tests.fuzz.bounds import SEEDS, bounded, cases, fuzz
from tests.fuzz.mutations import mutated

pytestmark = pytest.mark.slow

FORMS = {"csv": CSV_FORM, "dat": DAT_FORM, "100k": HUNDRED_K_FORM}
FILES = [(form, name) for form, files in FORMS.items() for name in files if "README" not in name]
OWN = b"user,movie,rating,timestamp\nanna,7,4.0,1000\nb.o@b,7,3.5,\nanna,2147483647,.5,3000\n"
RATINGS: dict[str, list[Any]] = {
    "user": ["anna", "b", "anna"], "movie": [7, 7, 8], "rating": [4.0, 3.5, 0.5],
    "timestamp": [1, 2, 3],
}  # fmt: skip


@fuzz(30_000)
@given(seed=SEEDS)
def test_files_of_a_release(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    form, name = Random(seed).choice(FILES)  # noqa: S311 (no secret)
    folder = write_folder(tmp_path_factory.getbasetemp() / f"fuzzed-{form}", FORMS[form])
    for rng in cases(seed):
        (folder / name).write_bytes(mutated(rng, FORMS[form][name]))
        with bounded(DatasetError):
            read(folder)


@fuzz(15_000)
@given(seed=SEEDS)
def test_own_csv(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    valid = (OWN, OWN.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + OWN)
    for rng in cases(seed):
        read_file(tmp_path_factory.getbasetemp() / "ours.csv", mutated(rng, *valid))


def lines_of(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


LOG = (
    b'id;who;what;did;n;at;note\ne1;a;x;view;;10;"a ""b""\n; c"\n;"b;";42;rated;4,5;2024-01-01;\n'
    b';c;tt1;watched;.5;2024-01-01T00:00:00+01:00;5"\n'
)
MOVIES: list[dict[str, Any]] = [
    {"id": "sku-18", "title": "Matrix, The (1999)", "genres": ["Action"], "price": 9.5, "on": True},
    {"id": 42, "year": 1999, "imdb_id": "tt0133093", "tags": ["a", "b"], "attributes": {"n": "1"}},
]
CATALOGUE = b"id,title,year,genres,price,tags\nsku-18,Film,1999,A|B,9.5,x|y\n42,,,,7,\n"
FORGIVING = EVENT_MAPPING.with_options(skip_bad="60%")
MAPPED: list[tuple[str, bytes, Mapping]] = [
    ("log.csv", LOG, FORGIVING.with_options(delimiter=";")),
    ("log.csv", LOG, EVENT_MAPPING.with_options(delimiter=";")),
    ("log.jsonl", lines_of(EVENTS), FORGIVING),
    ("log.jsonl", lines_of(EVENTS), EVENT_MAPPING),
    ("log.jsonl.gz", gzip.compress(lines_of(EVENTS)), EVENT_MAPPING),
    ("movies.jsonl", lines_of(MOVIES), Mapping(skip_bad="60%")),
    ("movies.csv", CATALOGUE, Mapping()),
]


@fuzz(10_000)
@given(seed=SEEDS)
def test_mapped_logs_and_catalogues(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    name, valid, mapping = Random(seed).choice(MAPPED)  # noqa: S311 (no secret)
    folder = tmp_path_factory.getbasetemp() / "mapped"
    folder.mkdir(exist_ok=True)
    mapping = mapping.with_options(bad_rows=folder / "bad.csv")
    for rng in cases(seed):
        (folder / name).write_bytes(mutated(rng, valid))
        with bounded(DatasetError):
            read_mapped(folder / name, mapping)
        (folder / name).unlink()


def parquet(*, plain: bool = False) -> bytes:
    file = io.BytesIO()
    compression: Literal["zstd", "snappy"] = "zstd" if plain else "snappy"
    pq.write_table(pa.table(RATINGS), file, compression=compression, use_dictionary=not plain)
    return file.getvalue()


@fuzz(5_000)
@given(seed=SEEDS)
def test_own_parquet(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    valid = (parquet(), parquet(plain=True))
    for rng in cases(seed):
        read_file(tmp_path_factory.getbasetemp() / "ours.parquet", mutated(rng, *valid))


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(f"ml/{name}", content)
    return file.getvalue()


@fuzz(10_000)
@given(seed=SEEDS)
def test_zips(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    valid = (zipped(CSV_FORM), zipped(DAT_FORM), zipped(CSV_FORM, zipfile.ZIP_STORED))
    for rng in cases(seed):
        read_file(tmp_path_factory.getbasetemp() / "some.zip", mutated(rng, *valid))


def read_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with bounded(DatasetError):
        read(path)
