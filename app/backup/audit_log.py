"""The audit log through a restore: what the database has recorded before stays on record."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from app.backup import rows
from app.db.tables import audit_log

RECORDED = [column for column in audit_log.columns if column is not audit_log.c.id]

Row = Mapping[str, Any]


def of_database(connection: Connection) -> list[Row]:
    """Return what a database has recorded, the oldest first; nothing of an older revision."""
    if not rows.tables_of(connection, {audit_log.name}):
        return []
    query = select(*RECORDED).order_by(audit_log.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def keep(connection: Connection, replaced: list[Row]) -> None:
    """Add those rows of the database that was replaced which the back-up has not."""
    restored = Counter(map(_name, of_database(connection)))
    missing = []
    for row in replaced:
        if restored[_name(row)]:
            restored[_name(row)] -= 1
        else:
            missing.append(row)
    if missing:
        connection.execute(insert(audit_log), missing)


def _name(row: Row) -> str:
    """Give a text that equal rows have in common: one action may be recorded twice in a second."""
    return json.dumps(row, sort_keys=True, default=str)
