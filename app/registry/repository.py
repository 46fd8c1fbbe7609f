"""Queries about models."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, null, or_, select, update

from app.db.model_versions import ActiveVersion
from app.db.tables import active_model, model_versions
from app.registry.errors import ModelNotFoundError

PUBLISHED = "published"
REFUSED = "refused"


def lock_active_version(connection: Connection) -> ActiveVersion:
    """Return which model is served, and lock it until the transaction ends."""
    row = connection.execute(
        select(
            active_model.c.version, active_model.c.previous, active_model.c.generation
        ).with_for_update()
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
        insert(model_versions).values(
            version=version, state=state, card=card, sha256=sha256, created_at=created_at
        )
    )


def find(connection: Connection, version: str) -> Row[Any] | None:
    """Return a model, None if there is none of this version."""
    query = select(model_versions).where(model_versions.c.version == version)
    return connection.execute(query).first()


def get(connection: Connection, version: str) -> Row[Any]:
    """Return a model; raises `ModelNotFoundError`."""
    row = find(connection, version)
    if row is None:
        raise ModelNotFoundError(version=version)
    return row


def versions(connection: Connection) -> Sequence[Row[Any]]:
    """Return all models, the newest first."""
    return connection.execute(
        select(model_versions).order_by(
            model_versions.c.created_at.desc(), model_versions.c.version.desc()
        )
    ).all()


def activate(connection: Connection, version: str) -> None:
    """Serve this model from now on; nothing changes if it is served already."""
    connection.execute(
        update(active_model)
        .where(or_(active_model.c.version.is_(None), active_model.c.version != version))
        .values(
            version=version,
            previous=active_model.c.version,
            generation=active_model.c.generation + 1,
        )
    )


def step_back(connection: Connection, previous: str | None) -> None:
    """Serve the model before the active one from now on; `previous` is the one before that."""
    connection.execute(
        update(active_model).values(
            version=active_model.c.previous,
            previous=previous,
            generation=active_model.c.generation + 1,
        )
    )


def deactivate(connection: Connection, *, forget: bool = False) -> None:
    """Serve no model from now on; a rollback leads back to it, unless it is to be forgotten."""
    before = func.coalesce(active_model.c.version, active_model.c.previous)
    connection.execute(
        update(active_model).values(
            version=None,
            previous=null() if forget else before,
            generation=active_model.c.generation + 1,
        )
    )


def change_card(connection: Connection, version: str, card: dict[str, Any]) -> None:
    """Replace the card in the database; the file of the card stays as it is."""
    connection.execute(
        update(model_versions).where(model_versions.c.version == version).values(card=card)
    )


def remove(connection: Connection, version: str) -> bool:
    """Delete a model; False if there is none of this version."""
    removed = connection.execute(delete(model_versions).where(model_versions.c.version == version))
    return removed.rowcount == 1
