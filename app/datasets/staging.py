"""Temporary tables of an import, and how they are filled fast on either database."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    delete,
    insert,
    text,
)

from app.db.tables import feedback

# Only the transaction of the import sees these tables.
temporary = MetaData()
# The users of the release, in its order.
imported_users = Table(
    "imported_users",
    temporary,
    Column("position", Integer, primary_key=True),
    Column("key", String(128), nullable=False),
    prefixes=["TEMPORARY"],
)
# The users whose ratings or seen movies have changed.
changed_users = Table(
    "changed_users",
    temporary,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
# Numbers alone, which COPY reads as they are in memory; -1 stands for null.
staged_ratings = Table(
    "staged_ratings",
    temporary,
    Column("user_id", BigInteger),
    Column("movie_id", BigInteger),
    Column("stars", Double),
    Column("liked", SmallInteger),
    Column("kind", SmallInteger),  # of the event that implies it: its place in `EVENT_KINDS`
    Column("rated_at", BigInteger),
    Column("timed", SmallInteger),  # 0 where the time is that of the import
    prefixes=["TEMPORARY"],
)
staged_seen = Table(
    "staged_seen",
    temporary,
    Column("user_id", BigInteger),
    Column("movie_id", BigInteger),
    Column("hidden", SmallInteger),
    Column("seen_at", BigInteger),
    Column("timed", SmallInteger),
    prefixes=["TEMPORARY"],
)
staged_events = Table(
    "staged_events",
    temporary,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String(100)),
    Column("user_id", BigInteger),
    Column("movie_id", BigInteger),
    Column("kind", String(20)),
    Column("value", Double),
    Column("occurred_at", BigInteger),
    prefixes=["TEMPORARY"],
)
# Feedback with the key of its user and the title of its movie.
staged_feedback = Table(
    "staged_feedback",
    temporary,
    *(Column(column.name, column.type) for column in feedback.c if column.name != "user_id"),
    Column("user_key", String(128)),
    Column("title", String(500)),
    prefixes=["TEMPORARY"],
)

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


def begin(connection: Connection) -> None:
    """Make the temporary tables."""
    temporary.create_all(connection, checkfirst=False)


def end(connection: Connection) -> None:
    """Drop the temporary tables."""
    temporary.drop_all(connection, checkfirst=False)


def fill(connection: Connection, table: Table, columns: Sequence[NDArray[Any]]) -> None:
    """Fill a table of numbers."""
    if connection.dialect.name == "sqlite":
        rows = zip(*(column.tolist() for column in columns), strict=True)
        _insert_sqlite(connection, table, rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_copy_format(columns))


def fill_rows(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Fill a table that holds texts."""
    if connection.dialect.name == "sqlite":
        _insert_sqlite(connection, table, rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY {table.name} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def empty(connection: Connection, table: Table) -> None:
    """Delete all rows."""
    is_sqlite = connection.dialect.name == "sqlite"
    connection.execute(delete(table) if is_sqlite else text(f"TRUNCATE {table.name}"))


def _insert_sqlite(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    if listed := list(rows):
        connection.exec_driver_sql(str(insert(table).compile(connection)), listed)


def _copy_format(columns: Sequence[NDArray[Any]]) -> bytes:
    """Give rows in PostgreSQL's binary COPY format: the number of fields, each with its length."""
    fields: list[tuple[str, Any]] = [("n", ">i2")]
    for number, column in enumerate(columns):
        fields += [(f"length{number}", ">i4"), (f"field{number}", column.dtype.newbyteorder(">"))]
    rows = np.empty(len(columns[0]), dtype=fields)
    rows["n"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"length{number}"], rows[f"field{number}"] = column.dtype.itemsize, column
    return _HEADER + rows.tobytes() + _TRAILER
