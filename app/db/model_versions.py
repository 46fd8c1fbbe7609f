"""Queries about models that both serving and the registry need."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from app.db.tables import active_model, installation, model_versions


class ActiveVersion(NamedTuple):
    """The active model, the one before it, and the number of changes so far."""

    version: str | None
    previous: str | None
    generation: int


def active_version(connection: Connection) -> ActiveVersion:
    """Return the active model."""
    row = connection.execute(
        select(active_model.c.version, active_model.c.previous, active_model.c.generation)
    ).one()
    return ActiveVersion(*row)


def checksum(connection: Connection, version: str) -> str:
    """Return the checksum of the card of a published model."""
    query = select(model_versions.c.sha256).where(model_versions.c.version == version)
    return connection.execute(query).scalar_one()


def holdout_salt(connection: Connection) -> str:
    """Return the salt that decides which users are held out of training."""
    return connection.execute(select(installation.c.holdout_salt)).scalar_one()
