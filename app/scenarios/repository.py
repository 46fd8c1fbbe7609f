"""Queries about scenarios; rows are only added."""

from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from app.db.sql import now
from app.db.tables import scenario_versions


def latest(connection: Connection, name: str) -> Row[Any] | None:
    """Return the latest version of a scenario, also where that is a deletion."""
    return connection.execute(_of(name).limit(1)).first()


def versions(connection: Connection, name: str) -> list[Row[Any]]:
    """Return all versions of a scenario, the latest first."""
    return list(connection.execute(_of(name)).all())


def in_use(connection: Connection) -> list[Row[Any]]:
    """Return the latest version of each scenario that is not deleted, by name."""
    newest = (
        select(scenario_versions.c.name, func.max(scenario_versions.c.version).label("version"))
        .group_by(scenario_versions.c.name)
        .subquery()
    )
    is_newest = (newest.c.name == scenario_versions.c.name) & (
        newest.c.version == scenario_versions.c.version
    )
    query = select(scenario_versions).join(newest, is_newest)
    query = query.where(scenario_versions.c.definition.is_not(None))
    return list(connection.execute(query.order_by(scenario_versions.c.name)).all())


def add(
    connection: Connection, name: str, version: int, definition: dict[str, Any] | None, by: str
) -> None:
    """Add a version, a deletion with None."""
    values = {"name": name, "version": version, "definition": definition}
    made = {"changed_at": now(connection), "changed_by": by[:128]}
    connection.execute(insert(scenario_versions).values(**values, **made))


def _of(name: str) -> Any:
    query = select(scenario_versions).where(scenario_versions.c.name == name)
    return query.order_by(scenario_versions.c.version.desc())
