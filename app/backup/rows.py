"""Rows in a form that both databases can load: one JSON array per row.

Tables are read as they are in the database, not as in the code, so that a database can be backed up
before it is upgraded, and a back-up of an older version can be restored.
"""

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

# Rows that are Python objects at one time.
CHUNK = 10_000
# One row each from the first migration on, also in an empty database.
SINGLE_ROWS = {installation.name, active_model.name}
# Not in a back-up: sessions of the admin pages, so that none that has ended is restored, and counts
# that are computed from the ratings.
FORGOTTEN = {admin_sessions.name, shared_counts.name}

Convert = Callable[[Any], Any]


def tables_of(connection: Connection) -> list[Table]:
    """Return our tables as they are in this database, each after those that it refers to."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in metadata.tables)
    return found.sorted_tables


def filled(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Return the names of the tables that are not empty."""
    return [
        table.name
        for table in tables
        if table.name not in SINGLE_ROWS | FORGOTTEN
        and connection.execute(select(exists(select(table)))).scalar()
    ]


def dump(connection: Connection, table: Table, report: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the rows of a table as lines, by rising key; report how many so far."""
    query = select(table).order_by(*table.primary_key)
    # On PostgreSQL a cursor in the server: otherwise the driver would hold all rows.
    result = connection.execute(query, execution_options={"yield_per": CHUNK})
    n_rows = 0
    for part in result.partitions():
        n_rows += len(part)
        yield b"".join(_encode(row) for row in part)
        report(n_rows)


def lock(connection: Connection, tables: Sequence[Table]) -> None:
    """Make all other writers wait; SQLite has one writer anyway."""
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
    """Fill an empty table; yield how many rows it has so far."""
    # Creating an index once takes a fraction of the time of inserting each row into it.
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
    # All times are stored in whole seconds; SQLite has no other type for them.
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _decode(table: Table, columns: Sequence[str], lines: Iterable[bytes]) -> Iterator[list[Any]]:
    """Convert lines to rows for the driver of the database."""
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
    """Make the next key unused; never lower a sequence, which no rollback would undo."""
    for key in table.primary_key:
        name = connection.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
        if name is not None:
            sequence = cast(name, REGCLASS)
            highest = select(func.coalesce(func.max(key), 0)).scalar_subquery()
            beyond = func.greatest(func.nextval(sequence), highest)
            connection.execute(select(func.setval(sequence, beyond)))
