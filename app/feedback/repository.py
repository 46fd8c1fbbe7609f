"""Queries about feedback: recorded, pruned, listed, and what was shown of late."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Connection, String, delete, select, true

from app.db.many import table_of
from app.db.sql import moment, unix_seconds, upsert
from app.db.tables import feedback, movies, users
from data.movie_keys import MovieKey, public_key

# Of the list that feedback is about, in the order of `app.feedback.identity.Origin`.
ORIGIN = ("model", "scenario", "experiment", "arm")


class NewFeedback(NamedTuple):
    """Feedback to be added; `occurred_at` in Unix seconds."""

    feedback_id: str
    user_id: int | None
    movie_id: int
    kind: str
    model: str | None
    scenario: str | None
    experiment: str | None
    arm: str | None
    place: str | None
    occurred_at: int
    recorded_ms: int


class KnownFeedback(NamedTuple):
    """Feedback as it is compared with another of its id."""

    feedback_id: str
    user: str | None
    movie_id: int
    kind: str
    model: str | None
    scenario: str | None
    experiment: str | None
    arm: str | None
    place: str | None
    occurred_at: int


class ListedFeedback(NamedTuple):
    """Feedback of a user; `movie_id` is the key of the movie."""

    feedback_id: str
    movie_id: MovieKey
    kind: str
    model: str | None
    scenario: str | None
    experiment: str | None
    arm: str | None
    place: str | None
    occurred_at: datetime


def find(connection: Connection, feedback_ids: Collection[str]) -> dict[str, KnownFeedback]:
    """Return what is recorded under these ids."""
    wanted = table_of(connection, {"feedback_id": String}, ((each,) for each in feedback_ids))
    query = (
        select(
            feedback.c.feedback_id,
            users.c.key,
            feedback.c.movie_id,
            feedback.c.kind,
            *_origin(),
            feedback.c.place,
            unix_seconds(feedback.c.occurred_at),
        )
        .outerjoin(users, users.c.id == feedback.c.user_id)
        .where(feedback.c.feedback_id.in_(select(wanted.c.feedback_id)))
    )
    return {row[0]: KnownFeedback(*row) for row in connection.execute(query).all()}


def add(connection: Connection, new: Iterable[NewFeedback]) -> set[str]:
    """Record feedback; return the ids of that which nobody has recorded before."""
    texts = dict.fromkeys(("kind", *ORIGIN, "place"), String)
    numbers = {"user_id": BigInteger, "movie_id": BigInteger}
    times = {"occurred_at": BigInteger, "recorded_ms": BigInteger}
    names = ["feedback_id", *numbers, *texts, *times]
    rows = table_of(connection, {"feedback_id": String, **numbers, **texts, **times}, new)
    values = [moment(rows.c[each]) if each == "occurred_at" else rows.c[each] for each in names]
    # In one order: two transactions that write the same rows wait, without a deadlock.
    query = select(*values).where(true()).order_by(rows.c.feedback_id)
    insert = upsert(connection, feedback).from_select(names, query).on_conflict_do_nothing()
    return set(connection.execute(insert.returning(feedback.c.feedback_id)).scalars().all())


def shown_since(
    connection: Connection, user: str, scenario: str, since: datetime, until: datetime
) -> NDArray[np.int64]:
    """Return the movies of a scenario that a user was shown since a moment, by rising id.

    Feedback of every kind counts: what was clicked was shown. That which was recorded at `until` or
    later does not, so that the pages of a list that was made then all leave out the same movies.
    """
    query = (
        select(feedback.c.movie_id)
        .join(users, users.c.id == feedback.c.user_id)
        .where(
            users.c.key == user,
            feedback.c.scenario == scenario,
            feedback.c.occurred_at >= since,
            feedback.c.recorded_ms < int(until.timestamp() * 1000),
        )
        .distinct()
        .order_by(feedback.c.movie_id)
    )
    return np.array(connection.execute(query).scalars().all(), dtype=np.int64)


def of_user(connection: Connection, user: str) -> list[ListedFeedback]:
    """Return all feedback of a user, the latest first."""
    query = (
        select(
            feedback.c.feedback_id,
            feedback.c.movie_id,
            movies.c.key,
            feedback.c.kind,
            *_origin(),
            feedback.c.place,
            feedback.c.occurred_at,
        )
        .join(users, users.c.id == feedback.c.user_id)
        .join(movies, movies.c.id == feedback.c.movie_id)
        .where(users.c.key == user)
        .order_by(feedback.c.occurred_at.desc(), feedback.c.feedback_id.desc())
    )
    return [
        ListedFeedback(name, public_key(id_, key), *others)
        for name, id_, key, *others in connection.execute(query).all()
    ]


def any_before(connection: Connection, at: datetime) -> bool:
    """Tell whether there is feedback of a time before this one."""
    query = select(feedback.c.feedback_id).where(feedback.c.occurred_at < at).limit(1)
    return connection.execute(query).first() is not None


def remove_before(connection: Connection, at: datetime, at_most: int) -> int:
    """Delete feedback of a time before this one; return how much."""
    expired = (
        select(feedback.c.feedback_id)
        .where(feedback.c.occurred_at < at)
        .limit(at_most)
        .with_for_update(skip_locked=True)  # of PostgreSQL: another worker removes these
    )
    return connection.execute(
        delete(feedback).where(feedback.c.feedback_id.in_(expired.scalar_subquery()))
    ).rowcount


def _origin() -> list[Any]:
    return [feedback.c[name] for name in ORIGIN]
