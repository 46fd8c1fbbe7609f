"""Queries about models."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from app.tables import ActiveModel, Installation, ModelVersion

PUBLISHED = "published"
REFUSED = "refused"


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


def lock_active_version(connection: Connection) -> ActiveVersion:
    """Return which model is served, and let nobody change it until the transaction ends."""
    row = connection.execute(
        select(ActiveModel.version, ActiveModel.previous, ActiveModel.generation).with_for_update()
    ).one()
    return ActiveVersion(*row)


def add(
    connection: Connection,
    version: str,
    card: dict[str, Any],
    sha256: str,
    created_at: datetime,
    state: str = PUBLISHED,
) -> None:
    """Record a model."""
    connection.execute(
        insert(ModelVersion).values(
            version=version, state=state, card=card, sha256=sha256, created_at=created_at
        )
    )


def exists(connection: Connection, version: str) -> bool:
    """Tell whether there is such a model."""
    query = select(ModelVersion.version).where(ModelVersion.version == version)
    return connection.execute(query).first() is not None


def find(connection: Connection, version: str) -> Row[Any] | None:
    """Return a model."""
    query = select(*ModelVersion.__table__.columns).where(ModelVersion.version == version)
    return connection.execute(query).first()


def versions(connection: Connection) -> Sequence[Row[Any]]:
    """Return all models, the newest first."""
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


def step_back(connection: Connection, previous: str | None) -> None:
    """Serve the model before the active one from now on; `previous` is the one before that."""
    connection.execute(
        update(ActiveModel).values(
            version=ActiveModel.previous,
            previous=previous,
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


def change_card(connection: Connection, version: str, card: dict[str, Any]) -> None:
    """Replace what is known of a model; the card that lies with its files stays as it is."""
    connection.execute(
        update(ModelVersion).where(ModelVersion.version == version).values(card=card)
    )


def remove(connection: Connection, version: str) -> bool:
    """Forget a model; False when there is none of this version."""
    removed = connection.execute(delete(ModelVersion).where(ModelVersion.version == version))
    return removed.rowcount == 1


def holdout_salt(connection: Connection) -> str:
    """Return what decides who is held out of the trainings on this database."""
    return connection.execute(select(Installation.holdout_salt)).scalar_one()


def checksum(connection: Connection, version: str) -> str:
    """Return the checksum of the card that a model was published with."""
    query = select(ModelVersion.sha256).where(ModelVersion.version == version)
    return connection.execute(query).scalar_one()
