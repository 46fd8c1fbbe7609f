"""What the database holds as rows of a file that `import` reads, in an order of its own.

Rows are ordered by keys alone, so databases with the same content give the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select

from app.datasets.contents import Content
from app.db.sql import unix_seconds
from app.db.tables import audit_log, events, feedback, movies, ratings, users
from app.events.rule import FIXED, Meaning
from data.movie_keys import MovieKey, public_key

# Rows that are Python objects at one time: a few MB.
CHUNK = 10_000
STARS = [kind for kind, meaning in FIXED.items() if meaning is Meaning.STARS]


class Table(NamedTuple):
    """The names of the columns, the query, and what makes a row of the file of one of it."""

    columns: Sequence[str]
    query: Callable[[str], Select[*tuple[Any, ...]]]  # takes the dialect
    row: Callable[[Any], tuple[Any, ...]]


def rows(connection: Connection, content: Content) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows in chunks."""
    table = TABLES[content]
    query = table.query(connection.dialect.name)
    # On PostgreSQL a cursor in the server: otherwise the driver would hold all rows.
    result = connection.execution_options(yield_per=CHUNK).execute(query)
    for part in result.partitions():
        yield [table.row(row) for row in part]


def _bytewise(column: ColumnElement[str], dialect: str) -> ColumnElement[str]:
    """Order texts by their bytes in UTF-8, as SQLite does anyway."""
    return column.collate("C") if dialect == "postgresql" else column


def _ratings(dialect: str) -> Select[*tuple[Any, ...]]:
    """Select the opinions that users gave; those that events imply follow from the events."""
    return (
        select(
            users.c.key.label("user"),
            movies.c.id,
            movies.c.key,
            ratings.c.stars,
            ratings.c.liked,
            unix_seconds(ratings.c.rated_at).label("rated_at"),
        )
        .join_from(ratings, users, users.c.id == ratings.c.user_id)
        .join(movies, movies.c.id == ratings.c.movie_id)
        .where(ratings.c.implied_by.is_(None))
        .order_by(_bytewise(users.c.key, dialect), movies.c.id)
    )


def _movies(_: str) -> Select[*tuple[Any, ...]]:
    return select(movies).order_by(movies.c.id)


def _users(dialect: str) -> Select[*tuple[Any, ...]]:
    given = select(func.count()).where(
        ratings.c.user_id == users.c.id, ratings.c.implied_by.is_(None)
    )
    happened = select(func.count()).where(events.c.user_id == users.c.id)
    return select(
        users.c.key,
        given.correlate(users).scalar_subquery().label("ratings"),
        happened.correlate(users).scalar_subquery().label("events"),
    ).order_by(_bytewise(users.c.key, dialect))


def _events(dialect: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            events.c.event_id,
            users.c.key.label("user"),
            movies.c.id,
            movies.c.key,
            events.c.kind,
            events.c.value,
            unix_seconds(events.c.occurred_at).label("occurred_at"),
        )
        .join_from(events, users, users.c.id == events.c.user_id)
        .join(movies, movies.c.id == events.c.movie_id)
        .order_by(
            _bytewise(users.c.key, dialect),
            events.c.occurred_at,
            _bytewise(events.c.event_id, dialect),
        )
    )


def _audit(_: str) -> Select[*tuple[Any, ...]]:
    moment = unix_seconds(audit_log.c.at).label("at")
    columns = (audit_log.c.who, audit_log.c.action, audit_log.c.subject, audit_log.c.detail)
    return select(moment, *columns).order_by(audit_log.c.id)


def _feedback(dialect: str) -> Select[*tuple[Any, ...]]:
    """Select all feedback by time; that of no user is of ratings that came with a request."""
    columns = feedback.c
    origin = (columns.model, columns.scenario, columns.experiment, columns.arm, columns.place)
    return (
        select(
            columns.feedback_id,
            users.c.key.label("user"),
            movies.c.id,
            movies.c.key,
            columns.kind,
            *origin,
            unix_seconds(columns.occurred_at).label("occurred_at"),
        )
        .join_from(feedback, movies, movies.c.id == columns.movie_id)
        .outerjoin(users, users.c.id == columns.user_id)
        .order_by(columns.occurred_at, _bytewise(columns.feedback_id, dialect))
    )


def _rating_row(row: Any) -> tuple[Any, ...]:
    return row.user, public_key(row.id, row.key), row.stars, row.liked, row.rated_at


def _movie_row(row: Any) -> tuple[Any, ...]:
    key: MovieKey = public_key(row.id, row.key)
    # PostgreSQL keeps no order of the names.
    attributes = dict(sorted(row.attributes.items())) if row.attributes else None
    window = (row.available_from, row.available_until)
    bounds = (None if at is None else int(at.timestamp()) for at in window)
    details = (row.title, row.year, row.genres, row.imdb_id, row.tmdb_id, attributes)
    return key, *details, row.withdrawn, *bounds


def _audit_row(row: Any) -> tuple[Any, ...]:
    *others, detail = row
    return *others, dict(sorted(detail.items())) if detail else None


def _event_row(row: Any) -> tuple[Any, ...]:
    stars, share = (row.value, None) if row.kind in STARS else (None, row.value)
    key = public_key(row.id, row.key)
    return row.event_id, row.user, key, row.kind, stars, share, row.occurred_at


def _feedback_row(row: Any) -> tuple[Any, ...]:
    feedback_id, user, id_, key, *others = row
    return feedback_id, user, public_key(id_, key), *others


TABLES = {
    Content.RATINGS: Table(
        ("user", "movie", "rating", "liked", "timestamp"), _ratings, _rating_row
    ),
    Content.MOVIES: Table(
        (
            "movie",
            "title",
            "year",
            "genres",
            "imdb_id",
            "tmdb_id",
            "attributes",
            "withdrawn",
            "available_from",
            "available_until",
        ),
        _movies,
        _movie_row,
    ),
    Content.USERS: Table(("user", "ratings", "events"), _users, tuple),
    Content.EVENTS: Table(
        ("event_id", "user", "movie", "kind", "rating", "value", "timestamp"), _events, _event_row
    ),
    Content.FEEDBACK: Table(
        (
            "feedback_id",
            "user",
            "movie",
            "kind",
            "model",
            "scenario",
            "experiment",
            "arm",
            "place",
            "timestamp",
        ),
        _feedback,
        _feedback_row,
    ),
    Content.AUDIT: Table(("timestamp", "who", "action", "subject", "detail"), _audit, _audit_row),
}
