"""The audit log, page by page."""

from app.audit import repository
from app.audit.schemas import AuditCursor, AuditPage, AuditQuery, AuditRecord
from app.db.engine import Database
from app.http import cursors


def read_page(database: Database, query: AuditQuery) -> AuditPage:
    """Return some of the records, the latest first."""
    cursor = cursors.decode(AuditCursor, query.cursor)
    with database.read() as connection:
        rows = repository.page(
            connection,
            actions=query.action,
            before=cursor.before if cursor else None,
            limit=query.limit + 1,  # one more tells whether there is a next page
        )
    items = [AuditRecord.model_validate(row) for row in rows[: query.limit]]
    is_last = len(rows) <= query.limit
    return AuditPage(
        items=items, next=None if is_last else AuditCursor(before=items[-1].id).encode()
    )
