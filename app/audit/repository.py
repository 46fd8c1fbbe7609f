"""Queries about the audit log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from app.db.tables import audit_log


def page(
    connection: Connection, *, actions: Sequence[str], before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the latest records, those of `actions` where there are any, older than `before`."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    if actions:
        query = query.where(audit_log.c.action.in_(actions))
    if before is not None:
        query = query.where(audit_log.c.id < before)
    return connection.execute(query).all()
