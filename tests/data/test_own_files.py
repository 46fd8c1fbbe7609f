"""Anybody's own ratings, under the usual names of columns, as CSV and Parquet."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.movie_keys import movie_id, movie_key
from data.movielens import NO_TIME, DatasetError, load
from data.rules import is_movie_key, is_user_key
from tests.data.releases import MOVIES_CSV, read

COLUMNS: dict[str, list[Any]] = {
    "user": ["anna", "b.o@b", "anna"],
    "item": [7, 7, 2147483647],
    "rating": [4.0, 3.5, 0.5],
    "timestamp": [1000, 2000, 3000],
}


def write_csv(folder: Path, columns: dict[str, list[Any]], name: str = "ours.csv") -> Path:
    path = folder / name
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def write_parquet(folder: Path, columns: dict[str, Any], name: str = "ours.parquet") -> Path:
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path


WRITERS = pytest.mark.parametrize("write", [write_csv, write_parquet], ids=["csv", "parquet"])


@WRITERS
def test_a_file_of_ratings_is_read_under_its_own_name(write: Any, tmp_path: Path) -> None:
    release = read(write(tmp_path, COLUMNS))

    assert release.name == "ours"
    assert not release.is_public
    assert release.notice == ""
    assert release.ratings["user"].tolist() == ["anna", "b.o@b", "anna"]
    assert release.ratings["movie_id"].tolist() == [7, 7, 2147483647]
    assert release.ratings["stars"].tolist() == [4.0, 3.5, 0.5]
    assert release.ratings["rated_at"].tolist() == [1000, 2000, 3000]
    assert release.is_own
    assert release.events is None
    assert "liked" not in release.ratings


@WRITERS
def test_movies_of_which_only_the_id_is_known_are_titled_by_it(write: Any, tmp_path: Path) -> None:
    movies = read(write(tmp_path, COLUMNS)).movies

    assert movies["movie_id"].tolist() == [7, 2147483647]
    assert movies["title"].tolist() == ["Movie 7", "Movie 2147483647"]
    assert movies["year"].isna().all()
    assert movies["genres"].tolist() == [[], []]


@WRITERS
def test_movies_csv_beside_the_file_gives_the_titles(write: Any, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(MOVIES_CSV, "utf-8")
    release = read(write(tmp_path, {"user": ["u"], "movie": [10], "rating": [4]}))
    assert release.movies["title"].tolist() == ["The Matrix", "Amélie", "Me, Myself & Irene"]

    with pytest.raises(DatasetError, match=r"(line 2|row 1): movie 11 is not in the list"):
        read(write(tmp_path, {"user": ["u"], "movie": [11], "rating": [4]}))


@WRITERS
@pytest.mark.parametrize(
    "names",
    [
        ("userId", "movieId", "rating", "timestamp"),
        ("user_id", "item_id", "score", "time"),
        ("User ID", "Film", "Stars", "rated_at"),
        ("uid", "mid", "rating", "unix-time"),
    ],
)
def test_columns_go_by_many_names(write: Any, names: tuple[str, ...], tmp_path: Path) -> None:
    columns = dict(zip(names, COLUMNS.values(), strict=True))
    expected = read(write(tmp_path, COLUMNS)).ratings
    pd.testing.assert_frame_equal(read(write(tmp_path, columns)).ratings, expected)


@WRITERS
def test_columns_come_in_any_order(write: Any, tmp_path: Path) -> None:
    columns = dict(reversed(COLUMNS.items()))
    expected = read(write(tmp_path, COLUMNS)).ratings
    pd.testing.assert_frame_equal(read(write(tmp_path, columns)).ratings, expected)


@WRITERS
def test_without_timestamps_no_time_is_told(write: Any, tmp_path: Path) -> None:
    columns = {name: values for name, values in COLUMNS.items() if name != "timestamp"}
    assert read(write(tmp_path, columns)).ratings["rated_at"].tolist() == [NO_TIME] * 3


@WRITERS
@pytest.mark.parametrize(
    ("users", "dtype"),
    [([3, 1, 3], "int32"), ([3_000_000_000, 1, 3_000_000_000], "int64")],
)
def test_plain_numbers_stay_numbers(
    write: Any, users: list[int], dtype: str, tmp_path: Path
) -> None:
    ratings = read(write(tmp_path, COLUMNS | {"user": users})).ratings
    assert ratings["user"].dtype == dtype
    assert ratings["user"].tolist() == users


@pytest.mark.parametrize("user", ["007", "+7", "7.0", "1e5", "99999999999999999999"])
def test_an_id_that_only_looks_like_a_number_stays_as_it_is(user: str, tmp_path: Path) -> None:
    ratings = read(write_parquet(tmp_path, COLUMNS | {"user": [user, "7", "8"]})).ratings
    assert ratings["user"].tolist() == [user, "7", "8"]


@WRITERS
@pytest.mark.parametrize("user", ["a" * 129, "a\nb", "a\n", "a\u202eb", " 7", ".", "..", ". ."])
def test_a_user_that_is_no_key_is_refused(write: Any, user: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"ours\.\w+, (line 2|row 1): .* is no user key"):
        read(write(tmp_path, COLUMNS | {"user": [user, "b", "c"]}))


@WRITERS
@pytest.mark.parametrize(
    ("column", "values", "complaint"),
    [
        ("rating", [4.0, float("nan"), 1.0], "no number|missing"),
        ("rating", [4.0, None, 1.0], "missing"),
        ("rating", [4.0, 5.5, 1.0], "'5.5' is out of range"),
        ("user", ["a", None, "c"], "the user is missing"),
        ("item", ["7", "..", "8"], "'..' is no movie key"),
        ("item", ["7", "x" * 201, "8"], "' is no movie key"),
        ("timestamp", [5, -5, 5], "'-5' is no time"),
        ("timestamp", [5, 10**15, 5], "'1000000000000000' is no time"),
    ],
)
def test_a_bad_value_is_refused_with_its_line_or_row(
    write: Any, column: str, values: list[Any], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=rf"ours\.\w+, (line 3|row 2): .*({complaint})"):
        read(write(tmp_path, COLUMNS | {column: values}))


@WRITERS
def test_a_repeated_pair_is_refused_with_both_places(write: Any, tmp_path: Path) -> None:
    columns = COLUMNS | {"item": [7, 7, 7]}
    with pytest.raises(DatasetError, match=r"(line 4|row 3): user anna rates .* (line 2|row 1)$"):
        read(write(tmp_path, columns))


@WRITERS
def test_an_unknown_column_is_refused(write: Any, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unknown column 'mood'"):
        read(write(tmp_path, COLUMNS | {"mood": [1, 2, 3]}))


@pytest.mark.parametrize("name", ["ours.csv", "ours.parquet"])
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=f"{name} is empty"):
        read(tmp_path / name)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ours.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(DatasetError, match=r"ours\.parquet cannot be read"):
        read(tmp_path / "ours.parquet")


def test_a_truncated_parquet_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path, COLUMNS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DatasetError, match=r"ours\.parquet cannot be read"):
        read(path)


def test_a_parquet_column_of_ids_must_not_hold_floats(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="column 'item' holds double"):
        read(write_parquet(tmp_path, COLUMNS | {"item": [7.0, 7.0, 8.0]}))


def test_parquet_may_hold_moments_dictionaries_and_small_types(tmp_path: Path) -> None:
    moments = [datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)] * 3
    columns = {
        "user": pa.array(COLUMNS["user"]).dictionary_encode(),
        "item": pa.array(COLUMNS["item"], pa.uint32()),
        "rating": pa.array(COLUMNS["rating"], pa.float32()),
        "timestamp": pa.array(moments, pa.timestamp("ms", tz="UTC")),
    }
    ratings = read(write_parquet(tmp_path, columns)).ratings
    assert ratings["user"].tolist() == COLUMNS["user"]
    assert ratings["movie_id"].tolist() == COLUMNS["item"]
    assert ratings["stars"].tolist() == COLUMNS["rating"]
    assert ratings["rated_at"].tolist() == [1_000_000_000] * 3


def test_a_parquet_written_by_pandas_may_carry_its_index(tmp_path: Path) -> None:
    path = tmp_path / "ours.parquet"
    pd.DataFrame(COLUMNS, index=["x", "y", "z"]).to_parquet(path)
    assert len(read(path).ratings) == 3


def test_parquet_tells_its_progress_up_to_the_end(tmp_path: Path) -> None:
    path = write_parquet(tmp_path, COLUMNS)
    seen: list[tuple[str, int, int | None]] = []
    load(
        str(path),
        datasets_dir=tmp_path,
        datasets_url="",
        progress=lambda *report: seen.append(report),
    )
    assert seen[-1] == ("read", path.stat().st_size, path.stat().st_size)


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=128)
user_keys = st.one_of(texts.filter(is_user_key), st.integers(0, 10**18 - 1).map(str))
any_keys = st.one_of(texts.filter(is_movie_key), st.integers(1, 2**31 - 1).map(str))
any_ratings = st.dictionaries(
    st.tuples(user_keys, any_keys),
    st.tuples(
        st.one_of(st.sampled_from(np.arange(0.5, 5.5, 0.5).tolist()), st.floats(0.5, 5, width=32)),
        st.integers(0, 253_402_300_799),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(
    ratings=any_ratings,
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    form=st.sampled_from(["csv", "parquet"]),
)
def test_what_is_written_is_what_is_read(
    ratings: dict[tuple[str, str], tuple[float, int]], encoding: str, form: str
) -> None:
    rows = [(user, movie, stars, at) for (user, movie), (stars, at) in ratings.items()]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"ours.{form}"
        if form == "csv":
            text = io.StringIO()
            csv.writer(text).writerows([("user", "movie", "rating", "timestamp"), *rows])
            path.write_text(text.getvalue(), encoding, newline="")
        else:
            columns = zip(*rows, strict=True)
            names = ("user", "movie", "rating", "timestamp")
            write_parquet(Path(folder), dict(zip(names, map(list, columns), strict=True)))
        read_back = read(path).ratings

    assert read_back["user"].astype(str).tolist() == [user for user, *_ in rows]
    ids = [movie_id(movie_key(movie)) for _, movie, *_ in rows]
    assert read_back["movie_id"].tolist() == ids
    expected_stars = np.array([stars for *_, stars, _ in rows], dtype=np.float32)
    np.testing.assert_array_equal(read_back["stars"], expected_stars)
    assert read_back["rated_at"].tolist() == [at for *_, at in rows]


def test_a_parquet_file_with_more_ratings_than_its_size_can_hold_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.source.HARMLESS_BYTES", 1 << 20)
    n_rows = 200_000
    columns: dict[str, Any] = {
        "user": ["a"] * n_rows, "movie": range(1, n_rows + 1), "rating": [4.0] * n_rows,
    }  # fmt: skip
    path = tmp_path / "ours.parquet"
    pq.write_table(
        pa.table(columns), path, use_dictionary=["user", "rating"],  # type: ignore[arg-type]
        column_encoding={"movie": "DELTA_BINARY_PACKED"}, compression="zstd",
    )  # fmt: skip
    monkeypatch.setattr("data.log_stream.LogBuilder.extend", lambda _, batches: list(batches))
    with pytest.raises(DatasetError, match="200000 rows, too many for its"):
        read(path)


@pytest.mark.parametrize("name", ["\xf5", "rating"])
def test_a_parquet_file_with_a_name_that_is_no_text_is_refused(name: str, tmp_path: Path) -> None:
    path = write_parquet(tmp_path, COLUMNS | {"zzzzzz": [1, 2, 3]})
    path.write_bytes(path.read_bytes().replace(b"zzzzzz", name.encode("latin-1")[:6].ljust(6)))
    with pytest.raises(DatasetError, match=r"cannot be read as Parquet|column"):
        read(path)


def test_a_parquet_file_whose_text_is_no_text_is_refused(tmp_path: Path) -> None:
    broken = pa.array([b"\xa9", b"b", b"c"]).view(pa.string())
    path = tmp_path / "ours.parquet"
    pq.write_table(pa.table(COLUMNS | {"user": broken}), path)
    with pytest.raises(DatasetError, match=r"ours\.parquet cannot be read .*UTF8"):
        read(path)
