"""Queries of an import, but for what is merged (`app.datasets.merging`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    update,
)

from app.datasets.staging import changed_users, fill_rows, imported_users
from app.db.sql import upsert
from app.db.tables import datasets, events, movies, ratings, seen_movies, users

_OF_USERS = (ratings, seen_movies, events)
# A movie that comes again with other data is not in lists again because of that.
_IS_LIMITED = or_(
    movies.c.withdrawn, movies.c.available_from.is_not(None), movies.c.available_until.is_not(None)
)


class ImportedDataset(NamedTuple):
    """The release that the database began with; files that were added later are not recorded.

    `is_public` is false as soon as a file was added: its users are nobody else's business.
    """

    name: str
    sha256: str
    imported_at: datetime
    is_public: bool


def lock_imports(connection: Connection) -> None:
    """Make other imports wait for the end of this transaction; SQLite admits one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE datasets IN SHARE ROW EXCLUSIVE MODE"))


def lock_ratings(connection: Connection) -> None:
    """Make all other writers of ratings wait for the end of this transaction.

    Like them it locks movies first and ratings second, which excludes deadlocks.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("LOCK TABLE movies, ratings, seen_movies, events IN EXCLUSIVE MODE")
        )


def imported_dataset(connection: Connection) -> ImportedDataset | None:
    """Return the release that the database holds."""
    row = connection.execute(
        select(datasets.c.name, datasets.c.sha256, datasets.c.imported_at, datasets.c.is_public)
    ).first()
    return None if row is None else ImportedDataset(*row)


def add(connection: Connection, dataset: ImportedDataset) -> None:
    """Record the release that the database holds from now on."""
    connection.execute(delete(datasets))
    connection.execute(insert(datasets).values(**dataset._asdict()))


def count_by_origin(connection: Connection) -> tuple[int, int]:
    """Return the number of ratings that came with imports, and of those given otherwise."""
    imported = func.coalesce(func.sum(case((ratings.c.from_release, 1), else_=0)), 0)
    n_imported, n_ratings = connection.execute(
        select(imported, func.count(ratings.c.user_id))
    ).one()
    return n_imported, n_ratings - n_imported


def remove_imported(connection: Connection) -> int:
    """Delete all that came with imports, and note whose ratings and seen movies these were.

    Users and movies stay where something else refers to them, and movies that are withdrawn or have
    a window. Returns the number of ratings.
    """
    removed = []
    for table in (ratings, seen_movies, events):
        if table is not events:
            theirs = select(table.c.user_id).distinct().where(table.c.from_release)
            noted = upsert(connection, changed_users).from_select(["id"], theirs)
            connection.execute(noted.on_conflict_do_nothing())
        removed.append(connection.execute(delete(table).where(table.c.from_release)).rowcount)
    is_known = or_(*(exists().where(table.c.user_id == users.c.id) for table in _OF_USERS))
    connection.execute(delete(users).where(users.c.imported_from.is_not(None), ~is_known))
    is_referred_to = or_(*(exists().where(table.c.movie_id == movies.c.id) for table in _OF_USERS))
    connection.execute(delete(movies).where(~is_referred_to, ~_IS_LIMITED))
    return removed[0]


def kept_movies(connection: Connection) -> set[int]:
    """Return the movies that stay when all that came with imports goes."""
    kept = set(connection.execute(select(movies.c.id).where(_IS_LIMITED)).scalars())
    for table in _OF_USERS:
        query = select(table.c.movie_id).distinct().where(~table.c.from_release)
        kept.update(connection.execute(query).scalars())
    return kept


def rated_movies(connection: Connection) -> set[int]:
    """Return the movies that a rating refers to."""
    return set(connection.execute(select(ratings.c.movie_id).distinct()).scalars())


def count_ratings(connection: Connection, movie_id: int) -> int:
    """Return the number of ratings of a movie."""
    query = select(func.count()).select_from(ratings).where(ratings.c.movie_id == movie_id)
    return connection.execute(query).scalar_one()


def put_users(connection: Connection, keys: Sequence[str], imported_from: str) -> list[int]:
    """Add the users of a release that the database does not have yet; return the id of each."""
    fill_rows(connection, imported_users, enumerate(keys))
    # In the order of the release: training reads users by their id, on either database.
    new = (
        select(imported_users.c.key, literal(0), literal(imported_from))
        .where(true())  # without it SQLite takes ON CONFLICT for the condition of a join
        .order_by(imported_users.c.position)
    )
    added = upsert(connection, users).from_select(["key", "ratings_revision", "imported_from"], new)
    connection.execute(added.on_conflict_do_nothing())
    ids = (
        select(users.c.id)
        .join(imported_users, imported_users.c.key == users.c.key)
        .order_by(imported_users.c.position)
    )
    return list(connection.execute(ids).scalars())


def note_new_users(connection: Connection) -> int:
    """Note the users whom this import has added; return their number."""
    is_named = users.c.key.in_(select(imported_users.c.key))
    new = select(users.c.id).where(is_named, users.c.ratings_revision == 0)
    n_users = connection.execute(select(func.count()).select_from(new.subquery())).scalar_one()
    noted = upsert(connection, changed_users).from_select(["id"], new)
    connection.execute(noted.on_conflict_do_nothing())
    return n_users


def has_changed_users(connection: Connection) -> bool:
    """Tell whether the ratings or seen movies of anybody have changed."""
    return connection.execute(select(changed_users.c.id).limit(1)).first() is not None


def set_revision(connection: Connection, revision: int) -> None:
    """Record that the ratings of these users have changed."""
    theirs = users.c.id.in_(select(changed_users.c.id))
    connection.execute(update(users).where(theirs).values(ratings_revision=revision))
