"""Queries of an import, but for the ratings (`app.datasets.bulk`)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
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

from app.db.sql import upsert
from app.db.tables import datasets, movies, ratings, users

# Only the transaction of the import sees these tables.
temporary = MetaData()
# The users of the release, in its order.
imported_users = Table(
    "imported_users",
    temporary,
    Column("position", Integer, primary_key=True),
    Column("key", String(128), nullable=False),
    prefixes=["TEMPORARY"],
)
# The users with ratings of the replaced release.
former_users = Table(
    "former_users",
    temporary,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)


class ImportedDataset(NamedTuple):
    """A release as the database knows it."""

    name: str
    sha256: str
    imported_at: datetime
    is_public: bool


class NamedMovie(NamedTuple):
    """A movie with what distinguishes it from another of the same id."""

    movie_id: int
    title: str
    year: int | None


def lock_imports(connection: Connection) -> None:
    """Make other imports wait for the end of this transaction; SQLite admits one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE datasets IN SHARE ROW EXCLUSIVE MODE"))


def lock_ratings(connection: Connection) -> None:
    """Make all other writers of ratings wait for the end of this transaction.

    Like them it locks movies first and ratings second, which excludes deadlocks.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE movies, ratings IN EXCLUSIVE MODE"))


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


def begin(connection: Connection) -> None:
    """Make the temporary tables; `finish` drops them."""
    temporary.create_all(connection, checkfirst=False)


def remove_ratings(connection: Connection) -> int:
    """Delete the ratings of a release and note their users."""
    theirs = exists().where(ratings.c.user_id == users.c.id, ratings.c.from_release)
    connection.execute(insert(former_users).from_select(["id"], select(users.c.id).where(theirs)))
    return connection.execute(delete(ratings).where(ratings.c.from_release)).rowcount


def remove_users_without_ratings(connection: Connection) -> int:
    """Delete the users of this or an earlier release who have no rating left."""
    return connection.execute(
        delete(users).where(
            users.c.imported_from.is_not(None), ~exists().where(ratings.c.user_id == users.c.id)
        )
    ).rowcount


def remove_movies_without_ratings(connection: Connection) -> int:
    """Delete the movies that no rating refers to."""
    return connection.execute(
        delete(movies).where(~exists().where(ratings.c.movie_id == movies.c.id))
    ).rowcount


def rated_movies(connection: Connection) -> list[NamedMovie]:
    """Return the movies that a rating refers to."""
    rows = connection.execute(
        select(movies.c.id, movies.c.title, movies.c.year)
        .where(exists().where(ratings.c.movie_id == movies.c.id))
        .order_by(movies.c.id)
    )
    return [NamedMovie(*row) for row in rows]


def count_ratings(connection: Connection, movie_id: int) -> int:
    """Return the number of ratings of a movie."""
    query = select(func.count()).select_from(ratings).where(ratings.c.movie_id == movie_id)
    return connection.execute(query).scalar_one()


def put_movies(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add movies, or bring them up to date where the database has them."""
    statement = upsert(connection, movies)
    details = ("title", "year", "genres", "imdb_id", "tmdb_id")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={name: statement.excluded[name] for name in details}
        ),
        rows,
    )


def put_users(connection: Connection, keys: Iterable[str], imported_from: str) -> NDArray[np.int64]:
    """Add the users of a release that the database does not have yet; return the id of each."""
    _fill(connection, list(enumerate(keys)))
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
    return np.fromiter(connection.execute(ids).scalars(), dtype=np.int64)


def finish(connection: Connection, revision: int) -> None:
    """Record that the ratings of these users, and of those of a replaced release, have changed."""
    theirs = or_(
        users.c.key.in_(select(imported_users.c.key)),
        users.c.id.in_(select(former_users.c.id)),
    )
    connection.execute(update(users).where(theirs).values(ratings_revision=revision))
    temporary.drop_all(connection, checkfirst=False)


def _fill(connection: Connection, rows: list[tuple[int, str]]) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO imported_users VALUES (?, ?)", rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy("COPY imported_users FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
