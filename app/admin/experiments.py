"""Experiments on the operators' pages: begin, watch, stop, promote."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.admin import experiment_form
from app.admin.charts import difference_chart
from app.admin.forms import (
    Fields,
    ProblemError,
    name_of,
    refusal,
    rows_shown,
    texts_of,
)
from app.admin.security import Operator, SentForm, Visitor, go_to, show
from app.auth.dependencies import requester
from app.core.errors import AppError
from app.experiments.errors import ArmNotFoundError
from app.experiments.schemas import ExperimentDetail, ExperimentName
from app.experiments.service import ExperimentService
from app.http.api import Services, ServicesDependency
from app.live.rules import MAX_ARMS, Arm, RuleName
from app.registry import service as models
from app.scenarios.service import ScenarioService

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.get("/experiments")
def get_experiments(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """List the experiments."""
    listed = services.find(ExperimentService).all()
    return show(request, visitor, "experiments.html", experiments=listed)


@router.get("/new-experiment")
def get_new_experiment(
    request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Show the form of an experiment."""
    return _show_form(request, visitor, services, experiment_form.FIRST)


@router.post("/experiments")
def post_experiment(
    request: Request, visitor: Operator, form: SentForm, services: ServicesDependency
) -> Response:
    """Begin an experiment, or show the form with more rows."""
    fields = form.texts()
    if form.one("do") == "rows":
        return _show_form(request, visitor, services, fields)
    try:
        name = _begin(request, services, fields)
    except ProblemError as error:
        return _show_form(request, visitor, services, fields, problem=str(error))
    return go_to(request, f"/experiments/{name}")


@router.get("/experiments/{name}")
def get_experiment(
    name: ExperimentName,
    request: Request,
    visitor: Operator,
    services: ServicesDependency,
    shadows: Annotated[bool, Query()] = False,  # noqa: FBT002 (of a query)
) -> Response:
    """Show an experiment: how its arms do now, how they did each day, and its shadows if asked."""
    experiments = services.find(ExperimentService)
    report = experiments.report(name)
    arms = report.experiment.definition.arms
    charts = {arm.name: difference_chart(report.looks, arm.name) for arm in arms[1:]}
    return show(
        request, visitor, "experiment.html", report=report, experiment=report.experiment,
        charts=charts, figures={arm.name: arm for arm in report.arms},
        shadows=experiments.shadows(name) if shadows else None,
    )  # fmt: skip


@router.get("/experiments/{name}/stop")
def get_stop(
    name: ExperimentName, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Ask for confirmation of the end."""
    experiment = services.find(ExperimentService).get(name)
    return show(request, visitor, "end-experiment.html", experiment=experiment, arm=None)


@router.post("/experiments/{name}/stop")
def post_stop(
    name: ExperimentName,
    request: Request,
    _visitor: Operator,
    _form: SentForm,
    services: ServicesDependency,
) -> Response:
    """Stop an experiment."""
    services.find(ExperimentService).stop(name, requester(request))
    return go_to(request, f"/experiments/{name}")


@router.get("/experiments/{name}/promote")
def get_promote(
    name: ExperimentName,
    arm: Annotated[RuleName, Query()],
    request: Request,
    visitor: Operator,
    services: ServicesDependency,
) -> Response:
    """Ask for confirmation of a promotion."""
    experiment = services.find(ExperimentService).get(name)
    named = _arm(experiment, arm)
    return show(request, visitor, "end-experiment.html", experiment=experiment, arm=named)


@router.post("/experiments/{name}/promote")
def post_promote(
    name: ExperimentName,
    request: Request,
    _visitor: Operator,
    form: SentForm,
    services: ServicesDependency,
) -> Response:
    """Stop an experiment, and serve what one of its arms served to all."""
    services.find(ExperimentService).promote(name, form.one("arm"), requester(request))
    return go_to(request, f"/experiments/{name}")


def _begin(request: Request, services: Services, fields: Fields) -> str:
    name = name_of(fields.get("name", ""))
    definition, by = experiment_form.read(fields), requester(request)
    try:
        services.find(ExperimentService).put(name, definition, by)
    except AppError as error:
        raise refusal(error, experiment_form.LABELS) from None
    return name


def _arm(experiment: ExperimentDetail, name: str) -> Arm:
    for arm in experiment.definition.arms:
        if arm.name == name:
            return arm
    raise ArmNotFoundError(name=experiment.name, arm=name)


def _show_form(
    request: Request,
    visitor: Visitor,
    services: Services,
    fields: Fields,
    problem: str | None = None,
) -> Response:
    context: dict[str, Any] = {
        "texts": texts_of(fields),
        "n_arms": rows_shown(fields, "arm", MAX_ARMS, more=1),
        "scenarios": services.find(ScenarioService).all(),
        "models": models.list_models(services.database),
        "problem": problem,
    }
    status = 422 if problem else 200
    return show(request, visitor, "new-experiment.html", status=status, **context)
