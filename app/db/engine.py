"""The engine and the unit of work, the only place that commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# How long a writer waits for the lock of SQLite; an import holds it for seconds.
SQLITE_BUSY_TIMEOUT_S = 30
# The write-ahead log is truncated to this size after a large import.
SQLITE_JOURNAL_BYTES = 64 * 2**20

# What a transaction may do; `_begin_sqlite` reads it from the execution option `access`.
Access = Literal["read", "write", "schema"]


class ForeignKeyError(Exception):
    """A change of the schema would break a foreign key."""


class Database:
    """A database, SQLite or PostgreSQL, behind one synchronous engine."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.get_backend_name() == "postgresql" and "+" not in self.url.drivername:
            self.url = self.url.set(drivername="postgresql+psycopg")
        if self.is_sqlite and self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(
            self.url,
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # they hold user keys, and errors are logged
        )
        self._writing = Lock()  # of SQLite, which has one writer at a time
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a read-only connection on one consistent snapshot."""
        options: dict[str, Any] = {"access": "read"}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def unit_of_work(self, *, alters_schema: bool = False) -> Iterator[Connection]:
        """Give a connection; commit at the end, or roll back after an exception."""
        access: Access = "schema" if alters_schema else "write"
        with self._turn(), self.engine.connect().execution_options(access=access) as connection:
            try:
                with connection.begin():
                    yield connection
                    if alters_schema and self.is_sqlite:
                        _check_foreign_keys(connection)
            finally:
                if alters_schema:
                    connection.invalidate()  # so that the next one is configured anew

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for other writers of this process before taking a connection from the pool."""
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=SQLITE_BUSY_TIMEOUT_S):
            raise PoolTimeoutError("another transaction of this process writes for too long")
        try:
            yield
        finally:
            self._writing.release()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _configure_sqlite(driver: Any, _record: Any) -> None:
    driver.isolation_level = None  # `_begin_sqlite` begins transactions, not the driver
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_TIMEOUT_S * 1000}",
        "journal_mode = WAL",  # readers do not wait for a writer
        "synchronous = FULL",  # a committed transaction survives a power cut
        "foreign_keys = ON",
        f"journal_size_limit = {SQLITE_JOURNAL_BYTES}",
    ):
        driver.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    access: Access = connection.get_execution_options().get("access", "write")
    reads = access == "read"
    if connection.info.get("query_only", False) != reads:
        driver.execute(f"PRAGMA query_only = {int(reads)}")
        connection.info["query_only"] = reads
    if access == "schema":
        # SQLite alters a table by copying and dropping it, which would delete the rows that refer
        # to it. Can be set only outside a transaction; `_check_foreign_keys` checks at the end.
        driver.execute("PRAGMA foreign_keys = OFF")
    # A writer takes its lock at once: a transaction that reads first fails at its first write,
    # without waiting, if its snapshot is no longer the newest.
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise ForeignKeyError(f"{broken[0]}: row {broken[1]} refers to no row of {broken[2]}")
