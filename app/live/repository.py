"""What the service watches in the database."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.db.model_versions import ActiveVersion, active_version
from app.db.sql import now
from app.db.tables import datasets, installation
from app.live import counts
from app.live.counts import Basis, Generation, Imported


class ServingState(NamedTuple):
    """What tells whether a worker serves what it should."""

    active: ActiveVersion
    ratings_revision: int
    imported: Imported | None
    movies_revision: int
    counted: Generation | None
    now: datetime  # by the clock of the database

    def basis(self, like_threshold: float) -> Basis:
        """Say what counts are made of that are made now."""
        return Basis(self.ratings_revision, self.imported, like_threshold)


def serving_state(connection: Connection) -> ServingState:
    """Read which model should be served, and how far ratings, movies and counts have changed."""
    revision, movies_revision = connection.execute(
        select(installation.c.ratings_revision, installation.c.movies_revision)
    ).one()
    dataset = connection.execute(select(datasets.c.sha256, datasets.c.imported_at)).first()
    return ServingState(
        active=active_version(connection),
        ratings_revision=revision,
        imported=(dataset.sha256, dataset.imported_at) if dataset else None,
        movies_revision=movies_revision,
        counted=counts.find_generation(connection),
        now=now(connection),
    )
