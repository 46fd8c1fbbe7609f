"""Queries of nightly lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, delete, func, insert, select

from app.db.many import table_of
from app.db.sql import now
from app.db.tables import nightly_lists, users
from app.nightly.lists import Row
from data.movie_keys import movie_id

# Rows of one statement.
ROWS = 5_000


class Changed(NamedTuple):
    """The users with an id above `after`, and only those who changed after a revision.

    With an `until`, only those with an id of at most so much.
    """

    after: int = 0
    revision: int = -1
    until: int | None = None


def count(connection: Connection, changed: Changed) -> int:
    """Count the users."""
    return connection.execute(select(func.count()).where(*_chosen(changed))).scalar_one()


def next_users(connection: Connection, changed: Changed, limit: int) -> list[tuple[int, str]]:
    """Return id and key of the first users by id."""
    query = select(users.c.id, users.c.key).where(*_chosen(changed)).order_by(users.c.id)
    return [(row[0], row[1]) for row in connection.execute(query.limit(limit))]


def replace(
    connection: Connection, scenario: str | None, lists: Sequence[tuple[int, Sequence[Row]]]
) -> None:
    """Replace the lists of users, given by their ids; of users who were erased there is none."""
    ids = table_of(connection, {"id": BigInteger}, ((user_id,) for user_id, _ in lists))
    query = select(users.c.id).where(users.c.id.in_(select(ids.c.id)))
    there = set(connection.execute(query.with_for_update(read=True, key_share=True)).scalars())
    connection.execute(
        delete(nightly_lists).where(
            nightly_lists.c.scenario == (scenario or ""),
            nightly_lists.c.user_id.in_(select(ids.c.id)),
        )
    )
    same = {"scenario": scenario or "", "made_at": now(connection)}
    rows = [
        {
            **same, "user_id": user_id, "position": row.position, "movie_id": movie_id(row.movie),
            "score": row.score, "like_probability": row.like_probability, "source": row.source,
            "recommendation_id": row.recommendation_id,
        }
        for user_id, movies in lists
        for row in movies
        if user_id in there
    ]  # fmt: skip
    for begin in range(0, len(rows), ROWS):
        connection.execute(insert(nightly_lists), rows[begin : begin + ROWS])


def _chosen(changed: Changed) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [users.c.id > changed.after]
    if changed.revision >= 0:
        chosen.append(users.c.ratings_revision > changed.revision)
    if changed.until is not None:
        chosen.append(users.c.id <= changed.until)
    return chosen
