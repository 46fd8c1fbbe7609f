"""Rows in a form that either database is filled from: one JSON array a row.

Tables are read as they are in the database, not as the code has them, so that a database can be
backed up before it is upgraded, and a back-up of an older version be restored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    MetaData,
    Table,
    cast,
    exists,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import REGCLASS

from app.db.tables import active_model, admin_sessions, installation, metadata, shared_counts

# As many rows are Python objects at one time.
CHUNK = 10_000
# One row each from the first migration on: they say nothing about whether a database is empty.
SINGLE_ROWS = {installation.name, active_model.name}
# Who is signed in on the pages for operators: a restore brings no session back that has ended.
# And what is counted anew from the ratings that were restored.
FORGOTTEN = {admin_sessions.name, shared_counts.name}

Convert = Callable[[Any], Any]


def tables_of(connection: Connection) -> list[Table]:
    """Return our tables as this database has them; each follows those that it refers to."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in metadata.tables)
    return found.sorted_tables


def filled(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Name the tables that somebody has put rows into."""
    return [
        table.name
        for table in tables
        if table.name not in SINGLE_ROWS | FORGOTTEN
        and connection.execute(select(exists(select(table)))).scalar()
    ]


def dump(connection: Connection, table: Table, report: Callable[[int], None]) -> Iterator[bytes]:
    """Give the rows of a table as lines, by rising key; report how many there were so far."""
    query = select(table).order_by(*table.primary_key)
    # On PostgreSQL a cursor in the server: otherwise the driver would hold all rows.
    result = connection.execute(query, execution_options={"yield_per": CHUNK})
    n_rows = 0
    for part in result.partitions():
        n_rows += len(part)
        yield b"".join(_encode(row) for row in part)
        report(n_rows)


def lock(connection: Connection, tables: Sequence[Table]) -> None:
    """Make everybody else wait; SQLite admits one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {_names(connection, tables)}"))


def clear(connection: Connection, tables: Sequence[Table]) -> None:
    """Delete every row."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"TRUNCATE {_names(connection, tables)}"))
        return
    for table in reversed(tables):
        connection.execute(table.delete())


def load(
    connection: Connection, table: Table, columns: Sequence[str], lines: Iterable[bytes]
) -> Iterator[int]:
    """Fill an empty table; give how many rows it has so far."""
    # Sorting an index once takes a fraction of the time of putting each row into its place.
    indexes = list(table.indexes)
    for index in indexes:
        index.drop(connection)
    rows = _decode(table, columns, lines)
    write = _copy if connection.dialect.name == "postgresql" else _insert
    yield from write(connection, table, columns, rows)
    for index in indexes:
        index.create(connection)


def _names(connection: Connection, tables: Sequence[Table]) -> str:
    return ", ".join(connection.dialect.identifier_preparer.quote(t.name) for t in tables)


def _encode(row: Sequence[Any]) -> bytes:
    text = json.dumps(
        tuple(row), ensure_ascii=False, separators=(",", ":"), default=_seconds, allow_nan=False
    )
    return text.encode() + b"\n"


def _seconds(moment: datetime) -> int:
    # All moments are kept in whole seconds; SQLite has no other type for them.
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _decode(table: Table, columns: Sequence[str], lines: Iterable[bytes]) -> Iterator[list[Any]]:
    """Read lines into what the driver of the database takes."""
    converts: list[tuple[int, Convert]] = [
        (place, json.dumps if isinstance(table.c[name].type, JSON) else _moment)
        for place, name in enumerate(columns)
        if isinstance(table.c[name].type, JSON | DateTime)
    ]
    for line in lines:
        row = json.loads(line)
        for place, convert in converts:
            if row[place] is not None:
                row[place] = convert(row[place])
        yield row


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterator[list[Any]]
) -> Iterator[int]:
    compiled: Any = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    places = [columns.index(name) for name in compiled.positiontup]
    n_rows = 0
    while chunk := [tuple(row[place] for place in places) for row in islice(rows, CHUNK)]:
        connection.exec_driver_sql(str(compiled), chunk)
        n_rows += len(chunk)
        yield n_rows


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterator[list[Any]]
) -> Iterator[int]:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    driver: Any = connection.connection.driver_connection
    n_rows = 0
    with driver.cursor().copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy:
        while chunk := list(islice(rows, CHUNK)):
            for row in chunk:
                copy.write_row(row)
            n_rows += len(chunk)
            yield n_rows
    _move_sequences(connection, table)


def _move_sequences(connection: Connection, table: Table) -> None:
    """Let the next row get a number that none has; never go back, which no rollback would undo."""
    for key in table.primary_key:
        name = connection.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
        if name is not None:
            sequence = cast(name, REGCLASS)
            highest = select(func.coalesce(func.max(key), 0)).scalar_subquery()
            beyond = func.greatest(func.nextval(sequence), highest)
            connection.execute(select(func.setval(sequence, beyond)))
