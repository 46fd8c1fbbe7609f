"""Ratings over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.dependencies import READ, WRITE
from app.core.errors import (
    COMMON,
    ContentTooLargeError,
    InvalidRequestError,
    MovieNotFoundError,
    RatingNotFoundError,
    responses,
)
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import MovieId, UserKey
from app.ratings.schemas import (
    BulkRatingsRequest,
    Rating,
    RatingRequest,
    RatingResults,
    RatingsPage,
    RatingsQuery,
)
from app.ratings.service import RatingService

router = APIRouter(tags=["ratings"])


@router.get(
    "/users/{user}/ratings",
    dependencies=[READ],
    response_model=RatingsPage,
    responses=responses(InvalidRequestError, *COMMON),
    summary="The ratings of a user",
)
def get_ratings(
    user: UserKey, query: Annotated[RatingsQuery, Query()], services: ServicesDependency
) -> Response:
    """Return what this user has rated, by rising movie id; nothing for somebody unknown."""
    return json_response(services.find(RatingService).page(user, query))


@router.post(
    "/users/{user}/ratings",
    dependencies=[WRITE],
    response_model=RatingResults,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Rate many movies",
)
def post_ratings(
    user: UserKey, given: BulkRatingsRequest, services: ServicesDependency
) -> Response:
    """Record up to 1,000 ratings of one user in one transaction, and say what came of each.

    A rating about a movie that there is not is left out; all others are recorded. Malformed input
    is refused as a whole.
    """
    return json_response(services.find(RatingService).put_all(user, given.ratings))


@router.get(
    "/users/{user}/ratings/{movie}",
    dependencies=[READ],
    response_model=Rating,
    responses=responses(InvalidRequestError, RatingNotFoundError, *COMMON),
    summary="One rating",
)
def get_rating(user: UserKey, movie: MovieId, services: ServicesDependency) -> Response:
    """Return what this user thinks of this movie."""
    return json_response(services.find(RatingService).get(user, movie))


@router.put(
    "/users/{user}/ratings/{movie}",
    dependencies=[WRITE],
    response_model=Rating,
    responses={
        201: {"model": Rating, "description": "Recorded, the first of this user for this movie"},
        **responses(InvalidRequestError, MovieNotFoundError, ContentTooLargeError, *COMMON),
    },
    response_description="Recorded in place of the rating before",
    summary="Rate a movie",
)
def put_rating(
    user: UserKey, movie: MovieId, given: RatingRequest, services: ServicesDependency
) -> Response:
    """Record a rating, in stars or as like or dislike; the next recommendations reflect it.

    The user need not be known before.
    """
    rating, created = services.find(RatingService).put(user, movie, given)
    return json_response(rating, 201 if created else 200)


@router.delete(
    "/users/{user}/ratings/{movie}",
    dependencies=[WRITE],
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Take a rating back",
)
def delete_rating(user: UserKey, movie: MovieId, services: ServicesDependency) -> Response:
    """Delete a rating; one that was never given is no error."""
    services.find(RatingService).remove(user, movie)
    return Response(status_code=204)
