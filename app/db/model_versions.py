"""Which model is active, and what its files must be: what serving and the registry both ask."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from app.db.tables import active_model, installation, model_versions


class ActiveVersion(NamedTuple):
    """Which model is served, which was before it, and how often that has changed."""

    version: str | None
    previous: str | None
    generation: int


def active_version(connection: Connection) -> ActiveVersion:
    """Return which model is served."""
    row = connection.execute(
        select(active_model.c.version, active_model.c.previous, active_model.c.generation)
    ).one()
    return ActiveVersion(*row)


def checksum(connection: Connection, version: str) -> str:
    """Return the checksum of the card that a model was published with."""
    query = select(model_versions.c.sha256).where(model_versions.c.version == version)
    return connection.execute(query).scalar_one()


def holdout_salt(connection: Connection) -> str:
    """Return what decides who is held out of the trainings on this database."""
    return connection.execute(select(installation.c.holdout_salt)).scalar_one()
