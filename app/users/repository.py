"""Queries about users."""

from sqlalchemy import Connection, func, select, update

from app.database import upsert
from app.tables import Installation, User


def next_revision(connection: Connection) -> int:
    """Draw the number of a transaction that changes ratings; writers queue here until it ends.

    Call it after the ratings are changed and before `users.ratings_revision` is set: transactions
    that take their locks in one order cannot wait for each other in a circle.
    """
    return connection.execute(
        update(Installation)
        .values(ratings_revision=Installation.ratings_revision + 1)
        .returning(Installation.ratings_revision)
    ).scalar_one()


def find_id(connection: Connection, key: str) -> int | None:
    """Return the number of a user inside the database."""
    return connection.execute(select(User.id).where(User.key == key)).scalar()


def ensure(connection: Connection, key: str) -> int:
    """Return the number of a user inside the database, who is made when not known yet."""
    found = find_id(connection, key)
    if found is not None:
        return found
    # Another transaction may add the same user at this moment; either one's row will do.
    new = upsert(connection, User).values(key=key, ratings_revision=0)
    connection.execute(new.on_conflict_do_nothing())
    return connection.execute(select(User.id).where(User.key == key)).scalar_one()


def set_revision(connection: Connection, user_id: int, revision: int) -> None:
    """Record that the ratings of a user have changed."""
    connection.execute(update(User).where(User.id == user_id).values(ratings_revision=revision))


def count(connection: Connection) -> int:
    """Return the number of users."""
    return connection.execute(select(func.count()).select_from(User)).scalar_one()
