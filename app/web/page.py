"""The page for people."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from app.access.requires import Visit
from app.datasets.repository import imported_dataset
from app.errors import AppError, DatabaseUnavailableError
from app.services import Services, ServicesDependency
from app.web import plain
from app.web.pages import show

router = APIRouter(include_in_schema=False)
logger = logging.getLogger(__name__)

SAMPLE = "sample"
# As many films as fit a screen beside the search; the page asks for more by the cursor.
PAGE_LENGTH = 10
NO_FILMS = {"first_year": 1900, "last_year": 2100}


@router.get("/")
def get_page(request: Request, services: ServicesDependency) -> Response:
    """Show the page, or why it is not shown, to a person in either case."""
    visits: frozenset[Visit] = request.app.state.open_visits
    if Visit.FILMS not in visits:
        return show(request, "closed.html", status=404)
    try:
        form = plain.PlainForm.read(request.query_params.multi_items())
        context = {
            **_about_data(services, browse=Visit.PUBLIC_USERS in visits),
            **_about_films(services),
            "plain": plain.answer(form, services, PAGE_LENGTH),
        }
    except AppError as error:
        return _trouble(request, error)
    except SQLAlchemyError:
        logger.exception("the database failed")
        return _trouble(request, DatabaseUnavailableError())
    return show(request, "page.html", page_length=PAGE_LENGTH, **context)


def _trouble(request: Request, error: AppError) -> Response:
    return show(
        request, "trouble.html", status=error.status, headers=error.headers, detail=error.detail
    )


def _about_data(services: Services, *, browse: bool) -> dict[str, Any]:
    """Say where the films come from; of people in a public release anybody may be looked at."""
    with services.database.read() as connection:
        dataset = imported_dataset(connection)
    is_public = dataset is not None and dataset.is_public
    is_sample = dataset is not None and dataset.name == SAMPLE
    return {
        "is_public": is_public,
        "is_sample": is_sample,
        "browse": browse and is_public,
        "dataset_name": "the sample" if is_sample else "MovieLens",
    }


def _about_films(services: Services) -> dict[str, Any]:
    films = services.models.snapshot.catalogue.films.values()
    years = [film.year for film in films if film.year is not None]
    return {
        "genres": sorted({genre for film in films for genre in film.genres}),
        **({"first_year": min(years), "last_year": max(years)} if years else NO_FILMS),
    }
