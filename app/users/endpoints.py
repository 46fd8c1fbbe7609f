"""People over HTTP: what is kept of them."""

from fastapi import APIRouter, Response

from app.access.requires import ADMIN
from app.errors import COMMON, InvalidRequestError, UserNotFoundError, responses
from app.services import ServicesDependency, json_response
from app.users.schemas import User, UserKey

router = APIRouter(tags=["users"], dependencies=[ADMIN])


@router.get(
    "/users/{user}",
    response_model=User,
    responses=responses(InvalidRequestError, UserNotFoundError, *COMMON),
    summary="All that is kept of a person",
)
def get_user(user: UserKey, services: ServicesDependency) -> Response:
    """Return everything that the service keeps of this person, every rating included."""
    return json_response(services.users.export(user))


@router.delete(
    "/users/{user}",
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Erase a person",
)
def delete_user(user: UserKey, services: ServicesDependency) -> Response:
    """Delete everything that the service keeps of this person; somebody unknown is no error.

    A model that was trained before still has weights that their ratings moved, as those of
    everybody; that somebody was erased is recorded, not who, so that the next training tells.
    """
    services.users.erase(user)
    return Response(status_code=204)
