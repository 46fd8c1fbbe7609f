"""HTTP endpoints for users: export and erasure."""

from fastapi import APIRouter, Response

from app.auth.dependencies import ADMIN
from app.auth.errors import COMMON
from app.core.errors import InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import UserKey
from app.ratings.errors import UserNotFoundError
from app.ratings.schemas import User
from app.ratings.service import RatingService

router = APIRouter(tags=["users"], dependencies=[ADMIN])


@router.get(
    "/users/{user}",
    response_model=User,
    responses=responses(InvalidRequestError, UserNotFoundError, *COMMON),
    summary="All that is stored about a user",
)
def get_user(user: UserKey, services: ServicesDependency) -> Response:
    """Return all that the service stores about this user, including every rating."""
    return json_response(services.find(RatingService).export(user))


@router.delete(
    "/users/{user}",
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Erase a user",
)
def delete_user(user: UserKey, services: ServicesDependency) -> Response:
    """Delete all that the service stores about this user; an unknown user is no error.

    Models that were trained before keep weights that these ratings have influenced. The service
    keeps a salted hash of the key: the next training starts from scratch, and restoring a back-up
    does not bring the user back.
    """
    services.find(RatingService).erase(user)
    return Response(status_code=204)
