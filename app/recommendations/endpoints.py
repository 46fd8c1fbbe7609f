"""What somebody might like next, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.errors import COMMON, CursorExpiredError, InvalidRequestError, responses
from app.recommendations.schemas import Recommendations, RecommendationsQuery
from app.services import ServicesDependency, json_response
from app.users.schemas import UserKey

router = APIRouter(tags=["recommendations"])


@router.get(
    "/recommendations/{user}",
    response_model=Recommendations,
    responses=responses(InvalidRequestError, CursorExpiredError, *COMMON),
    summary="Films for a person",
)
def get_recommendations(
    user: UserKey,
    query: Annotated[RecommendationsQuery, Query()],
    services: ServicesDependency,
) -> Response:
    """Return films that this person has not rated, the best first, page by page.

    Ratings count at once. Somebody who is not known, or has not rated, gets popular films, and
    `reason` says why: `no_model`, `unknown_user`, `no_ratings`, or `no_known_ratings` (only films
    that the model does not know).
    """
    return json_response(services.recommendations.recommend(user, query))
