"""Movies of one's own: keys, titles, years, genres and further attributes."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data.mapping import Mapping
from data.movie_keys import movie_id
from data.release import DatasetError
from tests.data.releases import write_folder, write_zip
from tests.data.test_mapped_files import read

CSV = """sku;name;year;genre;price;tags;ean;stock
sku-18;"The Matrix; uncut";1999;Action|Sci-Fi;9.99;cult|vr;007;3
42;Amélie;;;12;;015;
x/y;;2001.0;Drama;-1.5;one;8;0
"""
MOVIES: list[dict[str, Any]] = [
    {"id": "sku-18", "title": "The Matrix", "year": 1999, "genres": ["Action"], "price": 9.99,
     "tags": ["cult", "vr"], "ean": "007", "imdb_id": "tt0133093", "on": True},
    {"id": 42, "title": None, "year": None, "genres": [], "price": 12, "tags": None, "ean": "8",
     "imdb_id": None, "on": False},
]  # fmt: skip


def movies_of(path: Path, mapping: Mapping | None = None) -> list[dict[str, Any]]:
    movies = read(path, mapping).movies
    return [
        {str(name): None if value is pd.NA else value for name, value in row.items()}
        for row in movies.to_dict("records")
    ]


def test_a_csv_is_read_with_one_type_for_each_further_column(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text(CSV, "utf-8")
    release = read(path, Mapping(columns={"movie": "sku"}, delimiter=";"))
    assert release.events is None
    assert len(release.ratings) == 0
    assert release.has_titles
    assert len(release.interactions(4.0).user_keys) == 0
    matrix, amelie, untitled = movies_of(path, Mapping(columns={"movie": "sku"}, delimiter=";"))
    assert matrix == {
        "movie_id": movie_id("sku-18"), "key": "sku-18", "title": "The Matrix; uncut",
        "titled": True, "year": 1999, "genres": ["Action", "Sci-Fi"], "imdb_id": None,
        "tmdb_id": None, "withdrawn": None, "available_from": None, "available_until": None,
        "attributes": {"price": 9.99, "tags": ["cult", "vr"], "ean": "007", "stock": 3},
    }  # fmt: skip
    assert (amelie["movie_id"], amelie["key"], amelie["year"]) == (42, None, None)
    assert amelie["attributes"] == {"price": 12, "ean": "015"}
    assert (untitled["title"], untitled["titled"], untitled["year"]) == ("x/y", False, 2001)
    assert untitled["attributes"] == {"price": -1.5, "tags": ["one"], "ean": "8", "stock": 0}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_json_lines_and_parquet_bring_their_types(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"movies.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(movie) + "\n" for movie in MOVIES))
    else:
        pd.DataFrame([{**movie, "id": str(movie["id"])} for movie in MOVIES]).to_parquet(path)
    matrix, other = movies_of(path)
    assert (matrix["title"], matrix["genres"], matrix["imdb_id"]) == (
        "The Matrix", ["Action"], 133093,
    )  # fmt: skip
    assert matrix["attributes"] == {
        "price": 9.99, "tags": ["cult", "vr"], "ean": "007", "on": "true",
    }  # fmt: skip
    assert (other["title"], other["titled"], other["year"]) == ("Movie 42", False, None)
    assert other["attributes"] == {"price": 12, "ean": "8", "on": "false"}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_of_attributes_keeps_their_types(form: str, tmp_path: Path) -> None:
    """As an export has them: whatever is written comes back."""
    attributes = {"ean": "42", "price": 1.5, "n": 3, "tags": ["a|b"]}
    given: Any = attributes if form == "jsonl" else json.dumps(attributes)
    row = {"movie": "a", "title": "Up, The (2001)", "attributes": given}
    row |= {"year": None} if form == "csv" else {}
    path = tmp_path / f"movies.{form}"
    if form == "csv":
        pd.DataFrame([row]).to_csv(path, index=False)
    elif form == "jsonl":
        path.write_text(json.dumps(row))
    else:
        pd.DataFrame([row]).to_parquet(path)
    (movie,) = movies_of(path)
    # With a column of years, and in other formats than CSV, titles are as they are.
    assert (movie["title"], movie["year"]) == ("Up, The (2001)", None)
    assert movie["attributes"] == attributes


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_files_say_whether_and_when_lists_may_have_a_movie(form: str, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "withdrawn": True, "availableFrom": "2026-01-31", "available_until": None},
        {"id": "b", "withdrawn": False, "availableFrom": None, "available_until": 1769854500},
        {"id": "c", "withdrawn": None, "availableFrom": None, "available_until": None},
    ]
    path = tmp_path / f"movies.{form}"
    if form == "csv":
        path.write_text(
            "id,title,withdrawn,availableFrom,available_until\na,,YES,2026-01-31,\n"
            "b,,0,,2026-01-31T10:15:00Z\nc,,,,\n"
        )
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        table = pd.DataFrame(rows)
        table["availableFrom"] = pd.to_datetime(table["availableFrom"])
        table["available_until"] = table["available_until"].astype("Int64")
        table.to_parquet(path)
    names = ("withdrawn", "available_from", "available_until", "attributes")
    assert [tuple(movie[name] for name in names) for movie in movies_of(path)] == [
        (True, 1769817600, None, None), (False, None, 1769854500, None), (None, None, None, None),
    ]  # fmt: skip


def test_without_a_column_of_years_titles_are_written_as_by_movielens(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text('id,title\nm,"Matrix, The (1999)"\n')
    (movie,) = movies_of(tmp_path / "movies.csv")
    assert (movie["title"], movie["year"]) == ("The Matrix", 1999)


def test_a_mapping_says_which_columns_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"code,label,brand,text\na,Film,Acme,{'x' * 501}\n")
    mapping = Mapping(columns={"movie": "code", "title": "label"}, movies_only=True)
    with pytest.raises(DatasetError, match=r"line 2: 'text' has 501 .*which columns are kept"):
        read(path, mapping)
    (movie,) = movies_of(path, mapping.with_options(attributes="brand"))
    assert (movie["title"], movie["attributes"]) == ("Film", {"brand": "Acme"})
    (movie,) = movies_of(path, mapping.with_options(attributes=""))
    assert movie["attributes"] is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"id": "sku-18"}, "movie sku-18 again, after line 1"),
        ({"id": ""}, "the movie is missing"),
        ({"id": None}, "the movie is missing"),
        ({"id": "."}, "'.' is no movie key"),
        ({"id": 1.5}, "'1.5' is no movie key"),
        ({"id": "a", "title": "a\u202eb"}, "the title holds U+202E"),
        ({"id": "a", "title": ["x"]}, "is no text"),
        ({"id": "a", "year": 99}, "'99' is no year from 1870 to 2100"),
        ({"id": "a", "genres": [1]}, "the genres '[1]' are no texts"),
        ({"id": "a", "genres": "x" * 51}, "the genre has 51 characters"),
        ({"id": "a", "imdb_id": "nm1"}, "'nm1' is no id of IMDb or TMDB"),
        ({"id": "a", "more": {"x": 1}}, "'more' is no text, number or list of texts"),
        ({"id": "a", "a:b": 1}, "'a:b' is no name of an attribute"),
        ({"id": "a", "attributes": "{"}, "are no JSON"),
        ({"id": "a", "attributes": [1]}, "are no JSON object"),
        ({"id": "a", "more": "\ud800"}, "holds U+D800"),
        ({"id": "a", "withdrawn": "maybe"}, "'maybe' says neither true nor false (withdrawn)"),
        ({"id": "a", "available_from": "soon"}, "'soon' is no time"),
        ({"id": "a", "available_from": 5, "available_until": 5}, "(5) is not later than"),
    ],
)
def test_a_bad_movie_is_refused_with_its_line(
    row: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "movies.jsonl"
    path.write_text("".join(json.dumps(movie) + "\n" for movie in (MOVIES[0], row)))
    with pytest.raises(DatasetError) as caught:
        read(path, None)
    assert "movies.jsonl, line 2: " in str(caught.value)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("pack", [write_folder, write_zip])
@pytest.mark.parametrize("log", ["ratings.csv", "events.csv"])
def test_a_folder_and_a_zip_hold_log_and_movies_by_the_rules_of_files(
    pack: Any, log: str, tmp_path: Path
) -> None:
    text = "user,movie,rating\nöl,sku-18,4\n"
    if log == "events.csv":
        text = "user,movie,kind\nöl,sku-18,seen\n"
    files = {log: text.encode(), "movies.jsonl": json.dumps(MOVIES[0]).encode(), "a.txt": b"x"}
    release = read(pack(tmp_path / "shop.zip", files), None)
    rows = release.ratings if release.events is None else release.events
    assert rows["user"].tolist() == ["öl"]
    assert rows["movie_id"].tolist() == release.movies["movie_id"].tolist() == [movie_id("sku-18")]
    assert release.name == ("shop" if pack is not write_folder else "shop.zip")
    assert release.is_own


def test_a_folder_of_two_logs_or_two_catalogues_is_refused(tmp_path: Path) -> None:
    files = {"ratings.csv": b"user,movie,rating\na,b,4\n", "events.jsonl": b"{}"}
    with pytest.raises(DatasetError, match=r"which of .*events\.jsonl and ratings\.csv counts"):
        read(write_folder(tmp_path / "a", files), None)
    files = {"ratings.csv": files["ratings.csv"], "movies.csv": b"id\nb\n", "movies.jsonl": b"{}"}
    with pytest.raises(DatasetError, match=r"which of .*movies\.csv and movies\.jsonl counts"):
        read(write_folder(tmp_path / "b", files) / "ratings.csv", None)


def test_a_catalogue_without_keys_says_how_to_name_them(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("code,title\na,Film\n")
    with pytest.raises(DatasetError, match=r"line 1: no column of the movies' keys .*--map movie"):
        read(tmp_path / "list.csv", None)
    with pytest.raises(DatasetError, match=r"line 1: no column 'label' \(the title\)"):
        read(tmp_path / "list.csv", Mapping(columns={"movie": "code", "title": "label"}))
