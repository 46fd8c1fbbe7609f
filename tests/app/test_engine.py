"""Units of work: commit, rollback and isolation."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from app.db import engine
from app.db.engine import Database, ForeignKeyError
from app.db.tables import datasets, installation, movies, ratings, users
from app.ratings.user_repository import next_revision
from tests.conftest import configure_sqlite

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def add_user(connection: Connection, key: str) -> None:
    connection.execute(insert(users).values(key=key, ratings_revision=0))


def user_keys(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(users.c.key).order_by(users.c.key)).scalars())


def add_rating(connection: Connection, **given: Any) -> None:
    add_user(connection, "7")
    connection.execute(insert(movies).values(id=1, title="Toy Story", genres=[]))
    user_id = connection.execute(select(users.c.id)).scalar_one()
    values = {"user_id": user_id, "movie_id": 1, "rated_at": NOON, **given}
    connection.execute(insert(ratings).values(values))


def test_what_is_written_is_there_afterwards(database: Database) -> None:
    with database.unit_of_work() as connection:
        add_user(connection, "7")
    assert user_keys(database) == ["7"]


def test_an_exception_undoes_all_that_was_written(database: Database) -> None:
    def fail() -> None:
        with database.unit_of_work() as connection:
            add_user(connection, "7")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert user_keys(database) == []


def test_a_reader_cannot_change_anything(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), database.read() as connection:
        add_user(connection, "7")
    with database.unit_of_work() as connection:  # the same connection of the pool may write
        add_user(connection, "8")
    assert user_keys(database) == ["8"]


def test_a_reader_stays_on_one_snapshot_while_others_write(database: Database) -> None:
    with database.read() as reader:
        before = reader.execute(select(users.c.key)).all()
        with database.unit_of_work() as writer:
            add_user(writer, "7")
        assert reader.execute(select(users.c.key)).all() == before == []
    assert user_keys(database) == ["7"]


def test_a_second_writer_waits_for_the_first(database: Database) -> None:
    drawn = []

    def draw() -> None:
        with database.unit_of_work() as connection:
            drawn.append(next_revision(connection))

    with database.unit_of_work() as connection:
        drawn.append(next_revision(connection))
        other = threading.Thread(target=draw)
        other.start()
        other.join(timeout=0.2)
        assert other.is_alive()
    other.join()
    assert drawn == [1, 2]


def test_writers_that_wait_leave_connections_for_readers(database: Database) -> None:
    """More writers than there are connections wait for the first one; a reader does not."""
    drawn: list[int] = []
    read: list[list[str]] = []

    def draw() -> None:
        with database.unit_of_work() as connection:
            drawn.append(next_revision(connection))

    others = [threading.Thread(target=draw) for _ in range(20 if database.is_sqlite else 5)]
    with database.unit_of_work() as connection:
        drawn.append(next_revision(connection))
        for other in others:
            other.start()
        sleep(0.2)
        reader = threading.Thread(target=lambda: read.append(user_keys(database)))
        reader.start()
        reader.join(timeout=10)
        assert (read, drawn) == ([[]], [1])
    for other in others:
        other.join()
    assert drawn == list(range(1, len(others) + 2))


def test_writers_that_read_first_do_not_get_into_each_others_way(database: Database) -> None:
    failures = []

    def read_and_write(key: str) -> None:
        try:
            with database.unit_of_work() as connection:
                connection.execute(select(users.c.key)).all()
                sleep(0.1)
                add_user(connection, key)
        except DBAPIError as error:
            failures.append(error)

    writers = [threading.Thread(target=read_and_write, args=(key,)) for key in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert user_keys(database) == ["a", "b", "c"]


def test_a_revision_that_was_rolled_back_is_given_out_again(database: Database) -> None:
    with database.unit_of_work() as connection:
        assert next_revision(connection) == 1
        connection.rollback()
    with database.unit_of_work() as connection:
        assert next_revision(connection) == 1


def test_sqlite_keeps_what_was_acknowledged_and_lets_readers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_configure_sqlite", configure_sqlite)  # as where tests do not run
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    with database.unit_of_work() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "journal_size_limit",
            )
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "journal_size_limit": 64 * 2**20,
    }
    database.dispose()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"stars": 4.0, "liked": True},
        {"stars": 0.0},
        {"stars": 5.5},
        {"stars": 4.0, "movie_id": 2},
        {"stars": 4.0, "user_id": 999},
    ],
    ids=["nothing", "stars and like", "too few", "too many", "unknown movie", "unknown user"],
)
def test_the_database_refuses_a_rating_that_is_none(
    database: Database, given: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), database.unit_of_work() as connection:
        add_rating(connection, **given)
    assert user_keys(database) == []


@pytest.mark.parametrize("given", [{"stars": 0.5}, {"stars": 5.0}, {"liked": False}], ids=str)
def test_the_database_takes_either_stars_or_a_like(
    database: Database, given: dict[str, Any]
) -> None:
    with database.unit_of_work() as connection:
        add_rating(connection, **given)
    with database.read() as connection:
        row = connection.execute(select(ratings.c.stars, ratings.c.liked)).one()
    assert row._asdict() == {"stars": None, "liked": None, **given}


def test_there_can_be_only_one_installation(database: Database) -> None:
    with pytest.raises(IntegrityError), database.unit_of_work() as connection:
        connection.execute(
            insert(installation).values(id=2, holdout_salt="other", ratings_revision=0)
        )


def test_a_moment_comes_back_in_utc_and_whole_seconds(database: Database) -> None:
    abroad = NOON.astimezone(timezone(timedelta(hours=9))) + timedelta(milliseconds=700)
    with database.unit_of_work() as connection:
        connection.execute(
            insert(datasets).values(name="d", sha256="0", imported_at=abroad, is_public=True)
        )
    with database.read() as connection:
        found = connection.execute(select(datasets.c.imported_at)).scalar_one()
    assert (found, found.tzinfo) == (NOON, UTC)


def test_a_moment_without_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="no time zone"), database.unit_of_work() as connection:
        connection.execute(
            insert(datasets).values(
                name="d", sha256="0", imported_at=NOON.replace(tzinfo=None), is_public=True
            )
        )


def test_errors_do_not_show_the_values_of_a_statement(database: Database) -> None:
    with pytest.raises(IntegrityError) as failure, database.unit_of_work() as connection:
        connection.execute(insert(users), [{"key": "secret", "ratings_revision": None}])
    assert "secret" not in str(failure.value).partition("DETAIL")[0]


def test_a_change_of_the_schema_may_not_leave_rows_that_refer_to_nothing(
    database: Database,
) -> None:
    with database.unit_of_work() as connection:
        add_rating(connection, stars=4.0)
    expected = ForeignKeyError if database.is_sqlite else IntegrityError
    with pytest.raises(expected), database.unit_of_work(alters_schema=True) as connection:
        connection.execute(text("DELETE FROM movies"))
    with database.unit_of_work() as connection:  # and is refused at once again afterwards
        assert connection.execute(select(movies.c.id)).scalars().all() == [1]
        with pytest.raises(IntegrityError):
            connection.execute(text("DELETE FROM movies"))
