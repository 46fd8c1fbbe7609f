"""HTTP endpoints for movies."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.dependencies import ADMIN, READ_MOVIES, Requires, requester
from app.auth.errors import COMMON
from app.auth.scopes import Scope
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.http.api import ServicesDependency, json_response
from app.http.cursors import CursorExpiredError
from app.http.identifiers import MovieKey
from app.http.middleware.response_cache import NOT_MODIFIED, cache_response
from app.movies.errors import MovieExistsError, MovieKeyRefusedError, MovieNotFoundError
from app.movies.lists import MovieLists
from app.movies.options import MoviesQuery, SearchQuery, TrendingQuery
from app.movies.schemas import (
    FoundMovies,
    GenreList,
    Movie,
    MovieChanges,
    MovieRequest,
    MoviesPage,
    NewMovie,
    TrendingMovies,
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
def get_movies(
    query: Annotated[MoviesQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """Return movies page by page: most popular first, newest first, by title, or by id."""
    _check_unavailable(query, request)
    return json_response(services.find(MovieLists).page(query))


@router.get(
    "/genres",
    dependencies=[READ_MOVIES],
    response_model=GenreList,
    responses={**NOT_MODIFIED, **responses(*COMMON)},
    summary="Genres",
)
def get_genres(request: Request, services: ServicesDependency) -> Response:
    """Return the genres of all movies, by name, with the number of movies of each."""
    cache_response(request)
    return json_response(services.find(MovieLists).genres())


@router.get(
    "/movies/search",
    dependencies=[READ_MOVIES],
    response_model=FoundMovies,
    responses=responses(InvalidRequestError, *COMMON),
    summary="Find movies by title",
)
def search_movies(
    query: Annotated[SearchQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """Return the movies whose titles match what a user has typed so far.

    Accents, case, articles and the order of the words do not matter; one word may be the year.
    Small typing errors are tolerated.
    """
    _check_unavailable(query, request)
    return json_response(services.find(MovieLists).search(query))


@router.get(
    "/movies/trending",
    dependencies=[READ_MOVIES],
    response_model=TrendingMovies,
    responses={**NOT_MODIFIED, **responses(InvalidRequestError, CursorExpiredError, *COMMON)},
    summary="Movies that are liked lately",
)
def get_trending(
    query: Annotated[TrendingQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """Return the movies with likes in the last hours or days, page by page, the most liked first.

    A like counts less the older it is, by the half-life; likes are counted once a minute at most,
    by six hours.
    """
    cache_response(request)
    return json_response(services.find(MovieLists).trending(query))


@router.post(
    "/movies",
    dependencies=[ADMIN],
    status_code=201,
    response_model=Movie,
    responses=responses(
        InvalidRequestError, MovieExistsError, MovieKeyRefusedError, ContentTooLargeError, *COMMON
    ),
    summary="Add a movie",
)
def post_movie(body: NewMovie, services: ServicesDependency) -> Response:
    """Add a movie under its `key`, or without one under a new number, from 1000000000 on.

    The model does not know it before the next training; until then lists have it behind the movies
    that the model knows.
    """
    return json_response(services.find(MovieService).add(body), 201)


@router.get(
    "/movies/{movie:movie}",
    dependencies=[READ_MOVIES],
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, *COMMON),
    summary="A movie",
)
def get_movie(movie: MovieKey, services: ServicesDependency) -> Response:
    """Return title, year, genres, attributes, and the ids of the movie at IMDb and TMDB."""
    return json_response(services.find(MovieService).get(movie))


@router.put(
    "/movies/{movie:movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses={
        201: {"model": Movie, "description": "Added"},
        **responses(InvalidRequestError, MovieKeyRefusedError, ContentTooLargeError, *COMMON),
    },
    response_description="Replaced",
    summary="Add or replace a movie",
)
def put_movie(
    movie: MovieKey, body: MovieRequest, request: Request, services: ServicesDependency
) -> Response:
    """Add a movie under this key, or replace its details, availability included; ratings stay."""
    stored, added = services.find(MovieService).put(movie, body, requester(request))
    return json_response(stored, 201 if added else 200)


@router.patch(
    "/movies/{movie:movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, ContentTooLargeError, *COMMON),
    summary="Change a movie",
)
def patch_movie(
    movie: MovieKey, changes: MovieChanges, request: Request, services: ServicesDependency
) -> Response:
    """Change the fields in the body, and leave the others."""
    return json_response(services.find(MovieService).change(movie, changes, requester(request)))


@router.delete(
    "/movies/{movie:movie}",
    dependencies=[ADMIN],
    response_model=Movie,
    responses={
        204: {"description": "There is no such movie any more"},
        **responses(InvalidRequestError, *COMMON),
    },
    response_description="Withdrawn",
    summary="Withdraw or remove a movie",
)
def delete_movie(movie: MovieKey, request: Request, services: ServicesDependency) -> Response:
    """Take a movie out of all lists, or remove it if no user has done anything with it.

    A withdrawn movie stays in histories and trainings; `PATCH` with `withdrawn: false` returns it.
    """
    withdrawn = services.find(MovieService).withdraw(movie, requester(request))
    return json_response(withdrawn) if withdrawn else Response(status_code=204)


def _check_unavailable(query: MoviesQuery | SearchQuery, request: Request) -> None:
    if query.unavailable:
        Requires(Scope.ADMIN).check(request.scope)
