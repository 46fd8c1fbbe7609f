"""HTTP endpoints for hidden features."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.dependencies import READ, READ_MOVIES
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.features.schemas import (
    AnonymousFeatures,
    AnonymousFeaturesRequest,
    FeaturesQuery,
    ModelFeatures,
    UserFeatures,
)
from app.features.service import FeatureService
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import UserKey
from app.http.middleware.response_cache import NOT_MODIFIED, cache_response

router = APIRouter(tags=["features"])


@router.get(
    "/model/features",
    dependencies=[READ_MOVIES],
    response_model=ModelFeatures,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, *COMMON)},
    summary="Hidden features of the model",
)
def get_model_features(
    query: Annotated[FeaturesQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """Return hidden units with the movies and genres that define them, the most important first."""
    cache_response(request)
    return json_response(services.find(FeatureService).of_model(query))


@router.get(
    "/users/{user}/features",
    dependencies=[READ],
    response_model=UserFeatures,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, *COMMON)},
    summary="Hidden features of a user",
)
def get_user_features(
    user: UserKey,
    query: Annotated[FeaturesQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the hidden units that the ratings of this user make more probable, by falling gain."""
    cache_response(request, user)
    return json_response(services.find(FeatureService).of_user(user, query))


@router.post(
    "/features",
    dependencies=[READ_MOVIES],
    response_model=AnonymousFeatures,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Hidden features of an anonymous user",
)
def post_features(body: AnonymousFeaturesRequest, services: ServicesDependency) -> Response:
    """Return the hidden units that the ratings in the body make more probable; nothing is stored.

    Each comes with its links: `received` from the ratings, `sent` on to other movies.
    """
    return json_response(services.find(FeatureService).of_anonymous(body))
