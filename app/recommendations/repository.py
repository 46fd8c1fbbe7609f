"""What the service watches in the database."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.models.repository import ActiveVersion, active_version
from app.tables import datasets, installation


class ServingState(NamedTuple):
    """What tells whether a worker serves what it should."""

    active: ActiveVersion
    ratings_revision: int
    imported: tuple[str, str, datetime] | None
    movies_revision: int


def serving_state(connection: Connection) -> ServingState:
    """Read which model should be served, and how far ratings and films have changed."""
    revision, movies_revision = connection.execute(
        select(installation.c.ratings_revision, installation.c.movies_revision)
    ).one()
    dataset = connection.execute(
        select(datasets.c.name, datasets.c.sha256, datasets.c.imported_at)
    ).first()
    imported = (dataset.name, dataset.sha256, dataset.imported_at) if dataset else None
    return ServingState(active_version(connection), revision, imported, movies_revision)
