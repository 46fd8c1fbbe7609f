"""Trainings on the operators' pages: start, list, follow."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from app.admin.security import HEADERS, Operator, SentForm, Visitor, go_to, show
from app.admin.sessions import find_session
from app.auth.dependencies import requester
from app.auth.keys import KeyRing
from app.http.api import Services, ServicesDependency
from app.jobs import endpoints as training
from app.jobs.schemas import TrainingOptions, TrainingRunId
from app.jobs.service import find_run, list_runs, start_run

router = APIRouter(prefix="/admin/runs", include_in_schema=False)

RUNS_SHOWN = 30


@router.get("")
def get_runs(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """List the latest runs, with a form that starts one."""
    runs = list_runs(services.database, RUNS_SHOWN)
    under_way = next((run for run in runs if not run.state.is_final), None)
    return show(request, visitor, "runs.html", runs=runs, under_way=under_way)


@router.post("")
def post_run(
    request: Request, _visitor: Operator, form: SentForm, services: ServicesDependency
) -> Response:
    """Start a training."""
    options = TrainingOptions(
        from_scratch=form.is_ticked("from_scratch"), publish_anyway=form.is_ticked("publish_anyway")
    )
    run = start_run(services.database, services.settings, options, requester(request))
    return go_to(request, f"/runs/{run.id}")


@router.get("/{run_id}")
def get_run(
    run_id: TrainingRunId, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Show the progress of a run, or its result."""
    return show(request, visitor, "run.html", run=find_run(services.database, run_id))


@router.get("/{run_id}/events")
async def get_events(
    run_id: TrainingRunId, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Stream a run whenever it has changed, for its page."""
    await run_in_threadpool(find_run, services.database, run_id)  # or 404, before it is too late
    events = _events(request, visitor, services, run_id)
    return EventSourceResponse(events, headers=HEADERS)


async def _events(
    request: Request, visitor: Visitor, services: Services, run_id: int
) -> AsyncIterator[bytes]:
    """Follow a run as long as the session lasts; following alone does not extend it."""
    async for event in training.events(request, services, run_id):
        if not await run_in_threadpool(_may_still_watch, services, visitor):
            return
        yield event


def _may_still_watch(services: Services, visitor: Visitor) -> bool:
    if services.find(KeyRing).is_open:
        return True
    return find_session(services.database, visitor.token, renew=False) is not None
