"""Rows of a crafted back-up are checked before a database sees them; nothing is half-restored."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.backup.archive import MANIFEST, DamagedBackupError
from app.backup.checks import first_wrong
from app.backup.service import back_up, restore
from app.db.engine import Database
from app.db.tables import metadata, movies, users
from app.store.folder import ModelStore
from data.movie_keys import movie_id
from tests.app.small_releases import contents
from tests.app.test_backup_archive import forge, members_of, rewrite, write_tar
from tests.app.test_migrations import fill

# Fields of the rows of `fill`, and what they cannot be.
NO_TEXT: list[Any] = [5, ["a"], True, "a\0", "\ud800"]
NO_NUMBER: list[Any] = ["5", 2**63, -(2**63) - 1, 10**400, 1.5, True, [], {}]
WRONG: dict[tuple[str, str], list[Any]] = {
    ("installation", "ratings_revision"): [*NO_NUMBER, -1, 2**63 - 1, None],
    ("installation", "holdout_salt"): [*NO_TEXT, "x" * 65, None],
    ("datasets", "name"): [*NO_TEXT, "x" * 256, None],
    ("datasets", "imported_at"): [*NO_NUMBER, -1, 10**12, None],
    ("datasets", "is_public"): [0, 1, "true", None],
    ("users", "id"): [*NO_NUMBER, 0, -1, None],
    ("users", "key"): [*NO_TEXT, "x" * 129, "x" * 5000, "", " a", ". .", "\u2028", None],
    ("users", "ratings_revision"): [*NO_NUMBER, 2**63 - 1, None],
    ("users", "imported_from"): [*NO_TEXT, "x" * 256],
    ("movies", "id"): [*NO_NUMBER, 0, 2**31, -(2**61) - 1, None],
    ("movies", "key"): [*NO_TEXT, "42", "", "..", "search", "x" * 201],
    ("movies", "attributes"): [[], "x", 5, {"a": None}, {"a": "\0"}, {"a:b": 1}, {"a": [1]}],
    ("movies", "title"): [5, ["a"], True, "", "x" * 501, None],
    ("movies", "year"): [*NO_NUMBER, -1, 10_000],
    ("movies", "genres"): [[1, None], [None], [[]], {}, "Drama", 5, ["x" * 501], None],
    ("movies", "imdb_id"): [*NO_NUMBER, -1, 2**31],
    ("ratings", "user_id"): [*NO_NUMBER, None],
    ("ratings", "movie_id"): [*NO_NUMBER, 0, 2**31, None],
    ("seen_movies", "movie_id"): [*NO_NUMBER, 0, 2**31, None],
    ("seen_movies", "hidden"): [0, 1, "yes", None],
    ("events", "event_id"): [*NO_TEXT, "x" * 101, None],
    ("events", "value"): ["4", True, 10**400, float("nan"), [4]],
    ("ratings", "stars"): ["4", True, 0, 5.5, 10**400, float("nan"), float("inf"), [4]],
    ("ratings", "liked"): [0, 1, "yes"],
    ("ratings", "rated_at"): [*NO_NUMBER, -1, 10**12, None],
    ("model_versions", "version"): [*NO_TEXT, "../x", "", "x" * 41, "a/b", None],
    ("model_versions", "state"): [*NO_TEXT, "other", None],
    ("model_versions", "card"): [
        [], "x", {"a": "\0"}, {"a": 2**63}, {"results": 5}, {"dataset": {"name": []}},
        {"gate": {"reasons": 7}}, None,
    ],
    ("active_model", "version"): [*NO_TEXT, "../../x", "x" * 41],
    ("active_model", "generation"): [*NO_NUMBER, 2**31, None],
    ("api_keys", "scopes"): [["all"], [None], "admin", {}, [["read"]], None],
    ("scenario_versions", "name"): [*NO_TEXT, "", "Home", "a b", "x" * 65, None],
    ("scenario_versions", "version"): [*NO_NUMBER, 0, 2**31, None],
    ("scenario_versions", "definition"): [[], "x", {"diversity": 2}, {"unknown": 1}],
    ("experiments", "state"): [*NO_TEXT, "other", None],
    ("experiments", "definition"): [{}, {"arms": []}, None],
    ("feedback", "kind"): [*NO_TEXT, "other", None],
    ("feedback", "model"): [*NO_TEXT, "../x"],
    ("feedback", "movie_id"): [*NO_NUMBER, 0, 2**31, None],
    ("feedback", "recorded_ms"): [*NO_NUMBER, None],
    ("training_runs", "state"): [*NO_TEXT, "other", None],
    ("training_runs", "options"): [[], "x", {"a": {"b": "\ud800"}}, None],
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> bytes:
    """A back-up with a row in each table."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "source.db").write_bytes(migrated_sqlite_file.read_bytes())
    source = Database(f"sqlite:///{folder / 'source.db'}")
    fill(source)
    made = back_up(source, ModelStore(folder / "models"), folder / "b.tar").path.read_bytes()
    source.dispose()
    return made


def craft(whole: bytes, path: Path, table: str, rows: list[Any]) -> None:
    """Put other rows into a table of a back-up, with all checksums."""
    path.write_bytes(whole)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    forge(path, {f"tables/{table}.jsonl.gz": gzip.compress(lines.encode())})
    tables = json.loads(members_of(path)[MANIFEST])["tables"]
    rewrite(path, {"tables": {**tables, table: {**tables[table], "rows": len(rows)}}})


@pytest.fixture(scope="module")
def rows_of_fill(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The row of each table, by column."""
    path = tmp_path_factory.mktemp("rows") / "b.tar"
    path.write_bytes(whole)
    members = members_of(path)
    return {
        name: dict(
            zip(
                part["columns"],
                json.loads(gzip.decompress(members[f"tables/{name}.jsonl.gz"])),
                strict=True,
            )
        )
        for name, part in json.loads(members[MANIFEST])["tables"].items()
    }


def refuse(database: Database, folder: Path, path: Path, match: str) -> None:
    before = contents(database)
    with pytest.raises(DamagedBackupError, match=match) as caught:
        restore(database, ModelStore(folder / "restored"), path, replace=True)
    assert str(caught.value).isprintable()
    assert "INSERT" not in str(caught.value)
    assert "COPY" not in str(caught.value)
    assert contents(database) == before


@pytest.mark.parametrize(("table", "column"), WRONG)
def test_a_value_that_no_row_can_have_is_found(
    rows_of_fill: dict[str, dict[str, Any]], table: str, column: str
) -> None:
    row = rows_of_fill[table]
    columns = list(row)
    for value in WRONG[table, column]:
        changed = list({**row, column: json.loads(json.dumps(value))}.values())
        rows = [list(row.values()), list(row.values()), changed, changed]
        found = first_wrong(metadata.tables[table], columns, rows)
        assert found == (2, f"{column} has a value that it cannot have"), value
        assert first_wrong(metadata.tables[table], columns, rows[:2]) is None


@pytest.mark.parametrize("change", [{"id": -5}, {"key": "sku-18"}, {"id": -5, "key": "sku-18"}])
def test_a_movie_whose_id_is_not_that_of_its_key_is_found(
    rows_of_fill: dict[str, dict[str, Any]], change: dict[str, Any]
) -> None:
    good = rows_of_fill["movies"]
    text = {**good, "id": movie_id("sku-18"), "key": "sku-18"}
    rows = [list(row.values()) for row in (good, text, {**good, **change})]
    assert first_wrong(movies, list(good), rows) == (2, "id is not that of its key")
    assert first_wrong(movies, list(good), rows[:2]) is None


@pytest.mark.parametrize("row", [None, 5, "x", {}, [], [1], [1, "a", 1, None, 5]])
def test_what_is_no_row_is_found(row: Any) -> None:
    good = [1, "a", 1, None]
    found = first_wrong(users, ["id", "key", "ratings_revision", "imported_from"], [good, row])
    assert found == (1, "an array of 4 values is missing")


@pytest.fixture
def lone_database(migrated_sqlite_file: Path, tmp_path: Path) -> Any:
    """One kind is enough for what never gets as far as the database."""
    path = tmp_path / "lone.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


def test_the_first_wrong_row_of_many_is_named(
    whole: bytes, lone_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backup.rows.CHUNK", 4)
    rows = [[number, str(number), 1, None] for number in range(1, 20)]
    rows[9][1], rows[10][0], rows[15] = "x ", "z", []
    craft(whole, tmp_path / "b.tar", "users", rows)
    refuse(lone_database, tmp_path, tmp_path / "b.tar", "line 10 is no row of users: key has")


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("users", [[1, "a", 1, None], [1, "b", 1, None]]),
        ("users", [[1, "a", 1, None], [2, "a", 1, None]]),
        ("ratings", [[1, 1, None, None, 5, False, None]]),
        ("ratings", [[1, 1, 4.0, True, 5, False, None]]),
        ("ratings", [[1, 1, 4.0, None, 5, False, None]] * 2),
    ],
)
def test_rows_that_contradict_each_other_are_refused_without_sql(
    whole: bytes, database: Database, tmp_path: Path, table: str, rows: list[Any]
) -> None:
    craft(whole, tmp_path / "b.tar", table, rows)
    refuse(database, tmp_path, tmp_path / "b.tar", f"the rows of {table} do not fit: ")


@pytest.mark.parametrize(
    "row", [[2, 1, 4.0, None, 5, False, None], [1, 2, 4.0, None, 5, False, None]]
)
def test_a_rating_of_nobody_or_nothing_is_refused_before_any_model_is_put_in_place(
    whole: bytes,
    database: Database,
    tmp_path: Path,
    row: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.backup.artifacts.put_in_place", None)
    craft(whole, tmp_path / "b.tar", "ratings", [row])
    reason = "refers to no row of" if database.is_sqlite else "the rows of ratings do not fit"
    refuse(database, tmp_path, tmp_path / "b.tar", reason)


@pytest.mark.parametrize("table", ["installation", "active_model"])
def test_tables_of_one_row_have_one_row(
    whole: bytes, lone_database: Database, tmp_path: Path, table: str
) -> None:
    craft(whole, tmp_path / "b.tar", table, [])
    refuse(lone_database, tmp_path, tmp_path / "b.tar", f"{table} has 0 rows")


def test_titles_and_users_of_early_imports_are_restored_on_either_database(
    whole: bytes, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Titles could hold control characters, which PostgreSQL stores only in part, and `..` rate."""
    path = tmp_path / "b.tar"
    title, genres = "Bell\a NUL\0 \u202edne", ["Dra\nma", "Comedy"]
    movie = [1, title, 1999, genres, None, None, None, None, False, None, None]
    craft(whole, path, "movies", [movie])
    content = path.read_bytes()
    craft(content, path, "users", [[1, ".", 1, None], [2, "..", 1, "d"], [3, "...", 1, "d"]])
    restore(database, ModelStore(tmp_path / "restored"), path)
    with database.read() as connection:
        found = connection.execute(select(movies.c.title, movies.c.genres)).one()
        keys = connection.execute(select(users.c.key).order_by(users.c.id)).scalars().all()
    assert tuple(found) == ("Bell\ufffd NUL\ufffd \ufffddne", ["Dra\ufffdma", "Comedy"])
    assert keys == [".", "..", "..."]
    assert "replaced in the movie 'Bell\\x07 NUL\\x00 \\u202edne'" in caplog.text


def test_a_table_that_unpacks_to_a_thousand_times_its_size_is_refused_early(
    whole: bytes, lone_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.source.HARMLESS_BYTES", 1 << 16)
    craft(whole, tmp_path / "b.tar", "users", [[1, "x" * 100, 1, None]] * 10_000)
    refuse(lone_database, tmp_path, tmp_path / "b.tar", "unpacks to over 100 times its size")


def test_an_archive_of_more_files_than_any_back_up_has_is_refused(
    tmp_path: Path, lone_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backup.archive.MAX_MEMBERS", 50)
    write_tar(tmp_path / "b.tar", {f"models/v/{number}": b"" for number in range(60)})
    refuse(lone_database, tmp_path, tmp_path / "b.tar", "more than 50 files")


def test_a_length_that_is_not_that_of_the_file_is_refused(
    whole: bytes, tmp_path: Path, lone_database: Database
) -> None:
    path = tmp_path / "b.tar"
    path.write_bytes(whole)
    files = json.loads(members_of(path)[MANIFEST])["files"]
    files["tables/users.jsonl.gz"]["length"] = 2**60
    rewrite(path, {"files": files})
    refuse(lone_database, tmp_path, path, "its files are not those of its manifest")
