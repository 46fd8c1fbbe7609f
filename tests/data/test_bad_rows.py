"""Bad rows: skipped up to a limit, and written with their line and reason."""

import csv
import json
import stat
from pathlib import Path

import pandas as pd
import pytest

from data import delimited
from data.mapping import Mapping
from data.release import DatasetError, Release
from tests.data.test_mapped_files import read

HEADER = "user,movie,rating,note\n"
MAPPING = Mapping(columns={"user": "user", "movie": "movie", "rating": "rating"})
# Each with its place among the rows, from line 2 on; good rows surround them.
BAD = {
    "b,x,9,": "'9' is out of range (0.5 to 5)",
    "b,x,3": "3 fields instead of 4",
    ",x,3,": "the user is missing",
    'b,"x"y,3,': "',' expected after '\"'",
    "b,..,3,": "'..' is no movie key",
    "b,\udcff,3,": "the bytes of the movie are not UTF-8 text",
}


def read_with(folder: Path, text: str, skip_bad: str, name: str = "log.csv") -> Release:
    path = folder / name
    path.write_bytes(text.encode(errors="surrogateescape"))
    mapping = MAPPING.with_options(skip_bad=skip_bad, bad_rows=folder / "bad.csv")
    return read(path, mapping)


def written(folder: Path) -> list[list[str]]:
    with (folder / "bad.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("size", [20, 8 << 20])
def test_bad_rows_are_written_with_line_reason_and_text(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether blocks are small or large, and blank lines count as lines."""
    monkeypatch.setattr(delimited, "BLOCK_BYTES", size)
    good = [f'g{at},m,4,"a ""note"", long"' for at in range(len(BAD) + 1)]
    lines = [good[0]]
    for row, after in zip(BAD, good[1:], strict=True):
        lines += [row, "", after]
    release = read_with(tmp_path, HEADER + "\n".join(lines) + "\n", "6")

    assert release.ratings["user"].tolist() == [f"g{at}" for at in range(len(good))]
    assert release.rejected is not None
    assert (release.rejected.n_rows, release.rejected.n_bad) == (13, 6)
    assert release.rejected.reasons[0].endswith("log.csv, line 3: '9' is out of range (0.5 to 5)")
    header, *rows = written(tmp_path)
    assert header == ["line", "reason", "row", "file"]
    assert [int(row[0]) for row in rows] == [3, 6, 9, 12, 15, 18]
    for (number, reason, text, file), (line, expected) in zip(rows, BAD.items(), strict=True):
        assert expected in reason, number
        assert text == line.replace("\udcff", "\ufffd")
        assert file.endswith("log.csv")
    assert stat.S_IMODE((tmp_path / "bad.csv").stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("skip_bad", ["5", "46%"])
def test_over_the_limit_nothing_is_read_and_the_rows_are_written(
    skip_bad: str, tmp_path: Path
) -> None:
    text = HEADER + "\n".join(BAD) + "\n"
    text += "".join(f"g{at},m,4,\n" for at in range(7))
    with pytest.raises(DatasetError) as caught:
        read_with(tmp_path, text, skip_bad)
    message = str(caught.value)
    assert message.startswith(f"6 of 13 rows are bad, more than {skip_bad}; the first is ")
    assert "log.csv, line 2: '9' is out of range" in message
    assert "\n" not in message
    assert len(written(tmp_path)) == 7
    assert read_with(tmp_path, text, "47%").rejected is not None


def test_an_open_quote_spoils_no_row_unseen(tmp_path: Path) -> None:
    """Every line that it swallows counts as bad."""
    text = HEADER + 'a,m,4,\nb,m,4,"open\nc,m,4,\nd,m,4,\n' + 'e,m,4,"x" y\nf,m,4,\n'
    with pytest.raises(DatasetError, match=r"^4 of 6 rows are bad, more than 3"):
        read_with(tmp_path, text, "3")
    release = read_with(tmp_path, text, "4")
    assert release.ratings["user"].tolist() == ["a", "f"]
    assert [row[0] for row in written(tmp_path)[1:]] == ["3", "4", "5", "6"]


def test_a_carriage_return_within_a_line_makes_it_one_bad_row(tmp_path: Path) -> None:
    text = HEADER + 'a,m,4,\nb,m,4,\rc,m,4,\nd,m,9,\ne,m,4,"two\rparts"\r\n'
    release = read_with(tmp_path, text, "2")
    assert release.ratings["user"].tolist() == ["a", "e"]
    assert [row[:3] for row in written(tmp_path)[1:]] == [
        ["3", "a carriage return that ends no line", "b,m,4,\ufffdc,m,4,"],
        ["4", "'9' is out of range (0.5 to 5)", "d,m,9,"],
    ]


def test_bad_rows_of_json_lines_and_parquet_are_written_too(tmp_path: Path) -> None:
    rows = [{"user": "a", "movie": 1, "rating": 4}, {"user": "b", "movie": 1, "rating": 7}]
    lines = [*map(json.dumps, rows), "{", "[]"]
    release = read_with(tmp_path, "\n".join(lines), "3", "log.jsonl")
    assert release.ratings["user"].tolist() == ["a"]
    assert [(row[0], row[2]) for row in written(tmp_path)[1:]] == [
        ("2", lines[1]), ("3", "{"), ("4", "[]"),
    ]  # fmt: skip

    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    mapping = MAPPING.with_options(skip_bad="50%", bad_rows=tmp_path / "bad.csv")
    assert read(tmp_path / "log.parquet", mapping).ratings["user"].tolist() == ["a"]
    assert written(tmp_path)[1][:3] == [
        "2", "'7' is out of range (0.5 to 5)", '{"user": "b", "movie": 1, "rating": 7}',
    ]  # fmt: skip


def test_movies_are_skipped_by_the_same_limit_and_their_ratings_with_them(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(f"id,title\nm,Good\nn,{'x' * 501}\n")
    text = HEADER + "a,m,4,\na,n,4,\n"
    release = read_with(tmp_path, text, "50%")
    assert release.movies["title"].tolist() == ["Good"]
    assert release.rejected is not None
    assert (release.rejected.n_rows, release.rejected.n_bad) == (4, 2)
    assert [row[1] for row in written(tmp_path)[1:]] == [
        "the title has 501 characters, more than 500", "movie n is not in the list of movies",
    ]  # fmt: skip


def test_without_bad_rows_no_file_is_written(tmp_path: Path) -> None:
    assert read_with(tmp_path, HEADER + "a,m,4,\n", "10%").rejected is None
    assert not (tmp_path / "bad.csv").exists()


def test_a_repeated_pair_is_an_error_however_many_bad_rows_are_allowed(tmp_path: Path) -> None:
    text = HEADER + "a,m,4,\nb,m\n\na,m,3,\n"
    with pytest.raises(DatasetError, match="line 5: user a rates movie m again, after line 2"):
        read_with(tmp_path, text, "10")


def test_bad_rows_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").mkdir()
    with pytest.raises(DatasetError, match=r"the bad rows cannot be written to .*bad\.csv"):
        read_with(tmp_path, HEADER + "a,m,4,\nb,m,9,\n", "10")
