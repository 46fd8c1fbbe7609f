"""The audit log on the operators' pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.admin.security import Operator, show
from app.audit.schemas import AuditQuery
from app.audit.service import read_page
from app.db.audit import Action
from app.http.api import ServicesDependency
from app.http.cursors import CursorText

router = APIRouter(prefix="/admin/audit", include_in_schema=False)

RECORDS_SHOWN = 50


@router.get("")
def get_audit(
    request: Request,
    visitor: Operator,
    services: ServicesDependency,
    action: Annotated[str, Query(max_length=40)] = "",
    cursor: Annotated[CursorText, Query()] = "",
) -> Response:
    """Show who did what, the latest first."""
    actions = [each for each in Action if each == action]  # all, if empty
    query = AuditQuery(action=actions, limit=RECORDS_SHOWN, cursor=cursor)
    page = read_page(services.database, query)
    return show(
        request,
        visitor,
        "audit.html",
        page=page,
        action=action,
        actions=list(Action),
        cursor=cursor,
    )
