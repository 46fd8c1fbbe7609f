"""Addresses of posters, for pages that show them: from a template over the ids of a movie."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.auth.dependencies import READ_MOVIES
from app.config import POSTER_URL
from app.http.api import RequestModel, Services, ServicesDependency, json_response
from app.http.identifiers import SentMovieKey
from app.movies import repository
from data.movie_keys import MovieKey, movie_id

router = APIRouter(include_in_schema=False)

MAX_MOVIES = 100
IMDB_DIGITS = 7  # addresses of IMDb have at least so many


class PostersQuery(RequestModel):
    """Which movies."""

    id: Annotated[list[SentMovieKey], Field(max_length=MAX_MOVIES, default_factory=list)]


class PosterUrls(BaseModel):
    """The address of the poster of each movie that has one, by its key."""

    items: dict[str, str]


@router.get("/posters", dependencies=[READ_MOVIES])
def get_posters(query: Annotated[PostersQuery, Query()], services: ServicesDependency) -> Response:
    """Return where the posters of movies are."""
    urls = poster_urls(services, query.id)
    return json_response(PosterUrls(items={str(key): url for key, url in urls.items()}))


def poster_host(template: str | None) -> str:
    """Return the scheme and host of the posters, empty without posters."""
    found = POSTER_URL.fullmatch(template or "")
    return found["origin"] if found else ""


def poster_urls(services: Services, keys: Iterable[MovieKey]) -> dict[MovieKey, str]:
    """Return the poster of each movie; none where an id is missing that the template needs."""
    template = services.settings.poster_url
    if template is None:
        return {}
    ids = {movie_id(key): key for key in keys}
    with services.database.read() as connection:
        rows = repository.external_ids(connection, list(ids))
    filled = {ids[id_]: _filled(template, ids[id_], imdb, tmdb) for id_, imdb, tmdb in rows}
    return {key: url for key, url in filled.items() if url is not None}


def _filled(template: str, key: MovieKey, imdb_id: int | None, tmdb_id: int | None) -> str | None:
    values = {
        "{key}": quote(str(key), safe=""),
        "{imdb_id}": None if imdb_id is None else f"{imdb_id:0{IMDB_DIGITS}}",
        "{tmdb_id}": None if tmdb_id is None else str(tmdb_id),
    }
    for field, value in values.items():
        if field in template:
            if value is None:
                return None
            template = template.replace(field, value)
    return template
