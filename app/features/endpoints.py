"""Hidden features over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.requires import READ
from app.cache.layer import NOT_MODIFIED, may_keep
from app.errors import COMMON, InvalidRequestError, responses
from app.features.schemas import FeaturesQuery, ModelFeatures, UserFeatures
from app.services import ServicesDependency, json_response
from app.users.schemas import UserKey

router = APIRouter(tags=["features"], dependencies=[READ])


@router.get(
    "/model/features",
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
