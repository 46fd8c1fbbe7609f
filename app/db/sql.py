"""Expressions that several repositories share, for either database."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import BindParameter, ColumnElement, Connection, Table, func, select
from sqlalchemy.dialects import sqlite

from app.db.tables import ratings

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def now(connection: Connection) -> datetime:
    """Return the time of the database, the one clock that all processes share."""
    if connection.dialect.name == "sqlite":  # it is in this process
        return datetime.now(UTC)
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def upsert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Begin an INSERT that can say ON CONFLICT; both databases do, each in its own class."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - SQLite does without it

    return postgresql.insert(table)


def liked(like_threshold: float | BindParameter[float]) -> ColumnElement[bool]:
    """Give the expression for like (true) or dislike (false): by the stars where there are any."""
    return func.coalesce(ratings.c.stars >= like_threshold, ratings.c.liked)
