"""Films over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.access.requires import ADMIN, READ_FILMS
from app.errors import (
    COMMON,
    ContentTooLargeError,
    CursorExpiredError,
    InvalidRequestError,
    MovieNotFoundError,
    responses,
)
from app.methods import refuse_method
from app.movies.schemas import (
    FoundMovies,
    GivenMovie,
    Movie,
    MovieChanges,
    MovieId,
    MoviesPage,
    MoviesQuery,
    SearchQuery,
)
from app.services import ServicesDependency, json_response

router = APIRouter(tags=["movies"])


@router.get(
    "/movies",
    dependencies=[READ_FILMS],
    response_model=MoviesPage,
    responses=responses(InvalidRequestError, CursorExpiredError, *COMMON),
    summary="Films",
)
def get_movies(query: Annotated[MoviesQuery, Query()], services: ServicesDependency) -> Response:
    """Return films page by page: the most popular, the newest, or by title; or just those named."""
    return json_response(services.movies.page(query))


@router.get(
    "/movies/search",
    dependencies=[READ_FILMS],
    response_model=FoundMovies,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Find films by title",
)
def search_movies(query: Annotated[SearchQuery, Query()], services: ServicesDependency) -> Response:
    """Return the films that are meant by what somebody has typed so far.

    Accents, case, articles and the order of the words do not matter; a year may be among them.
    Small typing errors are forgiven.
    """
    return json_response(services.movies.search(query))


# Else a film of this name would be looked for.
router.add_api_route(
    "/movies/search", refuse_method, methods=["PUT", "PATCH"], include_in_schema=False
)


@router.post(
    "/movies",
    dependencies=[ADMIN],
    status_code=201,
    response_model=Movie,
    responses=responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    summary="Add a film",
)
def post_movie(given: GivenMovie, services: ServicesDependency) -> Response:
    """Add a film under an id of its own, from 1000000000 on.

    The model does not know it before the next training; until then it follows those that it knows.
    """
    movie = services.movies.add(given)
    services.movies.take_over()
    return json_response(movie, 201)


@router.get(
    "/movies/{movie}",
    dependencies=[READ_FILMS],
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, *COMMON),
    summary="A film",
)
def get_movie(movie: MovieId, services: ServicesDependency) -> Response:
    """Return title, year, genres and the numbers of the film elsewhere."""
    return json_response(services.movies.get(movie))


@router.put(
    "/movies/{movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses={
        201: {"model": Movie, "description": "Added"},
        **responses(InvalidRequestError, ContentTooLargeError, *COMMON),
    },
    response_description="Described anew",
    summary="Add or describe a film",
)
def put_movie(movie: MovieId, given: GivenMovie, services: ServicesDependency) -> Response:
    """Add a film under this id, or describe it anew; its ratings stay."""
    shown, added = services.movies.put(movie, given)
    services.movies.take_over()
    return json_response(shown, 201 if added else 200)


@router.patch(
    "/movies/{movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, ContentTooLargeError, *COMMON),
    summary="Change a film",
)
def patch_movie(movie: MovieId, changes: MovieChanges, services: ServicesDependency) -> Response:
    """Change what is given of a film, and leave the rest."""
    shown = services.movies.change(movie, changes)
    services.movies.take_over()
    return json_response(shown)
