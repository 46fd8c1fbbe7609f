"""What is passed on block by block is what would have been read at once."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from data import delimited
from data.mapping import Mapping
from data.movielens import load
from data.release import DatasetError, Release
from tests.data.test_shards import draw, ratings_of


def read(name: str, mapping: Mapping | None = None) -> tuple[Release, Release, list[pd.DataFrame]]:
    blocks: list[pd.DataFrame] = []
    where = {"datasets_dir": Path("nowhere"), "datasets_url": "http://127.0.0.1:9/"}
    whole = load(name, **where, mapping=mapping)  # type: ignore[arg-type]
    streamed = load(name, **where, mapping=mapping, take=blocks.append)  # type: ignore[arg-type]
    return whole, streamed, blocks


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 4_096)


def log(folder: Path, *lines: str) -> str:
    path = folder / "log.csv"
    path.write_text("user,movie,rating\n" + "".join(f"{line}\n" for line in lines))
    return str(path)


def test_the_sample_comes_in_blocks() -> None:
    whole, streamed, blocks = read("sample")
    assert len(blocks) > 10
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), whole.ratings)
    assert len(streamed.ratings) == 0
    assert streamed.sha256 == whole.sha256
    pd.testing.assert_frame_equal(streamed.movies, whole.movies)


def test_an_own_file_comes_in_blocks_and_its_movies_are_those_of_all(tmp_path: Path) -> None:
    rows = [(user, f"sku {movie}", 1 + 4 * liked) for user, movie, liked in ratings_of(draw())]
    name = log(tmp_path, *(",".join(map(str, row)) for row in rows))
    Path(f"{name}.gz").write_bytes(gzip.compress(Path(name).read_bytes()))
    whole, streamed, blocks = read(f"{name}.gz")
    assert len(blocks) > 3
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), whole.ratings)
    pd.testing.assert_frame_equal(streamed.movies, whole.movies)


def test_errors_name_the_line_also_behind_the_first_block(tmp_path: Path) -> None:
    good = [f"{user},{movie},4" for user in range(40) for movie in range(1, 30)]
    name = log(tmp_path, *good, "7,x\x00,4")
    with pytest.raises(DatasetError) as at_once:
        load(name, datasets_dir=tmp_path, datasets_url="")
    with pytest.raises(DatasetError) as in_blocks:
        load(name, datasets_dir=tmp_path, datasets_url="", take=lambda _: None)
    assert str(in_blocks.value) == str(at_once.value)
    assert f"line {len(good) + 2}" in str(at_once.value)


def test_events_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,movie,kind\n1,2,liked\n")
    with pytest.raises(DatasetError, match="holds events: import them, and read the database"):
        load(str(path), datasets_dir=tmp_path, datasets_url="", take=lambda _: None)


def test_a_log_without_a_rating_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no rating"):
        load(log(tmp_path), datasets_dir=tmp_path, datasets_url="", take=lambda _: None)
