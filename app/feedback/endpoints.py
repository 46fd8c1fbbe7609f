"""HTTP endpoints for feedback."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.dependencies import READ, WRITE
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.feedback.schemas import (
    FeedbackBatch,
    FeedbackReport,
    FeedbackReportQuery,
    FeedbackResults,
)
from app.feedback.service import FeedbackService
from app.feedback.tally import Tally
from app.http.api import ServicesDependency, json_response
from app.http.idempotency import Idempotency, IdempotencyKey, RequestInProgressError

router = APIRouter(tags=["feedback"])


@router.post(
    "/feedback",
    dependencies=[WRITE],
    response_model=FeedbackResults,
    responses=responses(InvalidRequestError, RequestInProgressError, ContentTooLargeError, *COMMON),
    summary="Record what came of lists",
)
def post_feedback(
    body: FeedbackBatch, services: ServicesDependency, key: IdempotencyKey
) -> Response:
    """Record up to 5,000 movies that were shown, clicked, watched or dismissed in one transaction.

    Returns the result for each. What is known already changes nothing; an unknown movie, a
    `recommendation_id` that is not this user's, and other feedback with a known id are left out;
    all else is recorded. Malformed input is refused as a whole. Unknown users are created. Ratings
    do not change: send `POST /events` for what a user thinks of a movie.
    """
    feedback, tally = services.find(FeedbackService), Tally()
    response = services.find(Idempotency).respond(
        key, None, body, lambda connection: feedback.record(connection, body.feedback, tally)
    )
    tally.count()
    return response


@router.get(
    "/feedback/report",
    dependencies=[READ],
    response_model=FeedbackReport,
    responses=responses(InvalidRequestError, *COMMON),
    summary="What came of lists",
)
def get_feedback_report(
    query: Annotated[FeedbackReportQuery, Query()], services: ServicesDependency
) -> Response:
    """Return click-through, conversion and dismissals by model, scenario, place and experiment.

    Each with a 95 % interval that takes the showings of one user as dependent.
    """
    service = services.find(FeedbackService)
    return json_response(service.report(query.since, query.until, query.by))
