"""Feedback outlives a replacement of the data, where its movie and its user do.

A replacement deletes movies and users, which a moment later come back with the new release.
"""

from sqlalchemy import Connection, and_, insert, or_, select

from app.datasets.staging import staged_feedback
from app.db.sql import upsert
from app.db.tables import feedback, movies, users

_COPIED = [column.name for column in feedback.c if column.name != "user_id"]


def set_aside(connection: Connection) -> None:
    """Copy all feedback, with what tells the movies and users of the next release."""
    query = (
        select(*(feedback.c[name] for name in _COPIED), users.c.key, movies.c.title)
        .join_from(feedback, movies, movies.c.id == feedback.c.movie_id)
        .outerjoin(users, users.c.id == feedback.c.user_id)
    )
    names = [*_COPIED, "user_key", "title"]
    connection.execute(insert(staged_feedback).from_select(names, query))


def put_back(connection: Connection) -> None:
    """Restore what was deleted, of movies that are still the same and of users who are there."""
    held = staged_feedback.c
    query = (
        select(*(held[name] for name in _COPIED), users.c.id)
        .join_from(
            staged_feedback,
            movies,
            and_(movies.c.id == held.movie_id, movies.c.title == held.title),
        )
        .outerjoin(users, users.c.key == held.user_key)
        .where(or_(held.user_key.is_(None), users.c.id.is_not(None)))
    )
    again = upsert(connection, feedback).from_select([*_COPIED, "user_id"], query)
    connection.execute(again.on_conflict_do_nothing())
