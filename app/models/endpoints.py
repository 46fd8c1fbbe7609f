"""Published models and their report cards over HTTP."""

from fastapi import APIRouter, Response

from app.access.requires import READ
from app.errors import (
    COMMON,
    InvalidRequestError,
    ModelNotFoundError,
    ReportNotFoundError,
    responses,
)
from app.models import service
from app.models.schemas import Model, Models, ModelVersionId
from app.services import ServicesDependency, json_response

router = APIRouter(prefix="/models", tags=["models"])

# The page brings its style along, and forbids itself any other by a checksum.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get(
    "",
    dependencies=[READ],
    response_model=Models,
    responses=responses(*COMMON),
    summary="Published models",
)
def get_models(services: ServicesDependency) -> Response:
    """List the published models with their figures, the newest first."""
    return json_response(Models(items=service.list_models(services.database)))


@router.get(
    "/{version}",
    dependencies=[READ],
    response_model=Model,
    responses=responses(InvalidRequestError, ModelNotFoundError, *COMMON),
    summary="A published model",
)
def get_model(version: ModelVersionId, services: ServicesDependency) -> Response:
    """Return the card of a model: what it is, what it was trained on and how well it does."""
    return json_response(service.find_model(services.database, version))


@router.get(
    "/{version}/report",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {"content": {"text/html": {}}, "description": "The page"},
        **responses(InvalidRequestError, ModelNotFoundError, ReportNotFoundError, *COMMON),
    },
    summary="The report card of a model",
)
def get_model_report(version: ModelVersionId, services: ServicesDependency) -> Response:
    """Return the report card that was written when the model was trained, as a page."""
    service.find_model(services.database, version)
    return Response(
        service.read_report(services.models.models_dir, version),
        media_type="text/html",
        headers={"Content-Security-Policy": REPORT_POLICY},
    )
