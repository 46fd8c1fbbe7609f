"""The query that a running service polls."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.db.model_versions import ActiveVersion, active_version
from app.db.sql import now
from app.db.tables import datasets, installation
from app.live import counts
from app.live.counts import Basis, Generation, Imported


class ServingState(NamedTuple):
    """The state of the database that decides what a worker serves."""

    active: ActiveVersion
    ratings_revision: int
    imported: Imported | None
    movies_revision: int
    rules_revision: int
    counted: Generation | None
    now: datetime  # clock of the database

    def basis(self, like_threshold: float, recent_share: float) -> Basis:
        """Return the basis of counts that are made now."""
        return Basis(self.ratings_revision, self.imported, like_threshold, recent_share)


def serving_state(connection: Connection) -> ServingState:
    """Read the active model and the revisions of ratings, movies, rules and counts."""
    revisions = installation.c
    ratings_revision, movies_revision, rules_revision = connection.execute(
        select(revisions.ratings_revision, revisions.movies_revision, revisions.rules_revision)
    ).one()
    dataset = connection.execute(select(datasets.c.sha256, datasets.c.imported_at)).first()
    return ServingState(
        active=active_version(connection),
        ratings_revision=ratings_revision,
        imported=(dataset.sha256, dataset.imported_at) if dataset else None,
        movies_revision=movies_revision,
        rules_revision=rules_revision,
        counted=counts.find_generation(connection),
        now=now(connection),
    )
