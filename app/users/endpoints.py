"""HTTP endpoints for users: list, export and erasure."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.dependencies import ADMIN, requester
from app.auth.errors import COMMON
from app.core.errors import InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import UserKey
from app.ratings.errors import UserNotFoundError
from app.users.schemas import User, UsersPage, UsersQuery
from app.users.service import UserService

router = APIRouter(tags=["users"], dependencies=[ADMIN])


@router.get(
    "/users",
    response_model=UsersPage,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Users",
)
def get_users(query: Annotated[UsersQuery, Query()], services: ServicesDependency) -> Response:
    """Return all users, or those whose ratings have changed since, in the order of their creation.

    `ratings_revision` is that of the first page; sent as `since` next time, it gives all users
    whose ratings have changed meanwhile.
    """
    return json_response(services.find(UserService).page(query))


@router.get(
    "/users/{user}",
    response_model=User,
    responses=responses(InvalidRequestError, UserNotFoundError, *COMMON),
    summary="All that is stored about a user",
)
def get_user(user: UserKey, services: ServicesDependency) -> Response:
    """Return all that is stored about this user: ratings, seen movies, events and feedback."""
    return json_response(services.find(UserService).export(user))


@router.delete(
    "/users/{user}",
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Erase a user",
)
def delete_user(user: UserKey, request: Request, services: ServicesDependency) -> Response:
    """Delete all that the service stores about this user; an unknown user is no error.

    Models that were trained before keep weights that these ratings have influenced. The service
    keeps a salted hash of the key: the next training starts from scratch, and restoring a back-up
    does not bring the user back.
    """
    services.find(UserService).erase(user, by=requester(request))
    return Response(status_code=204)
