"""HTTP endpoints of scenarios."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.dependencies import ADMIN, READ, requester
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response
from app.live.rules import ScenarioDefinition
from app.recommendations.errors import ScenarioNotFoundError
from app.scenarios.errors import (
    ScenarioChangedError,
    ScenarioInUseError,
    TooManyScenariosError,
)
from app.scenarios.schemas import (
    ScenarioDetail,
    ScenarioName,
    ScenarioPutQuery,
    Scenarios,
    ScenarioVersions,
)
from app.scenarios.service import ScenarioService

router = APIRouter(prefix="/scenarios", tags=["scenarios"])


@router.get(
    "",
    dependencies=[READ],
    response_model=Scenarios,
    responses=responses(*COMMON),
    summary="Scenarios",
)
def get_scenarios(services: ServicesDependency) -> Response:
    """List the scenarios in use, by name."""
    return json_response(Scenarios(items=services.find(ScenarioService).all()))


@router.get(
    "/{name}",
    dependencies=[READ],
    response_model=ScenarioDetail,
    responses=responses(InvalidRequestError, ScenarioNotFoundError, *COMMON),
    summary="A scenario",
)
def get_scenario(name: ScenarioName, services: ServicesDependency) -> Response:
    """Return a scenario, and who changed it last."""
    return json_response(services.find(ScenarioService).get(name))


@router.get(
    "/{name}/versions",
    dependencies=[READ],
    response_model=ScenarioVersions,
    responses=responses(InvalidRequestError, ScenarioNotFoundError, *COMMON),
    summary="The history of a scenario",
)
def get_scenario_versions(name: ScenarioName, services: ServicesDependency) -> Response:
    """Return all versions of a scenario, the latest first; those of a deleted one, too."""
    return json_response(ScenarioVersions(items=services.find(ScenarioService).versions(name)))


@router.put(
    "/{name}",
    dependencies=[ADMIN],
    response_model=ScenarioDetail,
    responses={
        201: {"model": ScenarioDetail, "description": "The scenario is new"},
        **responses(
            InvalidRequestError,
            ScenarioChangedError,
            TooManyScenariosError,
            ContentTooLargeError,
            *COMMON,
        ),
    },
    summary="Add or change a scenario",
)
def put_scenario(
    name: ScenarioName,
    definition: ScenarioDefinition,
    query: Annotated[ScenarioPutQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Add a scenario, or replace all of it by a new version; the same again changes nothing.

    Genres, attributes and pinned movies that do not exist are refused.
    """
    service, by = services.find(ScenarioService), requester(request)
    detail, is_new = service.put(name, definition, by, query.expected_version)
    return json_response(detail, 201 if is_new else 200)


@router.delete(
    "/{name}",
    dependencies=[ADMIN],
    status_code=204,
    responses=responses(InvalidRequestError, ScenarioInUseError, *COMMON),
    summary="Delete a scenario",
)
def delete_scenario(name: ScenarioName, request: Request, services: ServicesDependency) -> Response:
    """Delete a scenario, if it is there; its versions stay on record."""
    services.find(ScenarioService).delete(name, requester(request))
    return Response(status_code=204)
