"""Queries about published models."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from app.tables import ActiveModel, ModelVersion

PUBLISHED = "published"


class ActiveVersion(NamedTuple):
    """Which model is served, which was before it, and how often that has changed."""

    version: str | None
    previous: str | None
    generation: int


def active_version(connection: Connection) -> ActiveVersion:
    """Return which model is served."""
    row = connection.execute(
        select(ActiveModel.version, ActiveModel.previous, ActiveModel.generation)
    ).one()
    return ActiveVersion(*row)


def add(
    connection: Connection, version: str, card: dict[str, Any], sha256: str, created_at: datetime
) -> None:
    """Record a published model."""
    connection.execute(
        insert(ModelVersion).values(
            version=version, state=PUBLISHED, card=card, sha256=sha256, created_at=created_at
        )
    )


def exists(connection: Connection, version: str) -> bool:
    """Tell whether there is such a model."""
    query = select(ModelVersion.version).where(ModelVersion.version == version)
    return connection.execute(query).first() is not None


def find(connection: Connection, version: str) -> Row[Any] | None:
    """Return a published model."""
    query = select(*ModelVersion.__table__.columns).where(ModelVersion.version == version)
    return connection.execute(query).first()


def versions(connection: Connection) -> Sequence[Row[Any]]:
    """Return all published models, the newest first."""
    return connection.execute(
        select(*ModelVersion.__table__.columns).order_by(
            ModelVersion.created_at.desc(), ModelVersion.version.desc()
        )
    ).all()


def activate(connection: Connection, version: str) -> None:
    """Serve this model from now on; for the one that is served already nothing changes."""
    connection.execute(
        update(ActiveModel)
        .where(or_(ActiveModel.version.is_(None), ActiveModel.version != version))
        .values(
            version=version,
            previous=ActiveModel.version,
            generation=ActiveModel.generation + 1,
        )
    )


def deactivate(connection: Connection) -> None:
    """Serve no model from now on."""
    connection.execute(
        update(ActiveModel).values(
            version=None,
            previous=func.coalesce(ActiveModel.version, ActiveModel.previous),
            generation=ActiveModel.generation + 1,
        )
    )


def checksum(connection: Connection, version: str) -> str:
    """Return the checksum of the card that a model was published with."""
    query = select(ModelVersion.sha256).where(ModelVersion.version == version)
    return connection.execute(query).scalar_one()
