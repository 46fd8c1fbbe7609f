"""What somebody might like next, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.requires import READ, READ_FILMS
from app.cache.layer import NOT_MODIFIED, may_keep
from app.errors import (
    COMMON,
    ContentTooLargeError,
    CursorExpiredError,
    InvalidRequestError,
    MovieNotFoundError,
    responses,
)
from app.movies.schemas import MovieId
from app.recommendations.options import (
    AnybodysRequest,
    BatchRequest,
    PredictionQuery,
    RecommendationsQuery,
    SimilarQuery,
)
from app.recommendations.schemas import (
    AnybodysRecommendations,
    Prediction,
    Recommendations,
    RecommendationsBatch,
    SimilarMovies,
)
from app.services import ServicesDependency, json_response
from app.users.schemas import UserKey

router = APIRouter(tags=["recommendations"])


@router.get(
    "/recommendations/{user}",
    dependencies=[READ],
    response_model=Recommendations,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, CursorExpiredError, *COMMON)},
    summary="Films for a person",
)
def get_recommendations(
    user: UserKey,
    query: Annotated[RecommendationsQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return films that this person has not rated, the best first, page by page.

    Ratings count at once. Somebody who is not known, or has not rated, gets popular films, and
    `reason` says why: `no_model`, `unknown_user`, `no_ratings`, or `no_known_ratings` (only films
    that the model does not know). A filter never shortens a page as long as films are left.
    """
    if query.mode == "rank" or query.seed is not None or query.cursor:
        may_keep(request, user)
    return json_response(services.recommendations.recommend(user, query))


@router.post(
    "/recommendations",
    dependencies=[READ_FILMS],
    response_model=AnybodysRecommendations,
    responses=responses(InvalidRequestError, CursorExpiredError, ContentTooLargeError, *COMMON),
    summary="Films for anybody",
)
def post_recommendations(body: AnybodysRequest, services: ServicesDependency) -> Response:
    """Return films for the opinions in the body; nothing is stored.

    Films that there are not are named in `ignored` and left out of account.
    """
    return json_response(services.recommendations.recommend_anybody(body))


@router.post(
    "/recommendations/batch",
    dependencies=[READ],
    response_model=RecommendationsBatch,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Films for several people",
)
def post_recommendations_batch(body: BatchRequest, services: ServicesDependency) -> Response:
    """Return the first page of up to 100 people, in the order of the request.

    Each list is what `GET /recommendations/{user}` gives with the same options, and is read on
    there with its `next`.
    """
    return json_response(services.recommendations.recommend_batch(body))


@router.get(
    "/users/{user}/predictions/{movie}",
    dependencies=[READ],
    response_model=Prediction,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, MovieNotFoundError, *COMMON)},
    summary="How much a person would like a film",
)
def get_prediction(
    user: UserKey,
    movie: MovieId,
    query: Annotated[PredictionQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the probabilities that this person likes the film, and which ratings speak for it.

    An own rating of this film is left out: the answer is what the other ratings say. `source` and
    `reason` tell when the answer is not personal, as for a film that the model does not know.
    """
    may_keep(request, user)
    return json_response(services.insights.predict(user, movie, query.explain))


@router.get(
    "/movies/{movie}/similar",
    dependencies=[READ],
    response_model=SimilarMovies,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, MovieNotFoundError, *COMMON)},
    summary="Films like a film",
)
def get_similar(
    movie: MovieId,
    query: Annotated[SimilarQuery, Query()],
    request: Request,
    services: ServicesDependency,
) -> Response:
    """Return the films that are liked by the same people, the most alike first.

    A film that the model does not know is compared by its genres; `source` and `reason` say so.
    """
    may_keep(request)
    return json_response(services.insights.similar(movie, query.limit, query))
