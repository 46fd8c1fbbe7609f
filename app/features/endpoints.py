"""Hidden features over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.requires import READ, READ_FILMS
from app.cache.layer import NOT_MODIFIED, may_keep
from app.errors import COMMON, ContentTooLargeError, InvalidRequestError, responses
from app.features.schemas import (
    AnybodysFeatures,
    AnybodysFeaturesRequest,
    FeaturesQuery,
    ModelFeatures,
    UserFeatures,
)
from app.services import ServicesDependency, json_response
from app.users.schemas import UserKey

router = APIRouter(tags=["features"])


@router.get(
    "/model/features",
    dependencies=[READ_FILMS],
    response_model=ModelFeatures,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, *COMMON)},
    summary="What the model tells people apart by",
)
def get_model_features(
    query: Annotated[FeaturesQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """Return hidden units with the films and genres that define them, the most telling first."""
    may_keep(request)
    return json_response(services.features.of_model(query))


@router.get(
    "/users/{user}/features",
    dependencies=[READ],
    response_model=UserFeatures,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, *COMMON)},
    summary="What a person's ratings switch on",
)
def get_user_features(
    user: UserKey,
    query: Annotated[FeaturesQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the hidden units that this person's ratings make likelier, the most first."""
    may_keep(request, user)
    return json_response(services.features.of_user(user, query))


@router.post(
    "/features",
    dependencies=[READ_FILMS],
    response_model=AnybodysFeatures,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="What anybody's ratings switch on",
)
def post_features(body: AnybodysFeaturesRequest, services: ServicesDependency) -> Response:
    """Return the hidden units that the opinions in the body make likelier; nothing is stored.

    Each comes with its links: `received` from the ratings, `sent` on to other films.
    """
    return json_response(services.features.of_anybody(body))
