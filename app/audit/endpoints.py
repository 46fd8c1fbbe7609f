"""The route of the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.audit.schemas import AuditPage, AuditQuery
from app.audit.service import read_page
from app.auth.dependencies import ADMIN
from app.auth.errors import COMMON
from app.core.errors import InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response

router = APIRouter(tags=["audit"], dependencies=[ADMIN])


@router.get(
    "/audit",
    response_model=AuditPage,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Who changed what",
)
def get_audit(query: Annotated[AuditQuery, Query()], services: ServicesDependency) -> Response:
    """Return what operators and trainings did: models, keys, rules, imports, erasures.

    Records are never changed or deleted, and hold no user key.
    """
    return json_response(read_page(services.database, query))
