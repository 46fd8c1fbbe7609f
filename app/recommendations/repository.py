"""What the service watches in the database."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.models.repository import ActiveVersion, active_version
from app.tables import Dataset, Installation, ModelVersion


class ServingState(NamedTuple):
    """What tells whether a worker serves what it should."""

    active: ActiveVersion
    ratings_revision: int
    imported: tuple[str, str, datetime] | None


def serving_state(connection: Connection) -> ServingState:
    """Read which model should be served, and how far ratings and films have changed."""
    revision = connection.execute(select(Installation.ratings_revision)).scalar_one()
    dataset = connection.execute(select(Dataset.name, Dataset.sha256, Dataset.imported_at)).first()
    imported = (dataset.name, dataset.sha256, dataset.imported_at) if dataset else None
    return ServingState(active_version(connection), revision, imported)


def checksum(connection: Connection, version: str) -> str:
    """Return the checksum that a version was published with."""
    query = select(ModelVersion.sha256).where(ModelVersion.version == version)
    return connection.execute(query).scalar_one()
