"""Routes of experiments."""

from fastapi import APIRouter, Request, Response

from app.auth.dependencies import ADMIN, READ, requester
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.experiments.errors import (
    ArmNotFoundError,
    ArmNotPromotableError,
    ExperimentExistsError,
    ExperimentNotFoundError,
    ExperimentStoppedError,
    OtherExperimentRunningError,
)
from app.experiments.schemas import (
    ExperimentDetail,
    ExperimentName,
    ExperimentReport,
    Experiments,
    Promotion,
    Shadows,
)
from app.experiments.service import ExperimentService
from app.http.api import ServicesDependency, json_response
from app.live.rules import ExperimentDefinition
from app.registry.errors import ModelDamagedError, ModelNotFoundError, ModelRefusedError
from app.store.errors import ModelStoreUnavailableError

router = APIRouter(prefix="/experiments", tags=["experiments"])


@router.get(
    "",
    dependencies=[READ],
    response_model=Experiments,
    responses=responses(*COMMON),
    summary="Experiments",
)
def get_experiments(services: ServicesDependency) -> Response:
    """List all experiments, the latest first."""
    return json_response(Experiments(items=services.find(ExperimentService).all()))


@router.get(
    "/{name}",
    dependencies=[READ],
    response_model=ExperimentDetail,
    responses=responses(InvalidRequestError, ExperimentNotFoundError, *COMMON),
    summary="An experiment",
)
def get_experiment(name: ExperimentName, services: ServicesDependency) -> Response:
    """Return what an experiment compares, and since when."""
    return json_response(services.find(ExperimentService).get(name))


@router.put(
    "/{name}",
    dependencies=[ADMIN],
    response_model=ExperimentDetail,
    response_description="It was begun before",
    responses={
        201: {"model": ExperimentDetail, "description": "Begun"},
        **responses(
            InvalidRequestError,
            ExperimentExistsError,
            OtherExperimentRunningError,
            ModelDamagedError,
            ModelStoreUnavailableError,
            ContentTooLargeError,
            *COMMON,
        ),
    },
    summary="Begin an experiment",
)
def put_experiment(
    name: ExperimentName,
    definition: ExperimentDefinition,
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Begin an experiment; every worker takes part within 2 seconds.

    It cannot be changed, only stopped, and its name cannot be used again.
    """
    by = requester(request)
    experiment, is_new = services.find(ExperimentService).put(name, definition, by)
    return json_response(experiment, 201 if is_new else 200)


@router.post(
    "/{name}/stop",
    dependencies=[ADMIN],
    response_model=ExperimentDetail,
    responses=responses(InvalidRequestError, ExperimentNotFoundError, *COMMON),
    summary="Stop an experiment",
)
def post_experiment_stop(
    name: ExperimentName, request: Request, services: ServicesDependency
) -> Response:
    """Answer everybody as without the experiment from now on; its report goes on."""
    return json_response(services.find(ExperimentService).stop(name, requester(request)))


@router.post(
    "/{name}/promote",
    dependencies=[ADMIN],
    response_model=ExperimentDetail,
    responses=responses(
        InvalidRequestError,
        ExperimentNotFoundError,
        ArmNotFoundError,
        ArmNotPromotableError,
        ModelNotFoundError,
        ModelDamagedError,
        ModelRefusedError,
        ModelStoreUnavailableError,
        ContentTooLargeError,
        *COMMON,
    ),
    summary="Promote the winner",
)
def post_experiment_promote(
    name: ExperimentName, promotion: Promotion, request: Request, services: ServicesDependency
) -> Response:
    """Stop an experiment, and serve what this arm served to everybody from now on.

    Its model is activated, and its scenario and boosts become the next version of the scenario
    whose requests took part.
    """
    by = requester(request)
    return json_response(services.find(ExperimentService).promote(name, promotion.arm, by))


@router.get(
    "/{name}/report",
    dependencies=[READ],
    response_model=ExperimentReport,
    responses=responses(InvalidRequestError, ExperimentNotFoundError, *COMMON),
    summary="How the arms do",
)
def get_experiment_report(name: ExperimentName, services: ServicesDependency) -> Response:
    """Compare the arms with the control by intervals that may be looked at at any time."""
    return json_response(services.find(ExperimentService).report(name))


@router.get(
    "/{name}/shadows",
    dependencies=[READ],
    response_model=Shadows,
    responses=responses(
        InvalidRequestError, ExperimentNotFoundError, ExperimentStoppedError, *COMMON
    ),
    summary="How the shadows differ",
)
def get_experiment_shadows(name: ExperimentName, services: ServicesDependency) -> Response:
    """Compare the lists of shadows with those of the control, for the users who were here last."""
    return json_response(services.find(ExperimentService).shadows(name))
