"""Opinions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.access.requires import READ, WRITE
from app.errors import (
    COMMON,
    ContentTooLargeError,
    InvalidRequestError,
    MovieNotFoundError,
    RatingNotFoundError,
    responses,
)
from app.movies.schemas import MovieId
from app.ratings.schemas import (
    GivenRating,
    GivenRatings,
    Rating,
    RatingResults,
    RatingsPage,
    RatingsQuery,
)
from app.services import ServicesDependency, json_response
from app.users.schemas import UserKey

router = APIRouter(tags=["ratings"])


@router.get(
    "/users/{user}/ratings",
    dependencies=[READ],
    response_model=RatingsPage,
    responses=responses(InvalidRequestError, *COMMON),
    summary="The ratings of a person",
)
def get_ratings(
    user: UserKey, query: Annotated[RatingsQuery, Query()], services: ServicesDependency
) -> Response:
    """Return what this person has rated, by rising movie id; nothing for somebody unknown."""
    return json_response(services.ratings.page(user, query))


@router.post(
    "/users/{user}/ratings",
    dependencies=[WRITE],
    response_model=RatingResults,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Rate many films",
)
def post_ratings(user: UserKey, given: GivenRatings, services: ServicesDependency) -> Response:
    """Record up to 1,000 opinions of one person in one transaction, and say what came of each.

    An opinion about a film that there is not is left out; all others are recorded. Malformed input
    is refused as a whole.
    """
    return json_response(services.ratings.put_all(user, given.ratings))


@router.get(
    "/users/{user}/ratings/{movie}",
    dependencies=[READ],
    response_model=Rating,
    responses=responses(InvalidRequestError, RatingNotFoundError, *COMMON),
    summary="One rating",
)
def get_rating(user: UserKey, movie: MovieId, services: ServicesDependency) -> Response:
    """Return what this person thinks of this film."""
    return json_response(services.ratings.get(user, movie))


@router.put(
    "/users/{user}/ratings/{movie}",
    dependencies=[WRITE],
    response_model=Rating,
    responses={
        201: {"model": Rating, "description": "Recorded, the first of this person for this film"},
        **responses(InvalidRequestError, MovieNotFoundError, ContentTooLargeError, *COMMON),
    },
    response_description="Recorded in place of the rating before",
    summary="Rate a film",
)
def put_rating(
    user: UserKey, movie: MovieId, given: GivenRating, services: ServicesDependency
) -> Response:
    """Record an opinion, in stars or as like or dislike; the next recommendations reflect it.

    The person need not be known before.
    """
    rating, created = services.ratings.put(user, movie, given)
    return json_response(rating, 201 if created else 200)


@router.delete(
    "/users/{user}/ratings/{movie}",
    dependencies=[WRITE],
    status_code=204,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Take a rating back",
)
def delete_rating(user: UserKey, movie: MovieId, services: ServicesDependency) -> Response:
    """Delete an opinion; one that was never given is no error."""
    services.ratings.remove(user, movie)
    return Response(status_code=204)
