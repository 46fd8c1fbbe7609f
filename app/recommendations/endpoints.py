"""What somebody might like next, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.dependencies import READ, READ_MOVIES
from app.core.errors import (
    COMMON,
    ContentTooLargeError,
    CursorExpiredError,
    InvalidRequestError,
    MovieNotFoundError,
    responses,
)
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import MovieId, UserKey
from app.http.middleware.response_cache import NOT_MODIFIED, cache_response
from app.recommendations.options import (
    AnonymousRequest,
    BatchRequest,
    PredictionQuery,
    RecommendationsQuery,
    SimilarQuery,
)
from app.recommendations.predictions import PredictionService
from app.recommendations.schemas import (
    AnonymousRecommendations,
    Prediction,
    Recommendations,
    RecommendationsBatch,
    SimilarMovies,
)
from app.recommendations.service import RecommendationService

router = APIRouter(tags=["recommendations"])


@router.get(
    "/recommendations/{user}",
    dependencies=[READ],
    response_model=Recommendations,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, CursorExpiredError, *COMMON)},
    summary="Movies for a user",
)
def get_recommendations(
    user: UserKey,
    query: Annotated[RecommendationsQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return movies that this user has not rated, the best first, page by page.

    Ratings count at once. Somebody who is not known, or has not rated, gets popular movies, and
    `reason` says why: `no_model`, `unknown_user`, `no_ratings`, or `no_known_ratings` (only movies
    that the model does not know). A filter never shortens a page as long as movies are left.
    """
    if query.mode == "rank" or query.seed is not None or query.cursor:
        cache_response(request, user)
    return json_response(services.find(RecommendationService).recommend(user, query))


@router.post(
    "/recommendations",
    dependencies=[READ_MOVIES],
    response_model=AnonymousRecommendations,
    responses=responses(InvalidRequestError, CursorExpiredError, ContentTooLargeError, *COMMON),
    summary="Movies for anybody",
)
def post_recommendations(body: AnonymousRequest, services: ServicesDependency) -> Response:
    """Return movies for the ratings in the body; nothing is stored.

    Movies that there are not are named in `ignored` and left out of account.
    """
    return json_response(services.find(RecommendationService).recommend_anonymous(body))


@router.post(
    "/recommendations/batch",
    dependencies=[READ],
    response_model=RecommendationsBatch,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Movies for several people",
)
def post_recommendations_batch(body: BatchRequest, services: ServicesDependency) -> Response:
    """Return the first page of up to 100 people, in the order of the request.

    Each list is what `GET /recommendations/{user}` gives with the same options, and is read on
    there with its `next`.
    """
    return json_response(services.find(RecommendationService).recommend_batch(body))


@router.get(
    "/users/{user}/predictions/{movie}",
    dependencies=[READ],
    response_model=Prediction,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, MovieNotFoundError, *COMMON)},
    summary="How much a user would like a movie",
)
def get_prediction(
    user: UserKey,
    movie: MovieId,
    query: Annotated[PredictionQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the probabilities that this user likes the movie, and which ratings speak for it.

    An own rating of this movie is left out: the answer is what the other ratings say. `source` and
    `reason` tell when the answer is not personal, as for a movie that the model does not know.
    """
    cache_response(request, user)
    return json_response(services.find(PredictionService).predict(user, movie, query.explain))


@router.get(
    "/movies/{movie}/similar",
    dependencies=[READ],
    response_model=SimilarMovies,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, MovieNotFoundError, *COMMON)},
    summary="Movies like a movie",
)
def get_similar(
    movie: MovieId,
    query: Annotated[SimilarQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the movies that are liked by the same people, the most alike first.

    A movie that the model does not know is compared by its genres; `source` and `reason` say so.
    """
    cache_response(request)
    return json_response(services.find(PredictionService).similar(movie, query.limit, query))
