"""Expressions that several repositories share, for both databases."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FunctionElement,
    Table,
    func,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles

from app.db.tables import UtcDateTime, ratings

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def now(connection: Connection) -> datetime:
    """Return the time of the database, the clock that all processes share."""
    if connection.dialect.name == "sqlite":  # runs in this process
        return datetime.now(UTC)
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def upsert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Begin an INSERT with ON CONFLICT, which each database has in its own class."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - not needed for SQLite

    return postgresql.insert(table)


def liked(like_threshold: float | BindParameter[float]) -> ColumnElement[bool]:
    """Give the expression for like (true) or dislike (false): by the stars, if given."""
    return func.coalesce(ratings.c.stars >= like_threshold, ratings.c.liked)


class unix_seconds(FunctionElement[int]):  # noqa: N801 (a function of SQL)
    """Give the expression for a moment of a table as Unix seconds."""

    inherit_cache = True
    type = BigInteger()


@compiles(unix_seconds)
def _as_stored(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.clauses, **options)
    return text


@compiles(unix_seconds, "postgresql")
def _as_extracted(element: unix_seconds, compiler: Any, **options: Any) -> str:
    return f"CAST(extract(epoch FROM {_as_stored(element, compiler, **options)}) AS BIGINT)"


class moment(FunctionElement[datetime]):  # noqa: N801 (a function of SQL)
    """Give the expression for Unix seconds as a moment of a table."""

    inherit_cache = True
    type = UtcDateTime()


@compiles(moment)
def _as_seconds(element: moment, compiler: Any, **options: Any) -> str:
    return _as_stored(element, compiler, **options)


@compiles(moment, "postgresql")
def _as_timestamp(element: moment, compiler: Any, **options: Any) -> str:
    return f"to_timestamp({_as_seconds(element, compiler, **options)})"
