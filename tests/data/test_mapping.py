"""Mappings: from options, from TOML, and what makes no sense in either."""

from pathlib import Path

import pytest

from data.mapping import Mapping
from data.release import DatasetError

TOML = """
format = "csv"
delimiter = "tab"
scale = [0, 10]
like_from = 7
latest_wins = true
skip_bad = "1%"
bad_rows = "bad.csv"
attributes = ["brand"]

[columns]
user = "customer"
movie = "sku, or code"

[kinds]
view = "clicked"
"""


def from_toml(tmp_path: Path, text: str) -> Mapping:
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    return Mapping.from_toml(path)


def test_a_file_says_all_that_options_say_and_these_win(tmp_path: Path) -> None:
    mapping = from_toml(tmp_path, TOML)
    assert mapping == Mapping(
        columns={"user": "customer", "movie": "sku, or code"}, kinds={"view": "clicked"},
        format="csv", delimiter="\t", scale=(0.0, 10.0), like_from=7.0, latest_wins=True,
        skip_bad="1%", bad_rows=Path("bad.csv"), attributes=("brand",),
    )  # fmt: skip
    changed = mapping.with_options(
        columns="movie=sku, rating = score", kinds="buy=purchased", scale="-1:1", like_from=0.5,
        delimiter=";", skip_bad="20", attributes="brand, colour", kind=None, latest_wins=None,
    )  # fmt: skip
    assert changed.columns == {"user": "customer", "movie": "sku", "rating": "score"}
    assert changed.kinds == {"view": "clicked", "buy": "purchased"}
    assert (changed.bounds, changed.delimiter, changed.latest_wins) == ((-1.0, 1.0), ";", True)
    assert changed.attributes == ("brand", "colour")
    assert mapping.with_options() == mapping


@pytest.mark.parametrize(
    ("skip_bad", "n_rows", "expected"),
    [("0", 100, 0), ("3", 100, 3), ("1%", 250, 2), ("0.5%", 1000, 5), ("200%", 10, 10)],
)
def test_bad_rows_are_allowed_as_a_share_or_a_number(
    skip_bad: str, n_rows: int, expected: int
) -> None:
    assert Mapping(skip_bad=skip_bad).max_bad(n_rows) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colums = 1", "unknown key 'colums' (known: columns, kinds, kind, format"),
        ("columns = 'a'", "columns is 'a', not a table of texts"),
        ("[columns]\nuser = 1", "not a table of texts"),
        ("scale = [1]", "scale is '[1]', not two numbers"),
        ("scale = [10, 0]", "the scale 10 to 0 must rise"),
        ("like_from = true", "like_from is 'True', not a number"),
        ("like_from = 6", "like_from 6 must be within the scale, above 0.5 and at most 5"),
        ("latest_wins = 1", "not true or false"),
        ("skip_bad = 1.5", "skip_bad is '1.5', not a number of rows or a share"),
        ("skip_bad = '1.5'", "skip_bad '1.5' is neither a number of rows nor a share"),
        ("kind = 'viewed'", "'viewed' is no kind (rated, liked"),
        ("kind = 'seen'\n[kinds]\nv = 'seen'", "either every row is of one kind, or a column"),
        ("[kinds]\nview = 'viewed'", "'viewed' is no kind"),
        ("format = 'xlsx'", "'xlsx' is no format (csv, jsonl, parquet)"),
        ("delimiter = 'ab'", "'ab' is no delimiter"),
        ("[columns]\nusr = 'a'", "'usr' is no role of a column (user, movie, rating"),
        ("[columns]\nuser = ''", "the column of the user needs a name"),
        ("[columns]\nuser = 'a'\nmovie = 'a'", "column 'a' is both user and movie"),
        ("x = ", "cannot be read as TOML"),
        (f"kind = '{'x' * 70_000}'", "longer than 65536 bytes"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    text: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError) as caught:
        from_toml(tmp_path, text)
    assert "mapping.toml" in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"columns": "user"}, "map: 'user' is no pair as a=b"),
        ({"columns": "user=a,user=b"}, "map: 'user' is there twice"),
        ({"columns": "user=a,,"}, "map: '' is no pair"),
        ({"kinds": "=clicked"}, "kinds: '=clicked' is no pair"),
        ({"scale": "0-10"}, "'0-10' is no scale as 0:10"),
        ({"delimiter": '"'}, "is no delimiter"),
        ({"delimiter": "\n"}, "is no delimiter"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], complaint: str) -> None:
    with pytest.raises(DatasetError) as caught:
        Mapping().with_options(**options)  # type: ignore[arg-type]
    assert complaint in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.toml cannot be read"):
        Mapping.from_toml(tmp_path / "gone.toml")
