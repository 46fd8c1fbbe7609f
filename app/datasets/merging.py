"""What becomes of a rating, a seen movie or an event of a file beside those of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    text,
    true,
)

from app.datasets.staging import (
    changed_users,
    empty,
    fill,
    fill_rows,
    staged_events,
    staged_ratings,
    staged_seen,
)
from app.db.sql import moment, unix_seconds, upsert
from app.db.tables import events, ratings, seen_movies
from data.release import EVENT_KINDS


class Ratings(NamedTuple):
    """Columns of equal length, in the order of `staged_ratings`."""

    user_ids: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    stars: NDArray[np.float64]
    liked: NDArray[np.int16]
    kinds: NDArray[np.int16]
    rated_at: NDArray[np.int64]
    timed: NDArray[np.int16]


class Seen(NamedTuple):
    """Columns of equal length, in the order of `staged_seen`."""

    user_ids: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    hidden: NDArray[np.int16]
    seen_at: NDArray[np.int64]
    timed: NDArray[np.int16]


class Events(NamedTuple):
    """Columns of equal length behind `begin`, the position of the first event."""

    begin: int
    event_ids: list[str]
    user_ids: list[int]
    movie_ids: list[int]
    kinds: list[str]
    values: list[float | None]
    occurred_at: list[int]


class Written(NamedTuple):
    """How many rows were added, and how many took the place of another."""

    new: int = 0
    changed: int = 0

    def plus(self, other: Written) -> Written:
        """Add the numbers of another chunk."""
        return Written(self.new + other.new, self.changed + other.changed)


NOTHING = Written()


@contextmanager
def bulk(connection: Connection, table: Table, n_rows: int) -> Iterator[None]:
    """Make ready for so many rows, in particular where these are more than the table holds."""
    held = select(func.count()).select_from(select(table.c.user_id).limit(n_rows).subquery())
    is_large = n_rows > connection.execute(held).scalar_one()
    if connection.dialect.name == "sqlite":
        # Sorting an index once takes a fifth of the time of two million insertions into it.
        indexes = list(table.indexes) if is_large else []
        for index in indexes:
            index.drop(connection)
        yield
        for index in indexes:
            index.create(connection)
    else:
        _join_by(connection, everything=False)
        yield
        _join_by(connection, everything=True)
        if is_large:  # until autovacuum runs, the planner would assume empty tables
            connection.execute(text(f"ANALYZE users, movies, {table.name}"))


def _join_by(connection: Connection, *, everything: bool) -> None:
    """Let PostgreSQL read whole tables for a join, or look the rows of a chunk up by their keys.

    Of a table that is being filled the planner knows nothing, and would read all of it for each
    chunk: hours for 30 million ratings.
    """
    for way in ("hashjoin", "mergejoin"):
        state = "DEFAULT" if everything else "off"
        connection.execute(text(f"SET LOCAL enable_{way} TO {state}"))


def merge_ratings(connection: Connection, chunk: Ratings, *, overwrite: bool) -> Written:
    """Write ratings that are new and, with `overwrite`, those that win over the stored ones."""
    staged = staged_ratings.c
    fill(connection, staged_ratings, chunk)
    match = and_(ratings.c.user_id == staged.user_id, ratings.c.movie_id == staged.movie_id)
    written = _prune(connection, staged_ratings, match, _rating_wins() if overwrite else false())
    kind = case({place: literal(name) for place, name in enumerate(EVENT_KINDS)}, value=staged.kind)
    rows = select(
        staged.user_id, staged.movie_id, _stars(), _liked(), moment(staged.rated_at), true(), kind
    ).where(true())  # without it SQLite takes ON CONFLICT for the condition of a join
    names = ["user_id", "movie_id", "stars", "liked", "rated_at", "from_release", "implied_by"]
    insert = upsert(connection, ratings).from_select(names, rows)
    new = insert.excluded
    # On PostgreSQL a user may have rated since: what is newer than all of the file stays.
    still = or_(
        ratings.c.from_release,
        and_(ratings.c.implied_by.is_not(None), new.implied_by.is_(None)),
        new.rated_at > ratings.c.rated_at,
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["user_id", "movie_id"],
            set_={name: new[name] for name in names[2:]},
            where=still,
        )
        if overwrite
        else insert.on_conflict_do_nothing()
    )
    empty(connection, staged_ratings)
    return written


def merge_seen(connection: Connection, chunk: Seen) -> Written:
    """Write movies that were seen or hidden; the later time counts, and hidden stays hidden."""
    staged, stored = staged_seen.c, seen_movies.c
    fill(connection, staged_seen, chunk)
    match = and_(stored.user_id == staged.user_id, stored.movie_id == staged.movie_id)
    wins = or_(
        and_(staged.hidden == 1, not_(stored.hidden)),
        and_(staged.timed == 1, staged.seen_at > unix_seconds(stored.seen_at)),
    )
    written = _prune(connection, staged_seen, match, wins)
    names = ["user_id", "movie_id", "hidden", "seen_at", "from_release"]
    rows = select(
        staged.user_id, staged.movie_id, staged.hidden == 1, moment(staged.seen_at), true()
    ).where(true())
    insert = upsert(connection, seen_movies).from_select(names, rows)
    new = insert.excluded
    latest = case((new.seen_at > stored.seen_at, new.seen_at), else_=stored.seen_at)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["user_id", "movie_id"],
            set_={"hidden": or_(new.hidden, stored.hidden), "seen_at": latest},
        )
    )
    empty(connection, staged_seen)
    return written


def merge_events(connection: Connection, chunk: Events) -> list[int]:
    """Write events whose id is new; return their positions."""
    begin, *columns = chunk
    positions = range(begin, begin + len(chunk.event_ids))
    fill_rows(connection, staged_events, zip(positions, *columns, strict=True))
    staged = staged_events.c
    is_known = exists().where(events.c.event_id == staged.event_id)
    connection.execute(delete(staged_events).where(is_known))
    new = list(connection.execute(select(staged.position).order_by(staged.position)).scalars())
    rows = (
        select(
            staged.event_id,
            staged.user_id,
            staged.movie_id,
            staged.kind,
            staged.value,
            moment(staged.occurred_at),
            true(),
        )
        .where(true())
        .order_by(staged.position)
    )
    names = [
        "event_id", "user_id", "movie_id", "kind", "value", "occurred_at", "from_release",
    ]  # fmt: skip
    insert = upsert(connection, events).from_select(names, rows)
    connection.execute(insert.on_conflict_do_nothing())
    empty(connection, staged_events)
    return new


def _rating_wins() -> ColumnElement[bool]:
    """Tell whether a staged rating takes the place of the stored one.

    A given opinion wins over an implied one, else the later one. One without a time wins over
    that of another import if it differs, so that repeating an import changes nothing.
    """
    staged = staged_ratings.c
    is_given, was_given = staged.kind < 0, ratings.c.implied_by.is_(None)
    differs = or_(
        ratings.c.stars.is_distinct_from(_stars()), ratings.c.liked.is_distinct_from(_liked())
    )
    return case(
        (and_(is_given, not_(was_given)), true()),
        (and_(not_(is_given), was_given), false()),
        (staged.timed == 1, staged.rated_at > unix_seconds(ratings.c.rated_at)),
        else_=and_(ratings.c.from_release, differs),
    )


def _stars() -> ColumnElement[float | None]:
    return func.nullif(staged_ratings.c.stars, -1.0)


def _liked() -> ColumnElement[bool | None]:
    liked = staged_ratings.c.liked
    return case((liked < 0, null()), else_=liked == 1)


def _prune(
    connection: Connection, staged: Table, match: ColumnElement[bool], wins: ColumnElement[bool]
) -> Written:
    """Delete the rows that change nothing, note the users of the others, and count these."""
    connection.execute(delete(staged).where(exists().where(match, not_(wins))))
    theirs = select(staged.c.user_id).distinct().where(true())
    noted = upsert(connection, changed_users).from_select(["id"], theirs)
    connection.execute(noted.on_conflict_do_nothing())
    total = connection.execute(select(func.count()).select_from(staged)).scalar_one()
    others = select(func.count()).select_from(staged).where(exists().where(match))
    changed = connection.execute(others).scalar_one() if total else 0
    return Written(total - changed, changed)
