"""An import killed at any moment leaves the database as it was, or imported as a whole."""

import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, text

from app.datasets.service import import_release
from app.db import tables
from app.db.engine import Database
from data.release import Release
from tests.app.small_releases import at, contents, large_release, ratings
from tests.killing import kill_after, moments


def import_into(url: str, release: Release) -> None:
    import_release(Database(url), release, replace=not release.is_own, now=at(100_000))


def wait_for_the_server(database: Database) -> None:
    """Wait until the server has noticed that the other end of a connection is dead."""
    database.dispose()
    others = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with database.read() as connection:
            if connection.execute(others).scalar_one() == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("the server does not end the transaction of a dead process")


def outline(database: Database) -> dict[str, Any]:
    """Return what two imports of the same release have in common."""
    rows = contents(database)
    return {
        # An import is later than the one before it, whatever the clock says.
        "datasets": [(name, sha256, is_own) for name, sha256, _, is_own in rows["datasets"]],
        "movies": rows["movies"],
        "users": sorted((key, str(origin)) for _, key, _, origin in rows["users"]),
        "ratings": ratings(database),
    }


def rate_as_a_stranger(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(
            insert(tables.movies).values(id=1, title="Movie 1", year=1995, genres=[])
        )
        connection.execute(insert(tables.users).values(id=1_000_000, key="me", ratings_revision=0))
        connection.execute(
            insert(tables.ratings).values(user_id=1_000_000, movie_id=1, liked=True, rated_at=at(7))
        )


def check_kills(database: Database, n_kills: int) -> None:
    """Import A and B in turn, each time in place of the other, and kill most of the imports."""
    rate_as_a_stranger(database)
    releases = {name: large_release(name) for name in ("A", "B")}
    whole, seconds = {}, 0.0
    for name, release in releases.items():
        begin = time.monotonic()
        import_release(database, release, replace=True, now=at(100_000))
        seconds = time.monotonic() - begin
        whole[name] = outline(database)
    assert whole["A"] != whole["B"]
    held, n_killed = "B", 0
    url = database.url.render_as_string(hide_password=False)
    for after in moments(n_kills, seconds):
        name = "B" if held == "A" else "A"
        before = contents(database)
        kill_after(after, import_into, url, releases[name])
        if not database.is_sqlite:
            wait_for_the_server(database)
        if contents(database) == before:
            n_killed += 1
        else:
            assert outline(database) == whole[name], f"killed after {after} s"
            held = name
    assert n_killed > 0


def check_kills_of_additions(database: Database, n_kills: int) -> None:
    """Add one file after the other, and kill most of the imports."""
    days = [replace(large_release(chr(ord("A") + day)), is_own=True) for day in range(n_kills + 1)]
    begin = time.monotonic()
    import_release(database, days[0], now=at(100_000))
    seconds = time.monotonic() - begin
    url = database.url.render_as_string(hide_password=False)
    n_killed = 0
    for after, day in zip(moments(n_kills, seconds), days[1:], strict=True):
        before, rated = contents(database), ratings(database)
        kill_after(after, import_into, url, day)
        if not database.is_sqlite:
            wait_for_the_server(database)
        if contents(database) == before:
            n_killed += 1
            continue
        columns = (day.ratings[name] for name in ("user", "movie_id", "stars", "rated_at"))
        lines = zip(*(column.tolist() for column in columns), strict=True)
        new = {(str(user), movie): (stars, seconds) for user, movie, stars, seconds in lines}
        assert ratings(database) == new | rated, f"killed after {after} s"
        assert import_release(database, day, now=at(100_001)).unchanged
    assert n_killed > 0


def test_a_killed_import_changes_nothing_or_all(database: Database) -> None:
    check_kills(database, n_kills=3)


def test_a_killed_addition_changes_nothing_or_all(database: Database) -> None:
    check_kills_of_additions(database, n_kills=3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_import_killed_at_fifty_moments_changes_nothing_or_all(database: Database) -> None:
    check_kills(database, n_kills=25)
    check_kills_of_additions(database, n_kills=25)
