"""Rows in a form that both databases can load: one JSON array per row.

Tables are read as they are in the database, not as in the code, so that a database can be backed up
before it is upgraded, and a back-up of an older version can be restored.
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any

from pydantic_core import from_json
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    LargeBinary,
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

from app.backup import checks
from app.db.tables import (
    active_model,
    admin_sessions,
    backups,
    installation,
    metadata,
    movies,
    nightly_lists,
    shared_counts,
)
from data.rules import brief, shown

# Rows that are Python objects at one time, and the length of their lines.
CHUNK, CHUNK_BYTES = 10_000, 16 * 2**20
# One row each from the first migration on, also in an empty database.
SINGLE_ROWS = {installation.name, active_model.name}
# Not in a back-up: sessions of the admin pages, so that none that has ended is restored, counts and
# lists that are computed from the ratings, and the back-ups that were made.
FORGOTTEN = {admin_sessions.name, shared_counts.name, nightly_lists.name, backups.name}

TRIGGERS = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")

Convert = Callable[[Any], Any]
Rows = list[list[Any]]

logger = logging.getLogger(__name__)


class RowError(ValueError):
    """A line holds no row of its table."""

    def __init__(self, table: Table, line: int, reason: object) -> None:
        super().__init__(
            f"tables/{table.name}.jsonl line {line} is no row of {table.name}: {reason}"
        )


def tables_of(connection: Connection, names: Container[str] = metadata.tables) -> list[Table]:
    """Return our tables as they are in this database, each after those that it refers to."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in names)
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
    quote = connection.dialect.identifier_preparer.quote
    triggers = connection.execute(TRIGGERS).all()  # which refuse to delete rows of the audit log
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {quote(name)}")
    for table in reversed(tables):
        connection.execute(table.delete())
    for _, definition in triggers:
        connection.exec_driver_sql(definition)


def load(
    connection: Connection, table: Table, columns: Sequence[str], lines: Iterable[bytes]
) -> Iterator[int]:
    """Fill an empty table; yield how many rows it has so far. Raises `RowError`."""
    # Creating an index once takes a fraction of the time of inserting each row into it.
    indexes = list(table.indexes)
    for index in indexes:
        index.drop(connection)
    chunks = _decode(table, columns, lines)
    write = _copy if connection.dialect.name == "postgresql" else _insert
    yield from write(connection, table, columns, chunks)
    for index in indexes:
        index.create(connection)


def _names(connection: Connection, tables: Sequence[Table]) -> str:
    return ", ".join(connection.dialect.identifier_preparer.quote(t.name) for t in tables)


def _encode(row: Sequence[Any]) -> bytes:
    text = json.dumps(
        tuple(row), ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False
    )
    return text.encode() + b"\n"


def _plain(value: datetime | bytes) -> int | str:
    # All times are stored in whole seconds; SQLite has no other type for them.
    return b64encode(value).decode() if isinstance(value, bytes) else int(value.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _decode(table: Table, columns: Sequence[str], lines: Iterable[bytes]) -> Iterator[Rows]:
    """Convert lines to checked rows for the driver of the database, in chunks."""
    by_type: dict[type, Convert] = {
        JSON: json.dumps, DateTime: _moment, LargeBinary: partial(b64decode, validate=True),
    }  # fmt: skip
    converts = [
        (place, convert)
        for place, name in enumerate(columns)
        for kind, convert in by_type.items()
        if isinstance(table.c[name].type, kind)
    ]
    n_rows = 0
    for rows in _parsed(table, lines):
        if table.name == movies.name:
            _clean(rows, columns.index("title"), columns.index("genres"))
        wrong = checks.first_wrong(table, columns, rows)
        if wrong is not None:
            index, reason = wrong
            raise RowError(table, n_rows + index + 1, reason)
        for place, convert in converts:
            for row in rows:
                if row[place] is not None:
                    row[place] = convert(row[place])
        n_rows += len(rows)
        yield rows


def _parsed(table: Table, lines: Iterable[bytes]) -> Iterator[list[Any]]:
    """Yield the values of the lines in chunks; they may be no rows."""
    chunk: list[Any] = []
    n_bytes = 0
    for number, line in enumerate(lines, start=1):
        try:
            chunk.append(from_json(line, allow_inf_nan=False))
        except ValueError as error:
            raise RowError(table, number, brief(error)) from error
        n_bytes += len(line)
        if len(chunk) == CHUNK or n_bytes > CHUNK_BYTES:
            yield chunk
            chunk, n_bytes = [], 0
    if chunk:
        yield chunk


def _clean(rows: list[Any], title: int, genres: int) -> None:
    for row in rows:
        if type(row) is list and len(row) > max(title, genres):
            before = row[title]
            if checks.clean_movie(row, title, genres):
                logger.warning(
                    "characters that no text holds are replaced in the movie %s", shown(before)
                )


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], chunks: Iterator[Rows]
) -> Iterator[int]:
    compiled: Any = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    in_order = itemgetter(*(columns.index(name) for name in compiled.positiontup))
    n_rows = 0
    for rows in chunks:
        connection.exec_driver_sql(str(compiled), list(map(in_order, rows)))
        n_rows += len(rows)
        yield n_rows


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], chunks: Iterator[Rows]
) -> Iterator[int]:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    driver: Any = connection.connection.driver_connection
    n_rows = 0
    with driver.cursor().copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy:
        for rows in chunks:
            for row in rows:
                copy.write_row(row)
            n_rows += len(rows)
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
