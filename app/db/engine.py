"""The engine and the transactions; nothing else in the application commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

if TYPE_CHECKING:
    pass

# A writer that finds SQLite locked waits this long; an import holds the lock for seconds.
SQLITE_BUSY_TIMEOUT_S = 30
# The log of a large import is cut back to this size afterwards.
SQLITE_JOURNAL_BYTES = 64 * 2**20

# What a transaction may do, told to `_begin_sqlite` as the execution option of this name.
Access = Literal["read", "write", "schema"]


class ForeignKeyError(Exception):
    """A change of the schema would leave rows that refer to nothing."""


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
        """Give a connection on one consistent snapshot, which refuses to change anything."""
        options: dict[str, Any] = {"access": "read"}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def unit_of_work(self, *, alters_schema: bool = False) -> Iterator[Connection]:
        """Give a connection whose work is committed at the end, or all undone by an exception."""
        access: Access = "schema" if alters_schema else "write"
        with self._turn(), self.engine.connect().execution_options(access=access) as connection:
            try:
                with connection.begin():
                    yield connection
                    if alters_schema and self.is_sqlite:
                        _check_foreign_keys(connection)
            finally:
                if alters_schema:
                    connection.invalidate()  # the next one is configured anew

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the other writers of this process without holding a connection readers need."""
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=SQLITE_BUSY_TIMEOUT_S):
            raise PoolTimeoutError("other transactions of this process write for too long")
        try:
            yield
        finally:
            self._writing.release()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _configure_sqlite(driver: Any, _record: Any) -> None:
    driver.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_TIMEOUT_S * 1000}",
        "journal_mode = WAL",  # readers go on while a writer works
        "synchronous = FULL",  # what was acknowledged survives a power cut
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
        # SQLite alters a table by copying and dropping it, and dropping a table deletes the rows
        # that refer to it. Off only outside a transaction; `_check_foreign_keys` makes up for it.
        driver.execute("PRAGMA foreign_keys = OFF")
    # A writer takes its lock at once: one that reads first could find, at its first write, that
    # its snapshot is no longer the newest, and would fail without waiting.
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise ForeignKeyError(f"{broken[0]}: row {broken[1]} refers to no row of {broken[2]}")
