"""Queries about experiments, and about the feedback on their lists."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, exists, func, insert, select, update

from app.db.sql import now, unix_seconds
from app.db.tables import experiments, feedback, users
from app.live.rules import RUNNING, STOPPED

DAY_S = 86_400


class Count(NamedTuple):
    """Users whose first list of an arm came on one day of the experiment, the first being 0."""

    arm: str
    day: int
    is_over: bool  # the time in which they could be successful
    users: int
    successes: int


def find(connection: Connection, name: str) -> Row[Any] | None:
    """Return an experiment, None if there is none of this name."""
    return connection.execute(select(experiments).where(experiments.c.name == name)).first()


def read_all(connection: Connection) -> Sequence[Row[Any]]:
    """Return all experiments, the latest first."""
    order = (experiments.c.begun_at.desc(), experiments.c.name)
    return connection.execute(select(experiments).order_by(*order)).all()


def add(connection: Connection, name: str, definition: dict[str, Any], salt: str) -> None:
    """Begin an experiment."""
    values = {"name": name, "definition": definition, "salt": salt, "state": RUNNING}
    connection.execute(insert(experiments).values(**values, begun_at=now(connection)))


def end(connection: Connection, experiment: Row[Any], winner: str | None) -> None:
    """Stop an experiment, or record the winner of one that is stopped."""
    ended_at = experiment.ended_at or now(connection)
    statement = update(experiments).where(experiments.c.name == experiment.name)
    connection.execute(statement.values(state=STOPPED, ended_at=ended_at, winner=winner))


def count(
    connection: Connection, experiment: Row[Any], metric: str, days: int, at: datetime
) -> list[Count]:
    """Count users by arm and by the day of their first list; a later list changes nothing."""
    shown = (
        feedback.c.experiment == experiment.name,
        feedback.c.kind == "shown",
        feedback.c.user_id.is_not(None),
        feedback.c.occurred_at.between(experiment.begun_at, experiment.ended_at or at),
    )
    first = (
        select(
            feedback.c.user_id,
            feedback.c.arm,
            func.min(unix_seconds(feedback.c.occurred_at)).label("at"),
        )
        .where(*shown)
        .group_by(feedback.c.user_id, feedback.c.arm)
        .subquery()
    )
    later = feedback.alias()
    until = first.c.at + days * DAY_S
    success = exists().where(
        later.c.user_id == first.c.user_id,
        later.c.experiment == experiment.name,
        later.c.arm == first.c.arm,
        later.c.kind == metric,
        unix_seconds(later.c.occurred_at) >= first.c.at,
        unix_seconds(later.c.occurred_at) < until,
    )
    begin = int(experiment.begun_at.timestamp())
    groups = (
        first.c.arm.label("arm"),
        ((first.c.at - begin) // DAY_S).label("day"),
        (until < int(at.timestamp())).label("is_over"),
    )
    rated = select(*groups, case((success, 1), else_=0).label("success")).subquery()
    keys = (rated.c.arm, rated.c.day, rated.c.is_over)
    query = select(*keys, func.count(), func.sum(rated.c.success)).group_by(*keys)
    rows: list[Any] = list(connection.execute(query))
    return [Count(arm, day, bool(is_over), n, k) for arm, day, is_over, n, k in rows]


def latest_users(connection: Connection, experiment: str, limit: int) -> list[tuple[int, str]]:
    """Return id and key of the users who were shown a list of an experiment last."""
    latest = func.max(feedback.c.occurred_at)
    query = (
        select(users.c.id, users.c.key)
        .join(feedback, feedback.c.user_id == users.c.id)
        .where(feedback.c.experiment == experiment, feedback.c.kind == "shown")
        .group_by(users.c.id, users.c.key)
        .order_by(latest.desc(), users.c.id)
        .limit(limit)
    )
    return [(user_id, key) for user_id, key in connection.execute(query)]


def clicked(
    connection: Connection, experiment: str, user_ids: Collection[int]
) -> dict[int, set[int]]:
    """Return the ids of the movies that each user clicked in lists of an experiment."""
    query = select(feedback.c.user_id, feedback.c.movie_id).where(
        feedback.c.experiment == experiment,
        feedback.c.kind == "clicked",
        feedback.c.user_id.in_(user_ids),
    )
    found: dict[int, set[int]] = {user_id: set() for user_id in user_ids}
    rows: list[Any] = list(connection.execute(query))
    for user_id, movie_id in rows:
        found[user_id].add(movie_id)
    return found
