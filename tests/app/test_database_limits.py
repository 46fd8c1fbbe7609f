"""How long the database is waited for, and what a client is told when that was too long."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, insert, make_url, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.core.errors import (
    AppError,
    DatabaseBusyError,
    DatabaseReadOnlyError,
    DatabaseUnavailableError,
)
from app.db import postgresql
from app.db.engine import Database
from app.db.failures import to_app_error
from app.db.limits import JOBS, REQUESTS, Limits
from app.db.tables import installation, users
from app.http.middleware import admission

SHORT = Limits(lock_s=0.1, statement_s=0.2, idle_s=0.2, write_s=60, pool_s=0.1, connections=1)
POLLERS = 5  # keys, model, counts, ratings, answered requests


def address(database: Database, **options: str) -> str:
    url = database.url.update_query_dict(options)
    return url.render_as_string(hide_password=False)


@contextmanager
def opened(database: Database, limits: Limits, url: str | None = None) -> Iterator[Database]:
    other = Database(url or address(database), limits)
    yield other
    other.dispose()


def failure(work: Callable[[], Any]) -> AppError:
    """The error that a client is told about when this fails."""
    try:
        work()
    except SQLAlchemyError as error:
        return to_app_error(error)
    raise AssertionError("it did not fail")


def write(database: Database, key: str = "7") -> None:
    with database.unit_of_work() as connection:
        connection.execute(insert(users).values(key=key, ratings_revision=0))


def lock_users(connection: Connection) -> None:
    """Let writers wait; in SQLite every writer has the one lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE users IN EXCLUSIVE MODE"))


def test_a_write_waits_for_another_process_no_longer_than_its_limit(database: Database) -> None:
    with opened(database, SHORT) as short, database.unit_of_work() as connection:
        lock_users(connection)
        assert isinstance(failure(lambda: write(short)), DatabaseBusyError)
        with short.read() as reader:
            assert reader.execute(select(users.c.key)).all() == []
    with database.read() as connection:
        assert connection.execute(select(users.c.key)).all() == []


def test_a_write_waits_for_another_one_of_its_process_no_longer_than_its_limit(
    database: Database,
) -> None:
    with opened(database, SHORT._replace(connections=2)) as short:
        with short.unit_of_work() as connection:
            lock_users(connection)
            assert isinstance(failure(lambda: write(short)), DatabaseBusyError)
        write(short)


def test_a_request_waits_for_a_connection_no_longer_than_its_limit(database: Database) -> None:
    with opened(database, SHORT) as short, short.read():
        assert isinstance(failure(lambda: short.read().__enter__()), DatabaseBusyError)


def test_a_write_to_a_database_that_may_only_be_read_says_so(
    database: Database,
) -> None:
    if database.is_sqlite:
        with database.unit_of_work() as connection:
            lock_users(connection)
        path = f"file:{database.url.database}"
        url = f"sqlite:///{path}?mode=ro&uri=true"
    else:
        url = address(database, options="-c default_transaction_read_only=on")
    with opened(database, SHORT, url) as short:
        if database.is_sqlite:
            with short.read() as connection:
                assert connection.execute(select(users.c.key)).all() == []
        assert isinstance(failure(lambda: write(short)), DatabaseReadOnlyError)


def test_a_full_disk_says_so_and_reading_goes_on(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("the disk of a server of its own")
    with opened(database, SHORT) as short:
        with short.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        def fill() -> None:
            with short.unit_of_work() as connection:
                rows = [{"key": f"{i:0100}", "ratings_revision": 0} for i in range(5000)]
                connection.execute(insert(users), rows)

        assert isinstance(failure(fill), DatabaseReadOnlyError)
        with short.read() as connection:
            assert connection.execute(select(users.c.key)).all() == []


@pytest.mark.parametrize(
    ("attribute", "code", "expected"),
    [
        ("sqlstate", "55P03", DatabaseBusyError),
        ("sqlstate", "57014", DatabaseBusyError),
        ("sqlstate", "40P01", DatabaseBusyError),
        ("sqlstate", "53300", DatabaseBusyError),
        ("sqlstate", "53100", DatabaseReadOnlyError),
        ("sqlstate", "57P01", DatabaseUnavailableError),
        ("sqlstate", None, DatabaseUnavailableError),
        ("sqlite_errorcode", sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseBusyError),
        ("sqlite_errorcode", sqlite3.SQLITE_IOERR_WRITE, DatabaseReadOnlyError),
        ("sqlite_errorcode", sqlite3.SQLITE_IOERR_READ, DatabaseUnavailableError),
        ("sqlite_errorcode", sqlite3.SQLITE_CORRUPT, DatabaseUnavailableError),
    ],
)
def test_each_failure_of_a_database_has_its_error(
    attribute: str, code: Any, expected: type[AppError]
) -> None:
    cause = Exception("a statement with the key of a user")
    setattr(cause, attribute, code)
    error = to_app_error(OperationalError("SELECT", {}, cause))
    assert type(error) is expected
    assert "user" not in error.detail


def test_a_worker_has_a_connection_for_each_request_in_progress_and_each_poll() -> None:
    places = admission.READS + admission.WRITES + admission.OPERATORS
    assert REQUESTS.connections >= places + POLLERS


class TestPostgreSQL:
    """Time limits that only a server needs."""

    @pytest.fixture
    def database(self, database: Database) -> Database:
        if database.is_sqlite:
            pytest.skip("SQLite has no server")
        return database

    def test_a_statement_takes_no_longer_than_its_limit(self, database: Database) -> None:
        def sleep(seconds: float) -> None:
            with short.read() as connection:
                connection.execute(text("SELECT pg_sleep(:s)"), {"s": seconds})

        with opened(database, SHORT) as short:
            assert isinstance(failure(lambda: sleep(10)), DatabaseBusyError)
            sleep(0)

    def test_a_statement_may_be_given_more_time(self, database: Database) -> None:
        with opened(database, SHORT) as short, short.read(10) as connection:
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "10s"
            connection.execute(text("SELECT pg_sleep(0.3)"))

    def test_a_write_takes_no_longer_than_its_limit_whatever_it_waits_for(
        self, database: Database
    ) -> None:
        def wait_again_and_again() -> None:
            with short.unit_of_work() as connection:
                for _ in range(1000):
                    connection.execute(text("SELECT pg_sleep(0.15)"))

        with opened(database, SHORT._replace(write_s=0.2)) as short:
            assert isinstance(failure(wait_again_and_again), DatabaseBusyError)
            with short.read() as connection:  # the server is not taken for away
                connection.execute(text("SELECT 1"))

    def test_a_transaction_that_does_nothing_is_ended(self, database: Database) -> None:
        def wait() -> None:
            with short.unit_of_work() as connection:
                connection.execute(select(installation)).all()
                with database.read() as other:
                    other.execute(text("SELECT pg_sleep(0.5)"))
                connection.execute(select(installation)).all()

        with opened(database, SHORT) as short:
            assert isinstance(failure(wait), DatabaseBusyError)

    @pytest.mark.parametrize("limits", [REQUESTS, JOBS])
    def test_every_limit_is_set(self, database: Database, limits: Limits) -> None:
        with opened(database, limits) as other, other.read() as connection:
            found = [
                connection.execute(
                    text("SELECT setting FROM pg_settings WHERE name = :name"), {"name": name}
                )
                for name in (
                    "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout",
                )
            ]  # fmt: skip
            driver: Any = connection.connection.driver_connection
            used = driver.info.get_parameters()
        seconds = [int(setting.scalar_one()) / 1000 for setting in found]
        assert seconds == [limits.lock_s, limits.statement_s, limits.idle_s]
        assert {name: used[name] for name in postgresql.NETWORK} == postgresql.NETWORK

    def test_what_the_address_names_comes_first(self) -> None:
        url = make_url(
            "postgresql://x@/y?host=a:5432&host=b:5433&connect_timeout=9&options=-c lock_timeout=1"
        )
        arguments = postgresql.connect_arguments(url, REQUESTS)
        assert "connect_timeout" not in arguments
        assert arguments["tcp_user_timeout"] == "4000"
        assert arguments["options"].startswith("-c lock_timeout=5000 ")
        assert arguments["options"].endswith(" -c lock_timeout=1")

    def test_a_server_that_is_silent_is_given_up(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when it is stopped, or a proxy passes nothing on: packets are acknowledged."""
        monkeypatch.setattr(postgresql, "MARGIN_S", 0.0)
        limits = SHORT._replace(statement_s=0.3)
        url = address(database, options="-c statement_timeout=0")
        with opened(database, limits, url) as short:

            def sleep() -> None:
                with short.read() as connection:
                    connection.execute(text("SELECT pg_sleep(60)"))

            assert isinstance(failure(sleep), DatabaseUnavailableError)
            with short.read() as connection:  # on a new connection
                connection.execute(text("SELECT 1"))


class TestConnector:
    """One thread at a time tries to connect while the server is away."""

    def test_others_fail_at_once(self) -> None:
        connector = postgresql.Connector()
        tried: list[str] = []
        trying, free = Event(), Event()

        def connect(**_: str) -> Any:
            tried.append("x")
            trying.set()
            free.wait()
            raise psycopg.OperationalError("no route")

        def attempt() -> None:
            with suppress(psycopg.OperationalError):
                connector(None, None, [], {})

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgresql.Connection, "connect", connect)
            patch.setattr(postgresql, "RETRY_S", 3600.0)
            connector.suspect()
            first = Thread(target=attempt)
            first.start()
            trying.wait()
            for _ in range(20):
                with pytest.raises(postgresql.NotTriedError, match="another thread"):
                    connector(None, None, [], {})
            free.set()
            first.join()
            with pytest.raises(postgresql.NotTriedError, match="a moment ago"):
                connector(None, None, [], {})
            assert tried == ["x"]
            patch.setattr(connector, "_retry_at", 0.0)
            attempt()
            assert tried == ["x", "x"]

    def test_a_server_that_is_back_is_used_at_once(self) -> None:
        connector = postgresql.Connector()
        connector.suspect()
        made = type("Made", (), {})()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgresql.Connection, "connect", lambda **_: made)
            assert connector(None, None, [], {}) is made
            connector._trying.acquire()  # noqa: SLF001
            assert connector(None, None, [], {}) is made
