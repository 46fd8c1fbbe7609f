"""HTTP endpoints for recommendations, predictions and similar movies."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.dependencies import READ, READ_MOVIES
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response
from app.http.cursors import CursorExpiredError
from app.http.identifiers import MovieKey, UserKey
from app.http.middleware.response_cache import NOT_MODIFIED, cache_response
from app.movies.errors import MovieNotFoundError
from app.recommendations.errors import ScenarioNotFoundError
from app.recommendations.options import (
    AnonymousRequest,
    BatchRequest,
    PredictionQuery,
    RankRequest,
    RecommendationsQuery,
    SimilarQuery,
)
from app.recommendations.predictions import PredictionService
from app.recommendations.schemas import (
    AnonymousRecommendations,
    Prediction,
    RankedMovies,
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
    responses={
        **NOT_MODIFIED,
        **responses(InvalidRequestError, ScenarioNotFoundError, CursorExpiredError, *COMMON),
    },
    summary="Movies for a user",
)
def get_recommendations(
    user: UserKey,
    query: Annotated[RecommendationsQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return movies that this user has not rated, the best first, page by page.

    Ratings count at once. Without a personal list, a user gets popular movies, and `reason` says
    why: `no_model`, `unknown_user`, `no_ratings`, or `no_known_ratings` (only of movies that the
    model does not know). A filter never shortens a page as long as movies are left.
    """
    service = services.find(RecommendationService)
    if service.is_lasting(user, query):
        cache_response(request, user)
    return json_response(service.recommend(user, query))


@router.post(
    "/recommendations",
    dependencies=[READ_MOVIES],
    response_model=AnonymousRecommendations,
    responses=responses(
        InvalidRequestError,
        ScenarioNotFoundError,
        CursorExpiredError,
        ContentTooLargeError,
        *COMMON,
    ),
    summary="Movies for an anonymous user",
)
def post_recommendations(body: AnonymousRequest, services: ServicesDependency) -> Response:
    """Return movies for the ratings in the body; nothing is stored.

    Ratings of movies that do not exist are ignored; `ignored` lists these movies.
    """
    return json_response(services.find(RecommendationService).recommend_anonymous(body))


@router.post(
    "/recommendations/batch",
    dependencies=[READ],
    response_model=RecommendationsBatch,
    responses=responses(InvalidRequestError, ScenarioNotFoundError, ContentTooLargeError, *COMMON),
    summary="Movies for several users",
)
def post_recommendations_batch(body: BatchRequest, services: ServicesDependency) -> Response:
    """Return the first page of up to 100 users, in the order of the request.

    Each list is the response of `GET /recommendations/{user}` with the same options; pass `next` as
    `cursor` there for the next page.
    """
    return json_response(services.find(RecommendationService).recommend_batch(body))


@router.post(
    "/rank",
    dependencies=[READ],
    response_model=RankedMovies,
    responses=responses(InvalidRequestError, ScenarioNotFoundError, ContentTooLargeError, *COMMON),
    summary="Rank given movies",
)
def post_rank(body: RankRequest, services: ServicesDependency) -> Response:
    """Rank up to 5,000 movies for a user, or for the ratings in the body; nothing is stored.

    `left_out` says why movies are not ranked. With a scenario its rules hold here, too.
    """
    return json_response(services.find(RecommendationService).rank(body))


@router.get(
    "/users/{user}/predictions/{movie}",
    dependencies=[READ],
    response_model=Prediction,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, MovieNotFoundError, *COMMON)},
    summary="How much a user would like a movie",
)
def get_prediction(
    user: UserKey,
    movie: MovieKey,
    query: Annotated[PredictionQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the probabilities that this user likes the movie, and which ratings raise them.

    The rating of this movie by this user is not used. `source` and `reason` say when the prediction
    is not personal, as for a movie that the model does not know.
    """
    cache_response(request, user)
    return json_response(services.find(PredictionService).predict(user, movie, query.explain))


@router.get(
    "/movies/{movie}/similar",
    dependencies=[READ_MOVIES],
    response_model=SimilarMovies,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, MovieNotFoundError, *COMMON)},
    summary="Similar movies",
)
def get_similar(
    movie: MovieKey,
    query: Annotated[SimilarQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return movies that the same users like, the most similar first.

    Movies that the model does not know are compared by genres; `source` and `reason` say so.
    """
    cache_response(request)
    return json_response(services.find(PredictionService).similar(movie, query.limit, query))
