"""People over HTTP: what is kept of them."""

from fastapi import APIRouter, Response

from app.auth.dependencies import ADMIN
from app.core.errors import COMMON, InvalidRequestError, UserNotFoundError, responses
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import UserKey
from app.ratings.schemas import User
from app.ratings.user_service import UserService

router = APIRouter(tags=["users"], dependencies=[ADMIN])


@router.get(
    "/users/{user}",
    response_model=User,
    responses=responses(InvalidRequestError, UserNotFoundError, *COMMON),
    summary="All that is kept of a user",
)
def get_user(user: UserKey, services: ServicesDependency) -> Response:
    """Return everything that the service keeps of this user, every rating included."""
    return json_response(services.find(UserService).export(user))


@router.delete(
    "/users/{user}",
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Erase a user",
)
def delete_user(user: UserKey, services: ServicesDependency) -> Response:
    """Delete everything that the service keeps of this user; somebody unknown is no error.

    A model that was trained before still has weights that their ratings moved, as those of
    everybody; that somebody was erased is recorded, not who, so that the next training tells.
    """
    services.find(UserService).erase(user)
    return Response(status_code=204)
