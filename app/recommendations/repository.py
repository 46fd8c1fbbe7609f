"""What the service watches in the database."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from app.models.repository import ActiveVersion, active_version
from app.ratings.repository import Person, liked
from app.tables import Dataset, Installation, Rating, User


class ServingState(NamedTuple):
    """What tells whether a worker serves what it should."""

    active: ActiveVersion
    ratings_revision: int
    imported: tuple[str, str, datetime] | None
    movies_revision: int


def serving_state(connection: Connection) -> ServingState:
    """Read which model should be served, and how far ratings and films have changed."""
    revision, movies_revision = connection.execute(
        select(Installation.ratings_revision, Installation.movies_revision)
    ).one()
    dataset = connection.execute(select(Dataset.name, Dataset.sha256, Dataset.imported_at)).first()
    imported = (dataset.name, dataset.sha256, dataset.imported_at) if dataset else None
    return ServingState(active_version(connection), revision, imported, movies_revision)


def find_people(
    connection: Connection, keys: Sequence[str], like_threshold: float
) -> dict[str, Person]:
    """Return the opinions of several users in one query, without those who never rated."""
    query = (
        select(User.key, User.ratings_revision, Rating.movie_id, liked(like_threshold))
        .outerjoin(Rating, Rating.user_id == User.id)
        .where(User.key.in_(set(keys)))
        .order_by(User.id, Rating.movie_id)
    )
    people: dict[str, Person] = {}
    for key, rows in groupby(connection.execute(query), key=lambda row: row[0]):
        opinions = list(rows)
        rated = [row for row in opinions if row[2] is not None]
        people[key] = Person(
            revision=opinions[0][1],
            movie_ids=np.array([row[2] for row in rated], dtype=np.int64),
            liked=np.array([row[3] for row in rated], dtype=np.bool_),
        )
    return people
