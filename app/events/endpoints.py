"""HTTP endpoints for events."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.dependencies import READ, WRITE
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.events.schemas import EventResults, EventsPage, EventsQuery, EventsRequest
from app.events.service import EventService
from app.http.api import ServicesDependency, json_response
from app.http.idempotency import Idempotency, IdempotencyKey, RequestInProgressError
from app.http.identifiers import UserKey

router = APIRouter(tags=["events"])


@router.post(
    "/events",
    dependencies=[WRITE],
    response_model=EventResults,
    responses=responses(InvalidRequestError, RequestInProgressError, ContentTooLargeError, *COMMON),
    summary="Record events",
)
def post_events(body: EventsRequest, services: ServicesDependency, key: IdempotencyKey) -> Response:
    """Record up to 5,000 events of many users in one transaction; return the result for each.

    An event that is known already changes nothing; one of an unknown movie, or with the id of
    another event, is left out; all others are recorded. Malformed input is refused as a whole.
    Unknown users are created.
    """
    events = services.find(EventService)
    return services.find(Idempotency).respond(
        key, None, body, lambda connection: events.record(connection, body.events)
    )


@router.get(
    "/users/{user}/events",
    dependencies=[READ],
    response_model=EventsPage,
    responses=responses(InvalidRequestError, *COMMON),
    summary="The events of a user",
)
def get_events(
    user: UserKey, query: Annotated[EventsQuery, Query()], services: ServicesDependency
) -> Response:
    """Return what this user did, the latest first; nothing for an unknown user."""
    return json_response(services.find(EventService).page(user, query))
