from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.movielens import NOTICE, DatasetError, load
from tests.data.releases import (
    CSV_FORM,
    DAT_FORM,
    HUNDRED_K_FORM,
    read,
    write_folder,
    write_zip,
)

FORMS = pytest.mark.parametrize(
    "files", [CSV_FORM, DAT_FORM, HUNDRED_K_FORM], ids=["csv", "dat", "100k"]
)


@FORMS
def test_every_form_gives_the_same_columns(files: dict[str, bytes], tmp_path: Path) -> None:
    release = read(write_folder(tmp_path / "some", files))

    assert release.ratings.dtypes.to_dict() == {
        "user": np.dtype("int32"),
        "movie_id": np.dtype("int32"),
        "stars": np.dtype("float32"),
        "rated_at": np.dtype("int64"),
    }
    assert release.ratings["user"].tolist() == [1, 1, 7]
    assert release.ratings["movie_id"].tolist() == [10, 20, 10]
    assert release.ratings["stars"].iloc[[0, 2]].tolist() == [4.0, 5.0]
    assert release.ratings["rated_at"].tolist() == [964982703, 964981247, 1000000000]
    assert release.movies["movie_id"].dtype == np.int32
    assert release.movies["title"].tolist()[:2] == ["The Matrix", "Amélie"]
    assert release.movies["year"].tolist()[:2] == [1999, 2001]
    assert release.movies["genres"][0] == ["Action", "Sci-Fi"]


@FORMS
def test_a_zip_reads_like_the_folder(files: dict[str, bytes], tmp_path: Path) -> None:
    folder = read(write_folder(tmp_path / "some", files))
    flat = read(write_zip(tmp_path / "some.zip", files))
    nested = read(write_zip(tmp_path / "nested" / "some.zip", files, inside="ml-10M100K/"))

    for release in (flat, nested):
        assert release.name == folder.name == "some"
        assert release.sha256 == folder.sha256
        pd.testing.assert_frame_equal(release.ratings, folder.ratings)
        pd.testing.assert_frame_equal(release.movies, folder.movies)


def test_a_folder_may_hold_the_release_one_folder_further_in(tmp_path: Path) -> None:
    write_folder(tmp_path / "outer" / "inner", CSV_FORM)
    assert len(read(tmp_path / "outer").ratings) == 3


def test_links_are_optional_and_their_gaps_stay_gaps(tmp_path: Path) -> None:
    files = dict(CSV_FORM)
    linked = read(write_folder(tmp_path / "linked", files)).movies
    del files["links.csv"]
    bare = read(write_folder(tmp_path / "bare", files)).movies

    assert linked["imdb_id"].tolist() == [133093, 211915, pd.NA]
    assert linked["tmdb_id"].tolist() == [603, pd.NA, pd.NA]
    assert bare["imdb_id"].isna().all()
    assert bare["tmdb_id"].isna().all()


def test_no_genres_listed_is_no_genre(tmp_path: Path) -> None:
    genres = read(write_folder(tmp_path, CSV_FORM)).movies["genres"]
    assert genres.tolist() == [["Action", "Sci-Fi"], [], ["Comedy"]]


def test_flags_of_u_item_become_genres_under_their_newer_names(tmp_path: Path) -> None:
    movies = read(write_folder(tmp_path, HUNDRED_K_FORM)).movies
    assert movies["genres"].tolist() == [["Action", "Sci-Fi"], ["Children", "Comedy"], []]


def test_the_release_date_of_u_item_gives_the_year_that_the_title_lacks(tmp_path: Path) -> None:
    movies = read(write_folder(tmp_path, HUNDRED_K_FORM)).movies
    assert movies["year"].tolist() == [1999, 2001, pd.NA]


def test_movies_dat_may_be_utf_8_as_in_ml_10m(tmp_path: Path) -> None:
    movies = DAT_FORM["movies.dat"].decode("latin-1").encode("utf-8")
    release = read(write_folder(tmp_path, DAT_FORM | {"movies.dat": movies}))
    assert release.movies["title"].tolist() == ["The Matrix", "Amélie"]


@FORMS
def test_windows_line_ends_and_blank_lines_make_no_difference(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    unix = read(write_folder(tmp_path / "unix", files))
    windows = {name: text.replace(b"\n", b"\r\n") + b"\r\n" for name, text in files.items()}
    other = read(write_folder(tmp_path / "windows", windows))

    pd.testing.assert_frame_equal(other.ratings, unix.ratings)
    pd.testing.assert_frame_equal(other.movies, unix.movies)


def test_a_dat_file_longer_than_one_block_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.delimited.BLOCK_BYTES", 64)
    lines = [f"{user}::{movie}::3.5::1000\n" for user in range(1, 60) for movie in (10, 20)]
    files = DAT_FORM | {"ratings.dat": "".join(lines).encode()}
    ratings = read(write_folder(tmp_path, files)).ratings

    assert ratings["user"].tolist() == [user for user in range(1, 60) for _ in range(2)]
    assert ratings["movie_id"].tolist() == [10, 20] * 59
    assert set(ratings["stars"]) == {3.5}


@pytest.mark.parametrize("changed", ["ratings.csv", "movies.csv", "links.csv"])
def test_the_checksum_covers_every_file_that_was_read(changed: str, tmp_path: Path) -> None:
    before = read(write_folder(tmp_path / "a", CSV_FORM)).sha256
    text = CSV_FORM[changed].replace(b"\n1,10,4.0,", b"\n1,10,4.5,").replace(b",603", b",604")
    text = text.replace(b"Comedy", b"Drama")
    assert read(write_folder(tmp_path / "b", CSV_FORM | {changed: text})).sha256 != before


def test_the_checksum_is_the_documented_one(tmp_path: Path) -> None:
    lines = "".join(
        f"{role} {sha256(CSV_FORM[f'{role}.csv']).hexdigest()}\n"
        for role in ("ratings", "movies", "links")
    )
    release = read(write_folder(tmp_path, CSV_FORM))
    assert release.sha256 == sha256(lines.encode()).hexdigest()


def test_a_name_is_looked_for_as_a_folder_and_then_as_a_zip(tmp_path: Path) -> None:
    write_zip(tmp_path / "ml-1m.zip", DAT_FORM, inside="ml-1m/")
    from_zip = read("ml-1m", tmp_path)
    fewer = DAT_FORM | {"ratings.dat": b"1::10::4::964982703\n"}
    write_folder(tmp_path / "ml-1m", fewer)
    from_folder = read("ml-1m", tmp_path)

    assert (from_zip.name, len(from_zip.ratings)) == ("ml-1m", 3)
    assert (from_folder.name, len(from_folder.ratings)) == ("ml-1m", 1)


def test_a_release_says_its_licence_and_is_public_by_its_name(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "ml-20m", CSV_FORM)
    by_name = read("ml-20m", tmp_path)

    assert by_name.is_public
    for release in (by_name, read(folder), read(write_folder(tmp_path / "copy", CSV_FORM))):
        assert release.notice == NOTICE
    assert "doi.org/10.1145/2827872" in NOTICE


def test_what_lies_at_a_path_is_never_public_whatever_it_calls_itself(tmp_path: Path) -> None:
    assert not read(write_folder(tmp_path / "ml-20m", CSV_FORM)).is_public
    assert not read(write_zip(tmp_path / "ml-1m.zip", DAT_FORM, inside="ml-1m/")).is_public
    assert not read(write_folder(tmp_path / "copy", CSV_FORM)).is_public


def test_an_own_folder_in_the_form_of_a_release_is_not_public(tmp_path: Path) -> None:
    files = {name: text for name, text in CSV_FORM.items() if name != "README.txt"}
    release = read(write_folder(tmp_path / "customers", files))
    assert not release.is_public
    assert release.notice == ""


def test_progress_tells_the_bytes_read(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    load(
        str(write_folder(tmp_path, CSV_FORM)),
        datasets_dir=tmp_path,
        datasets_url="",
        progress=lambda *report: seen.append(report),
    )
    size = len(CSV_FORM["ratings.csv"])
    assert seen[-1] == ("read", size, size)


@pytest.mark.parametrize("name", ["ml-2m", "ratings.txt", "", "no/such/place"])
def test_anything_else_is_refused_with_the_names_that_are_known(name: str) -> None:
    with pytest.raises(DatasetError, match=r"neither a release .*ml-latest-small.*sample"):
        read(name)


@pytest.mark.parametrize("name", ["gone.zip", "gone.csv", "gone.parquet"])
def test_a_path_without_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=name):
        read(tmp_path / name)


def test_a_folder_without_a_release_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, {"notes.csv": CSV_FORM["ratings.csv"]})
    with pytest.raises(DatasetError, match="holds no MovieLens release"):
        read(tmp_path)
