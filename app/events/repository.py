"""Queries about events and what follows from them; each of thousands of rows at once."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Double,
    String,
    Subquery,
    false,
    func,
    or_,
    select,
    true,
)

from app.db.many import table_of
from app.db.sql import moment, unix_seconds, upsert
from app.db.tables import events, movies, ratings, seen_movies, users
from data.movie_keys import MovieKey, public_key

# Rows are written in the order of the key of their table, so that two transactions that write the
# same ones wait for each other, without a deadlock.
USER, MOVIE, TIME = {"user_id": BigInteger}, {"movie_id": BigInteger}, {"at": BigInteger}


class NewEvent(NamedTuple):
    """An event to be added; `occurred_at` in Unix seconds."""

    event_id: str
    user_id: int
    movie_id: int
    kind: str
    value: float | None
    occurred_at: int


class Opinion(NamedTuple):
    """What follows from an event for a rating: stars, or a like or dislike."""

    user_id: int
    movie_id: int
    stars: float | None
    liked: bool | None
    rated_at: int
    implied_by: str | None  # None for an opinion that was given


class Sighting(NamedTuple):
    """A movie that is not shown again."""

    user_id: int
    movie_id: int
    hidden: bool
    seen_at: int


class KnownEvent(NamedTuple):
    """An event as it is compared with another of its id."""

    event_id: str
    user: str
    movie_id: int
    kind: str
    value: float | None
    occurred_at: int


class ListedEvent(NamedTuple):
    """An event of a user; `movie_id` is the key of the movie."""

    event_id: str
    movie_id: MovieKey
    kind: str
    value: float | None
    occurred_at: datetime


def find(connection: Connection, event_ids: Collection[str]) -> dict[str, KnownEvent]:
    """Return those of the events that are recorded, by their ids."""
    wanted = table_of(connection, {"event_id": String}, ((event_id,) for event_id in event_ids))
    query = (
        select(
            events.c.event_id,
            users.c.key,
            events.c.movie_id,
            events.c.kind,
            events.c.value,
            unix_seconds(events.c.occurred_at),
        )
        .join(users, users.c.id == events.c.user_id)
        .where(events.c.event_id.in_(select(wanted.c.event_id)))
    )
    return {row[0]: KnownEvent(*row) for row in connection.execute(query).all()}


def add(connection: Connection, new: Iterable[NewEvent]) -> set[str]:
    """Record events; return the ids of those that nobody has recorded before."""
    columns = {"event_id": String, **USER, **MOVIE, "kind": String, "value": Double, **TIME}
    rows = table_of(connection, columns, new)
    names = ["event_id", "user_id", "movie_id", "kind", "value", "occurred_at", "from_release"]
    values = [*list(rows.c)[:-1], moment(rows.c.at), false()]
    query = select(*values).where(true()).order_by(rows.c.event_id)
    insert = upsert(connection, events).from_select(names, query).on_conflict_do_nothing()
    return set(connection.execute(insert.returning(events.c.event_id)).scalars().all())


def put_opinions(connection: Connection, opinions: Iterable[Opinion]) -> None:
    """Create or replace ratings of different users and movies, unless a stronger one is there.

    A given opinion is stronger than an implied one, and of two others the later one.
    """
    columns = {**USER, **MOVIE, "stars": Double, "liked": Boolean, **TIME, "implied_by": String}
    rows = table_of(connection, columns, opinions)
    names = ["user_id", "movie_id", "stars", "liked", "implied_by", "rated_at", "from_release"]
    values = [*(rows.c[name] for name in names[:5]), moment(rows.c.at), false()]
    insert = upsert(connection, ratings).from_select(names, _ordered(rows, values))
    new = insert.excluded
    is_later = new.rated_at >= ratings.c.rated_at
    both_given = new.implied_by.is_(None) & ratings.c.implied_by.is_(None)
    was_implied = ratings.c.implied_by.is_not(None)
    wins = or_(
        was_implied & new.implied_by.is_(None),
        is_later & or_(both_given, was_implied),
    )
    changed = {name: new[name] for name in names[2:]}
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["user_id", "movie_id"], set_=changed, where=wins
        )
    )


def put_seen(connection: Connection, sightings: Iterable[Sighting]) -> None:
    """Mark movies as seen by different users; what was hidden once stays hidden."""
    rows = table_of(connection, {**USER, **MOVIE, "hidden": Boolean, **TIME}, sightings)
    names = ["user_id", "movie_id", "hidden", "seen_at", "from_release"]
    values = [*(rows.c[name] for name in names[:3]), moment(rows.c.at), false()]
    insert = upsert(connection, seen_movies).from_select(names, _ordered(rows, values))
    before, new = seen_movies.c, insert.excluded
    later = func.max if connection.dialect.name == "sqlite" else func.greatest
    changed = {
        "hidden": or_(before.hidden, new.hidden),
        "seen_at": later(before.seen_at, new.seen_at),
        "from_release": false(),
    }
    connection.execute(
        insert.on_conflict_do_update(index_elements=["user_id", "movie_id"], set_=changed)
    )


def page(
    connection: Connection,
    user: str,
    kinds: Collection[str],
    *,
    until: datetime | None = None,
    skip: int = 0,
    limit: int | None = None,
) -> list[ListedEvent]:
    """Return events of a user, the latest first; `skip` leaves out the first at or before `until`.

    Without kinds, those of all.
    """
    query = (
        select(
            events.c.event_id,
            events.c.movie_id,
            movies.c.key,
            events.c.kind,
            events.c.value,
            events.c.occurred_at,
        )
        .join(users, users.c.id == events.c.user_id)
        .join(movies, movies.c.id == events.c.movie_id)
        .where(users.c.key == user)
        .order_by(events.c.occurred_at.desc(), events.c.event_id.desc())
    )
    if kinds:
        query = query.where(events.c.kind.in_(kinds))
    if until is not None:
        query = query.where(events.c.occurred_at <= until)
    rows = connection.execute(query.offset(skip).limit(limit)).all()
    return [
        ListedEvent(name, public_key(id_, key), kind, value, at)
        for name, id_, key, kind, value, at in rows
    ]


def _ordered(rows: Subquery, values: Sequence[ColumnElement[Any]]) -> Any:
    # SQLite takes the ON of an upsert for that of a join, if no WHERE is in between.
    return select(*values).where(true()).order_by(rows.c.user_id, rows.c.movie_id)
