"""Models on the operators' pages: list, inspect, activate, roll back."""

from fastapi import APIRouter, Request, Response

from app.admin.security import HEADERS, Operator, SentForm, go_to, show
from app.auth.dependencies import requester
from app.http.api import Services, ServicesDependency
from app.live.model_reloader import ModelReloader
from app.registry import service
from app.registry.endpoints import REPORT_POLICY
from app.registry.errors import NoPreviousModelError, OtherModelActivatedError
from app.registry.schemas import ModelVersionId

router = APIRouter(prefix="/admin/models", include_in_schema=False)

# Metrics shown of each model; the report card has more.
METRICS = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")


@router.get("")
def get_models(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """List the models."""
    listed = service.list_models(services.database)
    previous = next((model for model in listed if model.previous), None)
    return show(request, visitor, "models.html", models=listed, previous=previous)


@router.get("/rollback")
def get_rollback(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """Ask for confirmation of a rollback."""
    active = service.find_active(services.database)
    if active.previous is None:
        raise NoPreviousModelError
    after = service.find_model(services.database, active.previous)
    before = service.find_model(services.database, active.version) if active.version else None
    return show(request, visitor, "rollback.html", before=before, after=after)


@router.post("/rollback")
def post_rollback(
    request: Request, _visitor: Operator, form: SentForm, services: ServicesDependency
) -> Response:
    """Activate the previous model."""
    _refuse_other(services, form.one("instead_of"))
    service.rollback(services.database, services.store, by=requester(request))
    services.find(ModelReloader).reload()
    return go_to(request, "/models")


@router.get("/{version}")
def get_model(
    version: ModelVersionId, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Show a model."""
    model = service.find_model(services.database, version)
    return show(request, visitor, "model.html", model=model, metrics=METRICS)


@router.get("/{version}/report")
def get_report(
    version: ModelVersionId, _visitor: Operator, services: ServicesDependency
) -> Response:
    """Show the report card of a model."""
    service.find_model(services.database, version)
    report = service.read_report(services.store, version)
    headers = {**HEADERS, "Content-Security-Policy": REPORT_POLICY}
    return Response(report, media_type="text/html", headers=headers)


@router.get("/{version}/activate")
def get_activate(
    version: ModelVersionId, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Ask for confirmation of an activation."""
    model = service.find_model(services.database, version)
    active = service.find_active(services.database).version
    before = service.find_model(services.database, active) if active else None
    return show(request, visitor, "activate.html", model=model, before=before)


@router.post("/{version}/activate")
def post_activate(
    version: ModelVersionId,
    request: Request,
    _visitor: Operator,
    form: SentForm,
    services: ServicesDependency,
) -> Response:
    """Activate a model."""
    _refuse_other(services, form.one("instead_of"))
    service.activate(
        services.database,
        services.store,
        version,
        anyway=form.is_ticked("anyway"),
        by=requester(request),
    )
    services.find(ModelReloader).reload()
    return go_to(request, "/models")


def _refuse_other(services: Services, confirmed: str) -> None:
    """Refuse when the active model is not the one that the form named."""
    if (service.find_active(services.database).version or "") != confirmed:
        raise OtherModelActivatedError
