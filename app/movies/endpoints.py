"""Films over HTTP."""

from fastapi import APIRouter, Response

from app.errors import COMMON, InvalidRequestError, MovieNotFoundError, responses
from app.movies.schemas import Movie, MovieId
from app.services import ServicesDependency, json_response

router = APIRouter(tags=["movies"])


@router.get(
    "/movies/{movie}",
    response_model=Movie,
    responses=responses(InvalidRequestError, MovieNotFoundError, *COMMON),
    summary="A film",
)
def get_movie(movie: MovieId, services: ServicesDependency) -> Response:
    """Return title, year, genres and the numbers of the film elsewhere."""
    return json_response(services.movies.get(movie))
