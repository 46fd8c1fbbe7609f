"""Every kind of bad input is refused, and the error names file and line."""

import re
import threading
from functools import partial
from io import FileIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from data import delimited
from data.delimited import CSV, DAT, TABS, Layout, blocks, line_of_row
from data.movielens import DatasetError
from data.source import DataFile
from tests.data.releases import (
    CSV_FORM,
    DAT_FORM,
    HUNDRED_K_FORM,
    RATINGS_CSV,
    read,
    u_item_line,
    write_folder,
)

HEADER = "userId,movieId,rating,timestamp\n"


def refusal(folder: Path, files: dict[str, bytes]) -> str:
    """What the reader says, without the folder."""
    with pytest.raises(DatasetError) as caught:
        read(write_folder(folder, files))
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def refusal_of_ratings(folder: Path, text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return refusal(folder, CSV_FORM | {"ratings.csv": content})


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        # stars
        ("2,10,nan,5", "'nan' is no number of stars"),
        ("2,10,NaN,5", "'NaN' is no number of stars"),
        ("2,10,good,5", "'good' is no number of stars"),
        ("2,10,1_0,5", "'1_0' is no number of stars"),
        ("2,10,,5", "the rating is missing"),
        ("2,10,0,5", "'0' is out of range (0.5 to 5)"),
        ("2,10,0.4999,5", "'0.4999' is out of range"),
        ("2,10,5.5,5", "'5.5' is out of range"),
        ("2,10,-1,5", "'-1' is out of range"),
        ("2,10,1e999,5", "'1e999' is out of range"),
        # users
        ("0,10,4,5", "'0' is no user id (a whole number from 1 on)"),
        ("-3,10,4,5", "'-3' is no user id"),
        ("007,10,4,5", "'007' is no user id"),
        ("bob,10,4,5", "'bob' is no user id"),
        ("1.0,10,4,5", "'1.0' is no user id"),
        (",10,4,5", "the user is missing"),
        # movies
        ("2,0,4,5", "'0' is no movie id (a whole number from 1 to 2147483647)"),
        ("2,-1,4,5", "'-1' is no movie id"),
        ("2,2147483648,4,5", "'2147483648' is no movie id"),
        ("2,99999999999999999999,4,5", "'99999999999999999999' is no movie id"),
        ("2,x,4,5", "'x' is no movie id"),
        ("2,40,4,5", "movie 40 is not in the list of movies"),
        # times
        ("2,10,4,yesterday", "'yesterday' is no time in Unix seconds"),
        ("2,10,4,5\x1f", "'5\\x1f' is no time in Unix seconds"),
        ("2,10,4,-5", "'-5' is no time in Unix seconds"),
        ("2,10,4,1000000000000000", "'1000000000000000' is no time in Unix seconds"),
        ("2,10,4,", "the timestamp is missing"),
        # rows
        ("2,10,4", "3 fields instead of 4"),
        ("2,10,4,5,6", "5 fields instead of 4"),
        ("1,10,3,5", "user 1 rates movie 10 again, after line 2"),
    ],
)
def test_a_bad_rating_is_refused_with_its_line(row: str, complaint: str, tmp_path: Path) -> None:
    text = f"{HEADER}1,10,4,5\n\n1,20,4,5\n{row}\n9,10,4,5\n"
    message = refusal_of_ratings(tmp_path, text)
    assert message.startswith("ratings.csv, line 5: ")
    assert complaint in message


def test_the_first_of_several_faults_is_named(tmp_path: Path) -> None:
    text = f"{HEADER}1,10,4,5\n2,10,4,x\n3,10,9,5\n0,10,4,5\n"
    assert "line 3: 'x' is no time" in refusal_of_ratings(tmp_path, text)


def test_a_fault_beyond_the_first_block_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.delimited.BLOCK_BYTES", 256)
    good = "".join(f"{user},10,4,5\n" for user in range(1, 501))
    message = refusal_of_ratings(tmp_path, f"{HEADER}{good}501,10,6,5\n{good}")
    assert message == "ratings.csv, line 502: '6' is out of range (0.5 to 5)"


def test_a_repetition_far_apart_is_found_in_unsorted_ratings(tmp_path: Path) -> None:
    users = [*range(1, 50), 7, 8]
    text = HEADER + "".join(f"{user},10,4,5\n" for user in users)
    message = refusal_of_ratings(tmp_path, text)
    assert message == "ratings.csv, line 51: user 7 rates movie 10 again, after line 8"


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    message = refusal_of_ratings(tmp_path / "a", HEADER.encode() + b"1,10,4,5\n2,1\xff,4,5\n")
    assert message.startswith("ratings.csv, line 3: the bytes b'\\xff' are not UTF-8")

    movies = CSV_FORM["movies.csv"].replace("é".encode(), "é".encode("latin-1"))
    message = refusal(tmp_path / "b", CSV_FORM | {"movies.csv": movies})
    assert message.startswith("movies.csv, line 3: the bytes b'\\xe9' are not UTF-8")


def test_a_line_without_end_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    movies = CSV_FORM["movies.csv"] + b"40,abc" * 400_000
    message = refusal(tmp_path, CSV_FORM | {"movies.csv": movies})
    assert message == "movies.csv, line 5: longer than 65536 bytes"


@pytest.mark.parametrize("block", [1 << 10, 8 << 20])
def test_a_rating_without_end_is_refused_without_reading_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("data.delimited.BLOCK_BYTES", block)
    message = refusal_of_ratings(tmp_path, f"{HEADER}1,10,4,5\n{'1,20' * 100_000}")
    assert message == "ratings.csv, line 3: longer than 65536 bytes"


def test_a_row_that_goes_on_over_thousands_of_lines_is_refused(tmp_path: Path) -> None:
    movies = CSV_FORM["movies.csv"] + b'40,"' + b'a\n","' * 20_000
    message = refusal(tmp_path, CSV_FORM | {"movies.csv": movies})
    assert message == "movies.csv, line 5: longer than 65536 bytes"


def test_a_rating_of_two_lines_is_refused_with_its_line(tmp_path: Path) -> None:
    message = refusal_of_ratings(tmp_path, f'{HEADER}1,10,4,5\n2,"10\n",4,5\n')
    assert message.startswith("ratings.csv, line 3: '10\\n' is no movie id")


def test_one_line_again_and_again_ends_in_the_first_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    parsed = delimited._parsed  # noqa: SLF001
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 1 << 10)

    def noting(block: bytes, *others: Any) -> Any:
        read.append(block)
        return parsed(block, *others)

    monkeypatch.setattr(delimited, "_parsed", noting)
    message = refusal_of_ratings(tmp_path, HEADER + "1,10,4,5\n" * 10_000)
    assert message == "ratings.csv, line 3: user 1 rates movie 10 again, after line 2"
    assert len(read) == 1


@pytest.mark.parametrize(
    ("name", "form", "text"),
    [
        ("ratings.csv", CSV_FORM, RATINGS_CSV.encode()),
        ("ratings.dat", DAT_FORM, DAT_FORM["ratings.dat"]),
        ("u.data", HUNDRED_K_FORM, HUNDRED_K_FORM["u.data"]),
    ],
)
def test_no_thread_but_ours_reads_a_file(
    name: str, form: dict[str, bytes], text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread of Arrow that calls Python at the end of the process aborts it, or hangs."""
    threads: set[threading.Thread] = set()

    class Noting(FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            threads.add(threading.current_thread())
            return super().read(-1 if size is None else size)

    monkeypatch.setattr(delimited, "BLOCK_BYTES", 64)
    monkeypatch.setattr("data.source._open_file", Noting)
    read(write_folder(tmp_path, form))
    refusal(tmp_path, form | {name: text + b"nonsense\n"})
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("name", ["ratings.csv", "movies.csv"])
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, CSV_FORM | {name: b""}) == f"{name} is empty"


def test_files_without_any_row_are_refused(tmp_path: Path) -> None:
    assert refusal_of_ratings(tmp_path / "a", HEADER) == "ratings.csv holds no rating"
    movies = CSV_FORM | {"movies.csv": b"movieId,title,genres\n"}
    assert refusal(tmp_path / "b", movies) == "movies.csv holds no movie"


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("userId,movieId,rating,comment", "unknown column 'comment'"),
        ("userId,movieId,timestamp", "no rating column (rating or stars or score)"),
        ("userId,rating,timestamp", "no movie column"),
        ("user\x1fId,rating,timestamp", "among user Id, rating, timestamp"),
        (f"{'x' * 100_000},rating,timestamp", "longer than 65536 bytes"),
        (f"{'x' * 60_000},rating,timestamp", "…' (known: "),
        ("movieId,rating,timestamp", "no user column"),
        ("userId,user_id,movieId,rating", "'user_id' is a second user column"),
        ("1,10,4,5", "unknown column '1'"),
        ("", "no header"),
    ],
)
def test_a_bad_header_is_refused(header: str, complaint: str, tmp_path: Path) -> None:
    message = refusal_of_ratings(tmp_path, f"{header}\n1,10,4,5\n")
    assert message.startswith("ratings.csv, line 1: ")
    assert complaint in message


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("0,Some Movie (1999),Drama", "'0' is no movie id"),
        ("3000000000,Some Movie (1999),Drama", "'3000000000' is no movie id"),
        ("x,Some Movie (1999),Drama", "'x' is no movie id"),
        ("10,Some Movie (1999),Drama", "movie 10 again, after line 2"),
        ("50,,Drama", "the title is missing"),
        (f"50,{'x' * 501},Drama", "the title has 501 characters, more than 500"),
        ("50,Bell\a,Drama", "the title holds U+0007, which is no character of a text: 'Bell\\x07'"),
        ("50,NUL\0,Drama", "the title holds U+0000"),
        ('50,"Two\nlines",Drama', "the title holds U+000A"),
        ("50,\u202edlrow,Drama", "the title holds U+202E"),
        ("50,\uffff,Drama", "the title holds U+FFFF"),
        ("50,Some Movie,Dra\x1bma", "the genre holds U+001B"),
        (f"50,Some Movie,{'x' * 51}", "the genre has 51 characters, more than 50"),
        (f"50,Some Movie,{'|'.join(map(str, range(21)))}", "the movie has 21 genres, more than 20"),
        ("50,Some, Movie,Drama", "4 fields instead of 3"),
        ('50,"Some" Movie,Drama', "expected after"),
    ],
)
def test_a_bad_movie_is_refused_with_its_line(row: str, complaint: str, tmp_path: Path) -> None:
    movies = CSV_FORM["movies.csv"] + f"{row}\n60,Other (2000),Drama\n".encode()
    message = refusal(tmp_path, CSV_FORM | {"movies.csv": movies})
    assert message.startswith("movies.csv, line 5: ")
    assert complaint in message


def test_lines_are_counted_right_behind_a_row_of_two_lines(tmp_path: Path) -> None:
    movies = b'movieId,title,genres\n10,Two lines,"Drama\n|Comedy"\n0,Bad,Drama\n'
    message = refusal(tmp_path, CSV_FORM | {"movies.csv": movies})
    assert message.startswith("movies.csv, line 4: '0' is no movie id")


def test_a_bad_link_is_refused_with_its_line(tmp_path: Path) -> None:
    links = CSV_FORM["links.csv"] + b"30,tt0183505,1\n"
    message = refusal(tmp_path, CSV_FORM | {"links.csv": links})
    assert message == "links.csv, line 5: 'tt0183505' is no id of IMDb or TMDB"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (b"2::10::7::5\n", "'7' is out of range"),
        (b"2::10::4\n", "3 fields instead of 4"),
        (b"2:10:4:5\n", "1 fields instead of 4"),
        (b"2:::10::4::5\n", "':10' is no movie id"),
        (b"2::10::4::5::6\n", "5 fields instead of 4"),
        (b'2::|::4::5{"a":1}\n', "'|' is no movie id"),
        (b"2::10::4::5\r2::20::4::5\n", "a carriage return that ends no line: '2::10::4::5\\r2:"),
    ],
)
def test_a_bad_line_of_a_dat_file_is_refused(row: bytes, complaint: str, tmp_path: Path) -> None:
    message = refusal(tmp_path, DAT_FORM | {"ratings.dat": DAT_FORM["ratings.dat"] + row})
    assert message.startswith("ratings.dat, line 4: ")
    assert complaint in message


def test_a_bad_line_of_ml_100k_is_refused(tmp_path: Path) -> None:
    ratings = HUNDRED_K_FORM | {"u.data": HUNDRED_K_FORM["u.data"] + b"2\t10\tx\t5\n"}
    assert refusal(tmp_path / "a", ratings).startswith("u.data, line 4: 'x' is no number")

    flags = HUNDRED_K_FORM["u.item"] + u_item_line(40, "Film", "").replace(b"|0|0|", b"|0|2|", 1)
    message = refusal(tmp_path / "b", HUNDRED_K_FORM | {"u.item": flags})
    assert re.match(r"u\.item, line 4: the flag of \S+ is '2', neither 0 nor 1", message)


def test_a_carriage_return_within_a_line_ends_no_row(tmp_path: Path) -> None:
    ratings = b"1\t10\t4\t964\r\xe7\xa7\xd45n\xa8:\t20\t1\t964981247"
    message = refusal(tmp_path, HUNDRED_K_FORM | {"u.data": ratings})
    assert message == (
        "u.data, line 1: a carriage return that ends no line: "
        r"'1\t10\t4\t964\rç§Ô5n¨:\t20\t1\t964981247'"
    )
    message = refusal_of_ratings(tmp_path, f"{HEADER}1,10,4,5\r\n1,20,4,5\r1,10,3,5\n")
    assert message == "ratings.csv, line 3: a carriage return that ends no line"
    # An odd end of a line is one.
    ends = f"{HEADER}1,10,4,5\r\r\n1,20,7,5\r"
    assert refusal_of_ratings(tmp_path, ends).startswith("ratings.csv, line 3: '7' is out of range")


def test_a_byte_order_mark_within_a_file_is_part_of_a_row(tmp_path: Path) -> None:
    message = refusal_of_ratings(tmp_path, f"{HEADER}\ufeff1,10,4,5\n")
    assert message.startswith(r"ratings.csv, line 2: '\ufeff1' is no user id")


PARTS = [b"1", b"2", b"\r", b"\n", b"\r\n", b'"', b"1,2", b'"1"', b"\xef\xbb\xbf", b"\xff"]


@pytest.mark.parametrize("layout", [CSV, TABS, DAT], ids=["csv", "tabs", "dat"])
def test_arrow_and_the_counting_of_lines_agree_on_the_rows(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, roles = tmp_path / "file", list[str | None](["user", "movie"])
    delimiter = layout.delimiter.encode()
    for seed in range(80):
        rng = Random(seed)  # noqa: S311 (no secret)
        parts = [delimiter, *rng.choices(PARTS, k=rng.randrange(16))]
        rng.shuffle(parts)
        content = b"".join(parts).replace(b",", delimiter)
        path.write_bytes(b"a,b\n" * layout.has_header + content)
        file = DataFile("file", path.stat().st_size, partial(FileIO, path))
        monkeypatch.setattr(delimited, "BLOCK_BYTES", rng.choice([4, 8, 1 << 20]))
        places, is_read = [], True
        with file.open() as stream:
            try:
                for block in blocks(stream, file, layout, roles, keep_broken=layout.is_quoted):
                    located = block.located()
                    assert len(located) == block.batch.num_rows, content
                    places += located
            except DatasetError:
                is_read = False
        if is_read:
            lines = [line_of_row(file, layout, roles, row) for row in range(len(places))]
            with pytest.raises(IndexError):
                line_of_row(file, layout, roles, len(places))
            if layout.is_quoted:  # else the number of a block's first line is not kept
                assert lines == [number for number, _ in places], content


def test_a_long_value_is_cut_in_the_message(tmp_path: Path) -> None:
    message = refusal_of_ratings(tmp_path, f"{HEADER}{'9' * 100_000},10,4,5\n")
    assert len(message) < 200
