"""Movies over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.auth.dependencies import ADMIN, READ_MOVIES
from app.core.errors import (
    COMMON,
    ContentTooLargeError,
    CursorExpiredError,
    InvalidRequestError,
    MovieNotFoundError,
    responses,
)
from app.http.api import ServicesDependency, json_response
from app.http.identifiers import MovieId
from app.movies.schemas import (
    FoundMovies,
    Movie,
    MovieChanges,
    MovieRequest,
    MoviesPage,
    MoviesQuery,
    SearchQuery,
)
from app.movies.service import MovieService

router = APIRouter(tags=["movies"])


@router.get(
    "/movies",
    dependencies=[READ_MOVIES],
    response_model=MoviesPage,
    responses=responses(InvalidRequestError, CursorExpiredError, *COMMON),
    summary="Movies",
)
def get_movies(query: Annotated[MoviesQuery, Query()], services: ServicesDependency) -> Response:
    """Return movies page by page: most popular first, newest first, by title, or those named."""
    return json_response(services.find(MovieService).page(query))


@router.get(
    "/movies/search",
    dependencies=[READ_MOVIES],
    response_model=FoundMovies,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Find movies by title",
)
def search_movies(query: Annotated[SearchQuery, Query()], services: ServicesDependency) -> Response:
    """Return the movies that are meant by what somebody has typed so far.

    Accents, case, articles and the order of the words do not matter; a year may be among them.
    Small typing errors are forgiven.
    """
    return json_response(services.find(MovieService).search(query))


@router.post(
    "/movies",
    dependencies=[ADMIN],
    status_code=201,
    response_model=Movie,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Add a movie",
)
def post_movie(given: MovieRequest, services: ServicesDependency) -> Response:
    """Add a movie under an id of its own, from 1000000000 on.

    The model does not know it before the next training; until then it follows those that it knows.
    """
    movie = services.find(MovieService).add(given)
    services.find(MovieService).reload()
    return json_response(movie, 201)


@router.get(
    "/movies/{movie:movie}",
    dependencies=[READ_MOVIES],
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, *COMMON),
    summary="A movie",
)
def get_movie(movie: MovieId, services: ServicesDependency) -> Response:
    """Return title, year, genres and the numbers of the movie elsewhere."""
    return json_response(services.find(MovieService).get(movie))


@router.put(
    "/movies/{movie:movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses={
        201: {"model": Movie, "description": "Added"},
        **responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    },
    response_description="Described anew",
    summary="Add or describe a movie",
)
def put_movie(movie: MovieId, given: MovieRequest, services: ServicesDependency) -> Response:
    """Add a movie under this id, or describe it anew; its ratings stay."""
    shown, added = services.find(MovieService).put(movie, given)
    services.find(MovieService).reload()
    return json_response(shown, 201 if added else 200)


@router.patch(
    "/movies/{movie:movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, ContentTooLargeError, *COMMON),
    summary="Change a movie",
)
def patch_movie(movie: MovieId, changes: MovieChanges, services: ServicesDependency) -> Response:
    """Change what is given of a movie, and leave the rest."""
    shown = services.find(MovieService).change(movie, changes)
    services.find(MovieService).reload()
    return json_response(shown)
