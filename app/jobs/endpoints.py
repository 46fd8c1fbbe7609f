"""Training runs over HTTP: requested, listed, followed."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from app.auth.dependencies import ADMIN, requester
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.http.api import OMITTABLE, Services, ServicesDependency, json_response
from app.jobs.errors import TrainingInProgressError, TrainingRunNotFoundError
from app.jobs.schemas import (
    TrainingOptions,
    TrainingRun,
    TrainingRunId,
    TrainingRuns,
    TrainingRunsQuery,
)
from app.jobs.service import find_run, follow_run, list_runs, start_run

router = APIRouter(prefix="/training-runs", tags=["training"], dependencies=[ADMIN])

EVENTS = EventSourceResponse.media_type
AS_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {EVENTS: {"schema": {"type": "string"}}},
        "description": "The run, or with `Accept: text/event-stream` an event with the run "
        "whenever it has changed, until it has ended",
    }
}


@router.get(
    "",
    response_model=TrainingRuns,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Training runs",
)
def get_training_runs(
    services: ServicesDependency, query: Annotated[TrainingRunsQuery, Query()]
) -> Response:
    """List the latest training runs, the last first."""
    return json_response(TrainingRuns(items=list_runs(services.database, query.limit)))


@router.post(
    "",
    status_code=202,
    response_model=TrainingRun,
    responses=responses(
        InvalidRequestError, TrainingInProgressError, ContentTooLargeError, *COMMON
    ),
    summary="Train",
)
def post_training_run(
    request: Request,
    services: ServicesDependency,
    options: Annotated[TrainingOptions | None, OMITTABLE] = None,
) -> Response:
    """Train on what is in the database, in a process of its own.

    The model is published only if it is no worse than the one that is served.
    """
    options = options or TrainingOptions()
    run = start_run(services.database, services.settings, options, requester(request))
    response = json_response(run, 202)
    response.headers["Location"] = f"{router.prefix}/{run.id}"
    return response


@router.get(
    "/{run_id}",
    response_model=TrainingRun,
    responses={
        **AS_EVENTS,
        **responses(InvalidRequestError, TrainingRunNotFoundError, *COMMON),
    },
    summary="A training run",
)
async def get_training_run(
    run_id: TrainingRunId, request: Request, services: ServicesDependency
) -> Response:
    """Return how far a run is, and what it has come to; as events, follow it to its end."""
    run = await run_in_threadpool(find_run, services.database, run_id)
    if EVENTS not in request.headers.get("accept", ""):
        return json_response(run)
    # FastAPI sends events by itself only from a route that never returns JSON.
    return EventSourceResponse(events(request, services, run_id))


async def events(request: Request, services: Services, run_id: int) -> AsyncIterator[bytes]:
    """Give a run as server-sent events, until it has ended or the service shuts down."""
    async for run in follow_run(services.database, run_id):
        yield format_sse_event(data_str=run.model_dump_json()) if run else KEEPALIVE_COMMENT
        if request.app.state.draining.value:
            return
