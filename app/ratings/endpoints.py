"""HTTP endpoints for ratings."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.dependencies import READ, WRITE
from app.auth.errors import COMMON
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response
from app.http.idempotency import Idempotency, IdempotencyKey, RequestInProgressError
from app.http.identifiers import MovieKey, UserKey
from app.movies.errors import MovieNotFoundError
from app.ratings.errors import RatingNotFoundError
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
    """Return the ratings of this user, by rising number of the movie; none for an unknown user.

    Movies with text keys come first, in an order of their own.
    """
    return json_response(services.find(RatingService).page(user, query))


@router.post(
    "/users/{user}/ratings",
    dependencies=[WRITE],
    response_model=RatingResults,
    responses=responses(InvalidRequestError, RequestInProgressError, ContentTooLargeError, *COMMON),
    summary="Rate many movies",
)
def post_ratings(
    user: UserKey, body: BulkRatingsRequest, services: ServicesDependency, key: IdempotencyKey
) -> Response:
    """Store up to 1,000 ratings of one user in one transaction, and return the result for each.

    A rating of an unknown movie is left out; all others are stored. Malformed input is refused as a
    whole.
    """
    ratings = services.find(RatingService)
    return services.find(Idempotency).respond(
        key, user, body, lambda connection: ratings.put_all(connection, user, body.ratings)
    )


@router.get(
    "/users/{user}/ratings/{movie}",
    dependencies=[READ],
    response_model=Rating,
    responses=responses(InvalidRequestError, RatingNotFoundError, *COMMON),
    summary="One rating",
)
def get_rating(user: UserKey, movie: MovieKey, services: ServicesDependency) -> Response:
    """Return the rating of this movie by this user."""
    return json_response(services.find(RatingService).get(user, movie))


@router.put(
    "/users/{user}/ratings/{movie}",
    dependencies=[WRITE],
    response_model=Rating,
    responses={
        201: {"model": Rating, "description": "Created"},
        **responses(InvalidRequestError, MovieNotFoundError, ContentTooLargeError, *COMMON),
    },
    response_description="Replaced",
    summary="Rate a movie",
)
def put_rating(
    user: UserKey, movie: MovieKey, body: RatingRequest, services: ServicesDependency
) -> Response:
    """Store a rating, in stars or as like or dislike; the next recommendations reflect it.

    An unknown user is created.
    """
    rating, created = services.find(RatingService).put(user, movie, body)
    return json_response(rating, 201 if created else 200)


@router.delete(
    "/users/{user}/ratings/{movie}",
    dependencies=[WRITE],
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Delete a rating",
)
def delete_rating(user: UserKey, movie: MovieKey, services: ServicesDependency) -> Response:
    """Delete a rating; a missing rating is no error."""
    services.find(RatingService).remove(user, movie)
    return Response(status_code=204)
