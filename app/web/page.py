"""The public page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from app.auth.dependencies import Visit
from app.core.errors import AppError
from app.datasets.repository import imported_dataset
from app.http.api import Services, ServicesDependency
from app.http.handlers import told
from app.movies.lists import MovieLists
from app.movies.options import MoviesQuery
from app.web import plain
from app.web.drawing import cover
from app.web.facts import PageFacts
from app.web.posters import poster_host, poster_urls
from app.web.rendering import show
from data.rules import KEY_PATTERN, RESERVED_MOVIE_KEYS

router = APIRouter(include_in_schema=False)

SAMPLE = "sample"
# As many movies as fit a screen beside the search; the page loads more by the cursor.
PAGE_LENGTH = 10
# What a new visitor is asked about: as many as can be looked over in a minute.
N_FIRST = 16
SHOWN = {"movie_id", "title", "year", "genres"}
# How the page writes the key of a movie into its address, and how it tells one from other text.
KEYS: dict[str, Any] = {
    "in_address": plain.in_address,
    "key_pattern": f"^(?!({'|'.join(sorted(RESERVED_MOVIE_KEYS))})$)(?:{KEY_PATTERN})",
}


@router.get("/")
def get_page(request: Request, services: ServicesDependency) -> Response:
    """Show the page, or a page that says why it cannot be shown."""
    visits: frozenset[Visit] = request.app.state.open_visits
    if Visit.MOVIES not in visits:
        return show(request, "closed.html", status=404)
    try:
        form = plain.PlainForm.read(request.query_params.multi_items())
        context = {
            **_about_data(services, browse=Visit.PUBLIC_USERS in visits),
            **_about_movies(services),
            "plain": plain.plain_context(form, services, PAGE_LENGTH),
        }
        context["posters"] = poster_urls(services, _shown_without_scripts(context))
        context["image_host"] = poster_host(services.settings.poster_url)
    except AppError as error:
        return _trouble(request, error)
    except SQLAlchemyError as error:
        return _trouble(request, told(error))
    return show(request, "page.html", page_length=PAGE_LENGTH, cover=cover, **KEYS, **context)


def _trouble(request: Request, error: AppError) -> Response:
    return show(
        request, "trouble.html", status=error.status, headers=error.headers, detail=error.detail
    )


def _about_data(services: Services, *, browse: bool) -> dict[str, Any]:
    """Describe the data set; users of a public release can be browsed."""
    with services.database.read() as connection:
        dataset = imported_dataset(connection)
    is_public = dataset is not None and dataset.is_public
    is_sample = dataset is not None and dataset.name == SAMPLE
    return {
        "is_public": is_public,
        "is_sample": is_sample,
        "browse": browse and is_public,
        "dataset_name": "the sample" if is_sample else "MovieLens",
        "noun": services.settings.item_noun,
        "nouns": services.settings.items_noun,
        "has_posters": services.settings.poster_url is not None,
    }


def _about_movies(services: Services) -> dict[str, Any]:
    query = MoviesQuery(sort="telling", limit=N_FIRST)
    first = services.find(MovieLists).page(query).items
    return {
        "facts": services.find(PageFacts).now(),
        "first": first,
        "first_films": [film.model_dump(include=SHOWN) for film in first],
    }


def _shown_without_scripts(context: dict[str, Any]) -> list[Any]:
    """Return the keys of the movies that the form shows; the scripts ask for theirs."""
    form = context["plain"]
    movies = [*context["first"], *form["found"], *form["rated"], *form["recommended"]]
    return [movie.movie_id for movie in movies]
