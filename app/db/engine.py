"""The engine and the unit of work, the only place that commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Literal

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.db.limits import JOBS, Limits

# The write-ahead log is truncated to this size after a large import.
SQLITE_JOURNAL_BYTES = 64 * 2**20
# Pages that each connection keeps, of up to 25 in a worker. The kernel keeps what they have read.
SQLITE_CACHE_KIB = 512

# What a transaction may do; `_begin_sqlite` reads it from the execution option `access`, and from
# `lock_s` how long the transaction may wait for the lock of another process.
Access = Literal["read", "write", "schema"]


class ForeignKeyError(Exception):
    """A change of the schema would break a foreign key."""


class Database:
    """A database, SQLite or PostgreSQL, behind one synchronous engine.

    `limits` say how long it is waited for: `REQUESTS` where a client waits, else `JOBS`.
    """

    def __init__(self, url: str, limits: Limits = JOBS) -> None:
        self.url = make_url(url)
        self.limits = limits
        if self.url.get_backend_name() == "postgresql" and "+" not in self.url.drivername:
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.engine: Engine = create_engine(
            self.url,
            connect_args=self._connect_arguments(),
            poolclass=QueuePool,
            pool_size=limits.connections,
            max_overflow=0,
            pool_timeout=limits.pool_s,
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # they hold user keys, and errors are logged
        )
        self._writing = Lock()  # of SQLite, which has one writer at a time
        if self.is_sqlite:
            event.listen(self.engine, "do_connect", self._make_folder)
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            from app.db import postgresql  # noqa: PLC0415 (loads its driver)

            event.listen(self.engine, "do_connect", postgresql.Connector())

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self, statement_s: float | None = None) -> Iterator[Connection]:
        """Give a read-only connection on one consistent snapshot.

        `statement_s` is how long a statement may take, where not as long as any other.
        """
        options: dict[str, Any] = {"access": "read", "lock_s": self.limits.lock_s}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with (
            self.engine.connect().execution_options(**options) as connection,
            self._answered(connection, statement_s or self.limits.statement_s, inf),
        ):
            yield connection

    @contextmanager
    def unit_of_work(self, *, alters_schema: bool = False) -> Iterator[Connection]:
        """Give a connection; commit at the end, or roll back after an exception."""
        access: Access = "schema" if alters_schema else "write"
        with (
            self._turn() as lock_s,
            self.engine.connect().execution_options(access=access, lock_s=lock_s) as connection,
            self._answered(connection, self.limits.statement_s, self.limits.write_s),
        ):
            try:
                with connection.begin():
                    yield connection
                    if alters_schema and self.is_sqlite:
                        check_foreign_keys(connection)
                    if not self.is_sqlite:
                        # Given up now, nobody would know whether it was committed.
                        connection.connection.driver_connection.until = inf  # type: ignore[union-attr]
            finally:
                if alters_schema:
                    connection.invalidate()  # so that the next one is configured anew

    @contextmanager
    def _turn(self) -> Iterator[float]:
        """Wait for other writers of this process before taking a connection from the pool.

        Gives the time that is left to wait for those of other processes.
        """
        lock_s = self.limits.lock_s
        if not self.is_sqlite:
            yield lock_s
            return
        begin = monotonic()
        if not self._writing.acquire(timeout=lock_s):
            raise PoolTimeoutError("another transaction of this process writes for too long")
        try:
            yield max(lock_s - (monotonic() - begin), 0)
        finally:
            self._writing.release()

    @contextmanager
    def _answered(
        self, connection: Connection, statement_s: float, transaction_s: float
    ) -> Iterator[None]:
        """Give up a server that does not answer in time: a statement, or the transaction."""
        if self.is_sqlite:
            yield
            return
        from app.db.postgresql import MARGIN_S, PING_S  # noqa: PLC0415 (see above)

        driver: Any = connection.connection.driver_connection
        driver.answer_s, driver.until = statement_s + MARGIN_S, monotonic() + transaction_s
        try:
            if statement_s > self.limits.statement_s:
                limit = f"SET LOCAL statement_timeout = {round(1000 * statement_s)}"
                connection.exec_driver_sql(limit)
            yield
        finally:
            driver.answer_s, driver.until = PING_S, inf

    def _connect_arguments(self) -> dict[str, Any]:
        if self.is_sqlite:
            return {"timeout": self.limits.lock_s}
        from app.db import postgresql  # noqa: PLC0415 (see above)

        return postgresql.connect_arguments(self.url, self.limits)

    def _make_folder(self, *_: Any) -> None:
        """Make the folder of the file, which SQLite makes itself at the first connection."""
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _configure_sqlite(driver: Any, _record: Any) -> None:
    driver.isolation_level = None  # `_begin_sqlite` begins transactions, not the driver
    for pragma in (
        "journal_mode = WAL",  # readers do not wait for a writer
        "synchronous = FULL",  # a committed transaction survives a power cut
        "foreign_keys = ON",
        f"journal_size_limit = {SQLITE_JOURNAL_BYTES}",
        f"cache_size = -{SQLITE_CACHE_KIB}",
    ):
        driver.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    options = connection.get_execution_options()
    access: Access = options.get("access", "write")
    reads = access == "read"
    _set_pragma(connection, "query_only", int(reads))
    _set_pragma(connection, "busy_timeout", round(1000 * options.get("lock_s", 0)))
    if access == "schema":
        # SQLite alters a table by copying and dropping it, which would delete the rows that refer
        # to it. Can be set only outside a transaction; `check_foreign_keys` checks at the end.
        driver.execute("PRAGMA foreign_keys = OFF")
    # A writer takes its lock at once: a transaction that reads first fails at its first write,
    # without waiting, if its snapshot is no longer the newest.
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _set_pragma(connection: Connection, name: str, value: int) -> None:
    """Set it, unless this connection of the pool has this value already."""
    if connection.info.get(name) != value:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA {name} = {value}")
        connection.info[name] = value


def check_foreign_keys(connection: Connection) -> None:
    """Raise `ForeignKeyError` if a row of this SQLite database refers to none."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise ForeignKeyError(f"{broken[0]}: row {broken[1]} refers to no row of {broken[2]}")
