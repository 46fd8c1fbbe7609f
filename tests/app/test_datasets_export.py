"""What is exported, imported into the other kind of database and exported again is the same."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, select

from app.db import tables
from app.db.engine import Database
from data.movie_keys import movie_id
from tests.app.command_line import Run, runner
from tests.app.small_releases import at

OTHER_KIND = pytest.mark.parametrize(
    ("database", "other_database"),
    [("sqlite", "postgresql"), ("postgresql", "sqlite")],
    indirect=True,
)
AVAILABLE = {"withdrawn": False, "available_from": None, "available_until": None}
MOVIES: list[dict[str, Any]] = [
    {"id": 42, "key": None, "title": 'Heat, "the" movie', "year": 1995, "genres": ["Crime", "War"],
     "imdb_id": 113277, "tmdb_id": 949, "attributes": {"tags": ["heist", "LA"], "price": 9.5}},
    {"id": movie_id("sku/18"), "key": "sku/18", "title": "Прогулка", "year": None, "genres": [],
     "imdb_id": None, "tmdb_id": None, "attributes": {"studio": "Ghibli", "note": "a;b|c"},
     "withdrawn": True, "available_until": at(2000)},
    {"id": movie_id("007"), "key": "007", "title": "007", "year": None, "genres": [],
     "imdb_id": None, "tmdb_id": None, "attributes": None, "available_from": at(3000)},
]  # fmt: skip
USERS = ["bob smith", "жук", 'a,"b"', "7"]
RATED = [
    (1, 42, 3.7, None, 1000), (1, movie_id("sku/18"), None, True, 1001), (2, 42, 5.0, None, 1002),
    (3, movie_id("007"), None, False, 1003), (4, 42, 0.5, None, 1004),
]  # fmt: skip
EVENTS = [
    ("e,1", 1, 42, "rated", 3.7, 1000), ("e2", 1, movie_id("007"), "purchased", None, 1005),
    ("e3", 2, movie_id("007"), "watched", 0.25, 1006),
    ("ж4", 4, movie_id("007"), "hidden", None, 1007),
]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def full(database: Database) -> Database:
    with database.unit_of_work() as connection:
        connection.execute(insert(tables.movies), [{**AVAILABLE, **movie} for movie in MOVIES])
        connection.execute(
            insert(tables.users),
            [
                {"id": id_, "key": key, "ratings_revision": 1}
                for id_, key in enumerate(USERS, start=1)
            ],
        )
        for user, movie, stars, liked, rated_at in RATED:
            rating = {"user_id": user, "movie_id": movie, "stars": stars, "liked": liked}
            connection.execute(insert(tables.ratings).values(**rating, rated_at=at(rated_at)))
        for event, user, movie, kind, value, occurred_at in EVENTS:
            row = {"event_id": event, "user_id": user, "movie_id": movie, "kind": kind}
            moment = at(occurred_at)
            connection.execute(insert(tables.events).values(**row, value=value, occurred_at=moment))
        implied = {"user_id": 1, "movie_id": movie_id("007"), "liked": True}
        connection.execute(
            insert(tables.ratings).values(**implied, rated_at=at(1005), implied_by="purchased")
        )
        mark = {"user_id": 4, "movie_id": movie_id("007"), "hidden": True, "seen_at": at(1007)}
        connection.execute(insert(tables.seen_movies).values(**mark))
    return database


def url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def state(database: Database) -> set[tuple[object, ...]]:
    """Return ratings and seen movies by the keys of the users, and who is available when."""
    names = ("stars", "liked", "rated_at", "implied_by")
    rated = select(
        tables.users.c.key, tables.ratings.c.movie_id, *(tables.ratings.c[n] for n in names)
    )
    seen = select(tables.users.c.key, tables.seen_movies.c.movie_id, tables.seen_movies.c.hidden)
    with database.read() as connection:
        of_ratings = {tuple(row) for row in connection.execute(rated.join(tables.ratings))}
        columns = (tables.movies.c[name] for name in ("id", *AVAILABLE))
        available = {tuple(row) for row in connection.execute(select(*columns))}
        return (
            of_ratings
            | available
            | {tuple(row) for row in connection.execute(seen.join(tables.seen_movies))}
        )


@OTHER_KIND
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_other_kind_of_database_reads_it_and_gives_the_same_files(
    full: Database, other_database: Database, run: Run, tmp_path: Path, suffix: str
) -> None:
    written: dict[str, list[bytes]] = {}
    for folder, database in (("first", full), ("second", other_database)):
        here = tmp_path / folder
        here.mkdir()
        for content in ("ratings", "movies", "users", "events"):
            path = here / f"{content}.{suffix}"
            if folder == "second" and content != "users":
                done = run(
                    "import", str(tmp_path / "first" / path.name),
                    RECOMMENDER_DATABASE_URL=url(database),
                )  # fmt: skip
                assert done.code == 0, done.err
        for content in ("ratings", "movies", "users", "events"):
            path = here / f"{content}.{suffix}"
            arguments = ("export", content, "--output", str(path))
            done = run(*arguments, RECOMMENDER_DATABASE_URL=url(database))
            assert done.code == 0, done.err
            written.setdefault(content, []).append(path.read_bytes())
    for content, (first, second) in written.items():
        assert first == second, content
    assert state(full) == state(other_database)


def test_a_file_says_what_it_holds(full: Database, run: Run, tmp_path: Path) -> None:
    here = {"RECOMMENDER_DATABASE_URL": url(full)}
    assert run("export", "ratings", **here).out.splitlines()[:3] == [
        "user,movie,rating,liked,timestamp", "7,42,0.5,,1004", '"a,""b""",007,,false,1003',
    ]  # fmt: skip
    assert run("export", "users", **here).out.splitlines()[-1] == "жук,1,1"
    done = run("export", "movies", "-o", "m.jsonl", **here)
    assert done.out == "3 movies are in m.jsonl.\n"
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    heat = next(line for line in lines if line["movie"] == 42)
    assert heat["attributes"] == {"price": 9.5, "tags": ["heist", "LA"]}
    assert {line["movie"] for line in lines} == {42, "sku/18", "007"}
    assert run("export", "events", "-o", "e.parquet", **here).code == 0
    events = pq.read_table(tmp_path / "e.parquet").to_pylist()
    assert events[0] == {
        "event_id": "ж4", "user": "7", "movie": "007", "kind": "hidden", "rating": None,
        "value": None, "timestamp": 1007,
    }  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_export_that_fails_leaves_the_file_that_was_there(
    full: Database, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_text("before")
    here = {"RECOMMENDER_DATABASE_URL": url(full)}
    assert (
        "there is no folder nowhere" in run("export", "ratings", "-o", "nowhere/r.csv", **here).err
    )
    assert "none of csv, jsonl, parquet" in run("export", "ratings", "-o", "r.txt", **here).err

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.datasets.encoding._field", fail)
    finished = run("export", "ratings", "-o", "r.csv", **here)
    assert finished.code == 2
    assert finished.err == "recommender: cannot write r.csv: No space left on device\n"
    assert (tmp_path / "r.csv").read_text() == "before"
    assert {path.name for path in tmp_path.glob("*r.csv*")} == {"r.csv"}
