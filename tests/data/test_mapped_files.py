"""Logs of any shape, read with a mapping: CSV, JSON Lines, Parquet, packed, standard input."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data import delimited, json_lines
from data.mapping import Mapping
from data.movie_keys import movie_id
from data.movielens import load
from data.release import DatasetError, Release
from tests.data.releases import NOWHERE

ROWS: list[dict[str, Any]] = [
    {"customer": "bob smith", "sku": "sku-18", "score": 10, "at": "2024-01-01T00:00:00Z", "x": "a"},
    {"customer": "жук", "sku": "42", "score": 6.5, "at": "2024-01-02", "x": None},
    {"customer": "жук", "sku": "tt0133093", "score": 0, "at": "1704067200", "x": 'say "x"'},
]
NAN = float("nan")
STARS = [5.0, 3.75, 0.5]
MAPPING = Mapping(
    columns={"user": "customer", "movie": "sku", "rating": "score", "timestamp": "at"},
    scale=(0.0, 10.0),
    like_from=7.0,
)
IDS = [movie_id("sku-18"), 42, movie_id("tt0133093")]


class Input(io.BytesIO):
    """Standard input."""

    @property
    def buffer(self) -> io.BytesIO:
        return self


def read(path: Path | str, mapping: Mapping | None = MAPPING) -> Release:
    return load(str(path), datasets_dir=Path("none"), datasets_url=NOWHERE, mapping=mapping)


def write(folder: Path, name: str, rows: list[dict[str, Any]] = ROWS, sep: str = ",") -> Path:
    path = folder / name
    frame = pd.DataFrame(rows)
    if name.endswith(".parquet"):
        frame.to_parquet(path)
        return path
    if "json" in name:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = frame.to_csv(index=False, sep=sep)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(
    "name", ["log.csv", "log.jsonl", "log.parquet", "log.csv.gz", "log.ndjson.gz", "log.tsv"]
)
def test_a_log_reads_the_same_in_every_format(name: str, tmp_path: Path) -> None:
    release = read(write(tmp_path, name, sep="\t" if name == "log.tsv" else ","))

    assert release.name == "log"
    assert release.is_own
    assert not release.has_titles
    assert release.rejected is None
    ratings = release.ratings
    assert ratings["user"].tolist() == ["bob smith", "жук", "жук"]
    assert ratings["movie_id"].dtype == "int64"
    assert ratings["movie_id"].tolist() == IDS
    assert ratings["stars"].tolist() == pytest.approx(STARS)
    assert ratings["rated_at"].tolist() == [1704067200, 1704153600, 1704067200]
    titles = dict(zip(release.movies["movie_id"], release.movies["title"], strict=True))
    assert titles == dict(zip(IDS, ["sku-18", "Movie 42", "tt0133093"], strict=True))
    keys = dict(zip(release.movies["movie_id"], release.movies["key"], strict=True))
    assert keys == dict(zip(IDS, ["sku-18", None, "tt0133093"], strict=True))
    assert not release.movies["titled"].any()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", None])
def test_standard_input_is_read_in_every_format_and_none_is_left_behind(
    form: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = write(tmp_path, f"log.{form or 'jsonl'}").read_bytes()
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    monkeypatch.setattr("sys.stdin", Input(content))
    release = read("-", MAPPING.with_options(format=form))
    assert release.name == "stdin"
    assert release.ratings["movie_id"].tolist() == IDS
    assert list(spool.iterdir()) == []

    monkeypatch.setattr("sys.stdin", Input(b"user,movie\n"))
    with pytest.raises(DatasetError, match="standard input, line 1: the column 'customer'"):
        read("-", MAPPING.with_options(format="csv"))
    monkeypatch.setattr("sys.stdin", Input())
    with pytest.raises(DatasetError, match="standard input is empty"):
        read("-")


def test_semicolons_bring_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "noten.csv"
    path.write_bytes(b'\xef\xbb\xbfcustomer;sku;score\r\n"a; b";x;7,5\r\nc;y;"10"\r\n')
    columns = {"user": "customer", "movie": "sku", "rating": "score"}
    ratings = read(path, Mapping(columns=columns, delimiter=";", scale=(0, 10))).ratings
    assert ratings["user"].tolist() == ["a; b", "c"]
    assert ratings["stars"].tolist() == [3.875, 5.0]


def test_fields_that_do_not_count_may_hold_quotes_and_line_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a block ends."""
    path = tmp_path / "log.csv"
    lines = [f'u{at},"line one\nline ""two"", u,v\n",m{at},4\n' for at in range(40)]
    path.write_text("user,review,movie,rating\n" + "".join(lines) + "u1,,m2,nine\n")
    mapping = Mapping(columns={"user": "user", "movie": "movie", "rating": "rating"}, skip_bad="1")
    monkeypatch.chdir(tmp_path)
    for size in (64, 100, 1 << 20):
        monkeypatch.setattr(delimited, "BLOCK_BYTES", size)
        release = read(path, mapping)
        assert release.ratings["user"].tolist() == [f"u{at}" for at in range(40)]
        assert release.rejected is not None
        assert "log.csv, line 122: 'nine' is no number" in release.rejected.reasons[0]
    with pytest.raises(DatasetError, match="line 122: 'nine' is no number"):
        read(path, mapping.with_options(skip_bad="0"))


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_of_repeated_ratings_the_latest_wins_or_both_are_named(name: str, tmp_path: Path) -> None:
    rows = [
        {"user": "a", "movie": "x", "rating": 5, "timestamp": 30},
        {"user": "b", "movie": "x", "rating": 1, "timestamp": 10},
        {"user": "a", "movie": "x", "rating": 2, "timestamp": 20},
        {"user": "b", "movie": "x", "rating": 3, "timestamp": 10},
    ]
    path = write(tmp_path, name, rows)
    with pytest.raises(DatasetError, match=r"(line|row) \d: user a rates movie x again, after"):
        read(path, None)
    ratings = read(path, Mapping(latest_wins=True)).ratings
    assert ratings["user"].tolist() == ["a", "b"]
    assert ratings["stars"].tolist() == [5, 3]


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_likes_stand_beside_stars(name: str, tmp_path: Path) -> None:
    rows = [
        {"user": "a", "movie": 1, "rating": 4.5, "liked": None},
        {"user": "b", "movie": 1, "rating": None, "liked": False},
        {"user": "c", "movie": 1, "rating": None, "liked": True},
    ]
    release = read(write(tmp_path, name, rows), None)
    assert release.ratings["stars"].tolist() == pytest.approx([4.5, NAN, NAN], nan_ok=True)
    assert release.ratings["liked"].tolist() == [pd.NA, False, True]
    users, _, liked = release.columns(4.0)
    assert (users.tolist(), liked.tolist()) == (["a", "b", "c"], [True, False, True])
    for wrong, complaint in (("maybe", "'maybe' is no like"), (None, "the rating is missing")):
        rows[1]["liked"] = wrong
        with pytest.raises(DatasetError, match=rf"(line 3|row 2|line 2): {complaint}"):
            read(write(tmp_path, name, [{**row, "liked": str(row["liked"] or "")} for row in rows]
                       if name != "log.jsonl" else rows), None)  # fmt: skip


EVENTS: list[dict[str, Any]] = [
    {"id": "e1", "who": "a", "what": "x", "did": "view", "n": None, "at": 10},
    {"id": "e1", "who": "a", "what": "x", "did": "view", "n": None, "at": 10},
    {"id": None, "who": "b", "what": "y", "did": "rated", "n": 4, "at": 20},
    {"id": "e 3", "who": "b", "what": "x", "did": "Watched", "n": 0.25, "at": 30},
    {"id": "é", "who": "b", "what": "x", "did": "ping", "n": 7, "at": 40},
    {"id": "e5", "who": "c", "what": "x", "did": "hidden", "n": 9, "at": 50},
]
EVENT_MAPPING = Mapping(
    columns={
        "event_id": "id", "user": "who", "movie": "what", "kind": "did", "value": "n",
        "timestamp": "at",
    },
    kinds={"view": "clicked", "ping": "ignored"},
)  # fmt: skip


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_a_column_of_kinds_makes_events_and_repeated_ones_stay(name: str, tmp_path: Path) -> None:
    release = read(write(tmp_path, name, EVENTS), EVENT_MAPPING)
    events = release.events
    assert events is not None
    assert len(release.ratings) == 0
    assert events["event_id"].tolist() == ["e1", "e1", None, "e 3", "e5"]
    assert events["user"].tolist() == ["a", "a", "b", "b", "c"]
    assert events["movie_id"].tolist() == [movie_id(key) for key in "xxyxx"]
    assert events["kind"].tolist() == ["clicked", "clicked", "rated", "watched", "hidden"]
    expected = [NAN, NAN, 4.0, 0.25, NAN]
    assert events["value"].tolist() == pytest.approx(expected, nan_ok=True)
    assert events["occurred_at"].tolist() == [10, 10, 20, 30, 50]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"did": "viewed"}, "'viewed' is no kind of event (rated, liked"),
        ({"did": ""}, "the kind is missing"),
        ({"did": "watched", "n": 1.5}, "'1.5' is no share from 0 to 1"),
        ({"did": "rated", "n": 7}, "'7' is out of range (0.5 to 5)"),
        ({"did": "rated", "n": None}, "the rating is missing"),
        ({"id": "x" * 101}, "is no id of an event"),
        ({"id": " x"}, "' x' is no id of an event"),
    ],
)
def test_a_bad_event_is_refused(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    path = write(tmp_path, "log.jsonl", [EVENTS[0], EVENTS[2] | change])
    with pytest.raises(DatasetError) as caught:
        read(path, EVENT_MAPPING)
    assert "line 2: " in str(caught.value)
    assert complaint in str(caught.value)


def test_every_row_may_be_of_one_kind_and_stars_have_a_column_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", [{"user": 1, "movie": 2, "time": 5}])
    events = read(path, Mapping(kind="purchased")).events
    assert events is not None
    assert events.iloc[0].tolist()[1:4] == [1, 2, "purchased"]
    rows = [{"user": 1, "movie": 2, "kind": "rated", "rating": 2, "value": 5}]
    events = read(write(tmp_path, "rated.csv", rows), None).events
    assert events is not None
    assert events["value"].tolist() == [2.0]


def test_late_columns_of_json_lines_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "JSON_BLOCK_BYTES", 64)
    rows: list[dict[str, Any]] = [{"user": "a", "movie": "x", "kind": "seen"}] * 5
    path = write(tmp_path, "log.jsonl", [*rows, {**rows[0], "kind": "watched", "value": 0.5}])
    events = read(path, None).events
    assert events is not None
    assert events["value"].tolist()[-1] == 0.5
    rated = [{"user": at, "movie": "x", "rating": 4} for at in range(5)]
    ratings = read(write(tmp_path, "rated.jsonl", rated), None).ratings
    assert "liked" not in ratings
    path = write(tmp_path, "liked.jsonl", [*rated, {"user": 9, "movie": "x", "liked": False}])
    assert read(path, None).ratings["liked"].tolist() == [*[pd.NA] * 5, False]
    path = write(tmp_path, "log.jsonl", [*rows, {**rows[0], "mood": 1}])
    with pytest.raises(DatasetError, match="line 6: unknown column 'mood'"):
        read(path, None)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("7", "not a JSON object"),
        ('{"user":"a"},{"user":"b"}', "not JSON"),
        ('{"user":"\\ud800","movie":1,"rating":3}', "is no user key"),
        ('{"user":{"a":1},"movie":[],"rating":3}', "is no movie key|is no"),
        ('{"user":"a","movie":1,"rating":NaN}', "no number of stars"),
        ('{"user":"a","movie":1}', "the rating is missing"),
        (f'{{"user":{"9" * 5000},"movie":1,"rating":3}}', "not JSON|is no user key"),
    ],
)
def test_a_bad_line_of_json_is_refused(line: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    good = '{"user":"a","movie":1,"rating":3}'
    path.write_text(f"{good}\n\n{line}\n", "utf-8")
    with pytest.raises(DatasetError, match=rf"log\.jsonl, line 3: .*({complaint})"):
        read(path, None)


def test_a_json_line_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "JSON_BLOCK_BYTES", 1000)
    (tmp_path / "log.jsonl").write_text('{"user":"a","movie":1,"rating":3}\n' + "[" * 5000)
    with pytest.raises(DatasetError, match="line 2: longer than 1000 bytes"):
        read(tmp_path / "log.jsonl", None)


def test_what_gzip_unpacks_to_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.source.HARMLESS_BYTES", 1000)
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"user,movie,rating\n" + b"1,2,3\n" * 100_000))
    with pytest.raises(DatasetError, match=r"log\.csv\.gz cannot be read: it unpacks to more"):
        read(path, None)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"log\.csv\.gz cannot be read"):
        read(path, None)


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_a_file_that_needs_a_mapping_says_how(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, name)
    with pytest.raises(DatasetError, match=r"unknown column 'customer' .*--map user=NAME"):
        read(path, None)
    with pytest.raises(DatasetError, match=r"no movie column among customer, sku.*--map"):
        read(path, Mapping(columns={"user": "customer", "rating": "score"}))
    with pytest.raises(DatasetError, match=r"no rating column .* or what each row is: --kind"):
        read(path, Mapping(columns={"user": "customer", "movie": "sku"}))
    path.with_name("other.csv").write_text("user;movie;rating\na;b;4\n")
    with pytest.raises(DatasetError, match=r"unknown column 'user;movie;rating' .*--delimiter"):
        read(path.with_name("other.csv"), None)
    gone = Mapping(columns={**MAPPING.columns, "rating": "gone"})
    with pytest.raises(DatasetError, match=r"column 'gone' of the rating is not among|is missing"):
        read(path, gone)


def test_a_mapping_is_part_of_what_was_read(tmp_path: Path) -> None:
    """The same file, read in another way, is another data set."""
    path = write(tmp_path, "log.csv")
    before = read(path).sha256
    assert read(path, MAPPING.with_options(bad_rows=tmp_path / "bad.csv")).sha256 == before
    assert read(path, MAPPING.with_options(like_from=6)).sha256 != before


def test_a_release_by_name_takes_no_mapping() -> None:
    with pytest.raises(DatasetError, match="sample is read as it is: a mapping is for own files"):
        read("sample", Mapping(latest_wins=True))
