"""Queries about users."""

import hmac
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    String,
    delete,
    insert,
    literal,
    select,
    text,
    true,
    update,
)

from app.db.many import table_of
from app.db.model_versions import holdout_salt
from app.db.sql import upsert
from app.db.tables import erasures, installation, users


def next_revision(connection: Connection) -> int:
    """Take the next number of a change of ratings; other writers wait here for this transaction.

    Call it after the ratings are changed and before `users.ratings_revision` is set: one order of
    locks in all transactions means no deadlock.
    """
    return connection.execute(
        update(installation)
        .values(ratings_revision=installation.c.ratings_revision + 1)
        .returning(installation.c.ratings_revision)
    ).scalar_one()


def find(connection: Connection, key: str) -> Row[Any] | None:
    """Return all that is stored about a user apart from the ratings."""
    return connection.execute(select(users).where(users.c.key == key)).first()


def lock(connection: Connection, key: str) -> int | None:
    """Return the database id of a user, locked against deletion until the transaction ends."""
    query = select(users.c.id).where(users.c.key == key)
    return connection.execute(query.with_for_update(read=True, key_share=True)).scalar()


def ensure(connection: Connection, key: str) -> int:
    """Return the database id of a user, and create the user if unknown; locked like `lock`."""
    new = upsert(connection, users).values(key=key, ratings_revision=0).on_conflict_do_nothing()
    while True:  # another transaction may add or erase the same user at this moment
        found = lock(connection, key)
        if found is not None:
            return found
        connection.execute(new)


def ensure_all(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Return the database ids of different users by their keys; as `ensure` for each of them."""
    wanted = table_of(connection, {"key": String}, ((key,) for key in keys))
    query = select(users.c.key, users.c.id).where(users.c.key.in_(select(wanted.c.key)))
    query = query.order_by(users.c.id).with_for_update(read=True, key_share=True)
    # In one order everywhere: two transactions that add the same users wait, without a deadlock.
    rows = select(wanted.c.key, literal(0)).where(true()).order_by(wanted.c.key)
    new = upsert(connection, users).from_select(["key", "ratings_revision"], rows)
    while True:
        found = {key: user_id for key, user_id in connection.execute(query).all()}  # noqa: C416
        if len(found) == len(keys):
            return found
        connection.execute(new.on_conflict_do_nothing())


def erase(connection: Connection, key: str, erased_at: datetime) -> bool:
    """Delete a user with all ratings, and record a hash by which a restore recognises the user.

    False for an unknown user.
    """
    if connection.dialect.name == "postgresql":
        # An import takes its revision before it changes users: without this lock, a deadlock.
        connection.execute(text("LOCK TABLE datasets IN ROW EXCLUSIVE MODE"))
    if not connection.execute(delete(users).where(users.c.key == key)).rowcount:
        return False
    revision = next_revision(connection)
    connection.execute(
        insert(erasures).values(
            erased_at=erased_at,
            ratings_revision=revision,
            key_hmac=key_hmac(holdout_salt(connection), key),
        )
    )
    return True


def key_hmac(salt: str, key: str) -> str:
    """Return the hash of an erased user's key."""
    return hmac.digest(salt.encode(), b"erased user " + key.encode(), "sha256").hex()


def erased_since(connection: Connection, revision: int) -> bool:
    """Tell whether a user was erased after the ratings had this revision."""
    query = select(erasures.c.id).where(erasures.c.ratings_revision > revision).limit(1)
    return connection.execute(query).first() is not None


def advance_revision(connection: Connection, user_id: int) -> None:
    """Record that the ratings of a user have changed."""
    revision = next_revision(connection)
    connection.execute(update(users).where(users.c.id == user_id).values(ratings_revision=revision))


def advance_revisions(connection: Connection, user_ids: Collection[int]) -> None:
    """Record that the ratings of several users have changed, as one change."""
    revision = next_revision(connection)
    changed = table_of(connection, {"id": BigInteger}, ((user_id,) for user_id in user_ids))
    theirs = users.c.id.in_(select(changed.c.id))
    connection.execute(update(users).where(theirs).values(ratings_revision=revision))
