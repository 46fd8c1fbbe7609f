"""Scenarios on the operators' pages: list, edit with a preview, history, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request, Response

from app.admin import scenario_form
from app.admin.forms import Fields, ProblemError, name_of, number, refusal, rows_shown, texts_of
from app.admin.security import Operator, SentForm, Visitor, go_to, show
from app.auth.dependencies import requester
from app.core.errors import AppError, RouteNotFoundError
from app.http.api import Services, ServicesDependency
from app.live.catalogue import CatalogueMovie
from app.live.rules import MAX_BOOSTS, MAX_NUMBER, MAX_PINS, ScenarioDefinition
from app.live.snapshot import CurrentSnapshot
from app.movies.lists import MovieLists
from app.movies.options import SearchQuery
from app.recommendations.errors import ScenarioNotFoundError
from app.recommendations.schemas import Recommendations
from app.recommendations.service import RecommendationService
from app.scenarios.schemas import ScenarioName, ScenarioVersion
from app.scenarios.service import ScenarioService
from data.movie_keys import MovieKey, movie_id, movie_key
from data.rules import USER_KEY_MEANING, is_user_key, shown

router = APIRouter(prefix="/admin", include_in_schema=False)

PREVIEWED = 20
# Titles that a part of one may mean, named in the answer.
N_MEANT = 3
MAX_TITLE_LENGTH = 200


class Edited(NamedTuple):
    """What the page of a scenario shows: its form as it is filled in, and what came of it."""

    name: str
    version: int  # that the form began with, 0 for a new scenario
    fields: Fields
    user: str = ""
    problem: str | None = None
    preview: Recommendations | None = None


@router.get("/scenarios")
def get_scenarios(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """List the scenarios."""
    return show(request, visitor, "scenarios.html", scenarios=services.find(ScenarioService).all())


@router.get("/new-scenario")
def get_new_scenario(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """Show the form of a scenario, with what a list is without one."""
    fields = scenario_form.write(ScenarioDefinition())
    return _show(request, visitor, services, Edited("", 0, fields))


@router.get("/scenarios/{name}")
def get_scenario(
    name: ScenarioName,
    request: Request,
    visitor: Operator,
    services: ServicesDependency,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """Show a scenario as it is, or as it was, with its form and its history."""
    versions = services.find(ScenarioService).versions(name)
    shown = next((each for each in versions if version in (None, each.version)), None)
    if shown is None or (shown.definition is None and version is not None):
        raise RouteNotFoundError("There is no such version of this scenario.")
    in_use = versions[0].version if versions[0].definition is not None else 0
    fields = scenario_form.write(shown.definition or ScenarioDefinition())
    return _show(request, visitor, services, Edited(name, in_use, fields))


@router.post("/scenarios")
def post_scenario(
    request: Request, visitor: Operator, form: SentForm, services: ServicesDependency
) -> Response:
    """Save a scenario; or show the first movies of a user by what the form says, or more rows."""
    edited = Edited(form.one("name"), number(form.one("version")), form.texts(), form.one("user"))
    action = form.one("do")
    try:
        definition = scenario_form.read(edited.fields, lambda text: _find(services, text))
        if action == "save":
            name = _save(request, services, edited, definition)
            return go_to(request, f"/scenarios/{name}")
        if action == "preview":
            edited = edited._replace(preview=_preview(services, definition, edited.user))
    except ProblemError as error:
        edited = edited._replace(problem=str(error))
    is_refused = edited.problem is not None and action == "save"
    return _show(request, visitor, services, edited, status=422 if is_refused else 200)


@router.get("/scenarios/{name}/delete")
def get_delete(
    name: ScenarioName, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Ask for confirmation of a deletion."""
    scenario = services.find(ScenarioService).get(name)
    return show(request, visitor, "delete-scenario.html", scenario=scenario)


@router.post("/scenarios/{name}/delete")
def post_delete(
    name: ScenarioName,
    request: Request,
    _visitor: Operator,
    _form: SentForm,
    services: ServicesDependency,
) -> Response:
    """Delete a scenario."""
    services.find(ScenarioService).delete(name, requester(request))
    return go_to(request, "/scenarios")


def _save(
    request: Request, services: Services, edited: Edited, definition: ScenarioDefinition
) -> str:
    name, by = name_of(edited.name), requester(request)
    try:
        services.find(ScenarioService).put(name, definition, by, edited.version)
    except AppError as error:
        raise refusal(error, scenario_form.LABELS) from None
    return name


def _preview(services: Services, definition: ScenarioDefinition, user: str) -> Recommendations:
    if user and not is_user_key(user):
        raise ProblemError(f"{shown(user)} is no key of a user ({USER_KEY_MEANING}).")
    try:
        return services.find(RecommendationService).preview(definition, user or None, PREVIEWED)
    except AppError as error:
        raise refusal(error, scenario_form.LABELS) from None


def _find(services: Services, text: str) -> MovieKey:
    """Return the movie of this key, or the only one of this title; raises `ProblemError`."""
    catalogue = services.find(CurrentSnapshot).snapshot.catalogue
    try:
        key = movie_key(text)
    except ValueError:
        pass  # of no key; a title has spaces
    else:
        if movie_id(key) in catalogue.movies:
            return key
    query = SearchQuery(q=text[:MAX_TITLE_LENGTH], unavailable=True, limit=N_MEANT)
    found = services.find(MovieLists).search(query).items
    same = [movie for movie in found if movie.title.casefold() == text.casefold()]
    if len(same or found) == 1:
        return (same or found)[0].movie_id
    if not found:
        raise ProblemError(f"No movie has the key or title “{text}”.")
    meant = ", ".join(f"{each.title} ({each.year}) is {each.movie_id}" for each in found)
    raise ProblemError(f"“{text}” may be several movies: {meant}. Write the key.")


def _show(
    request: Request,
    visitor: Visitor,
    services: Services,
    edited: Edited,
    *,
    status: int = 200,
) -> Response:
    catalogue = services.find(CurrentSnapshot).snapshot.catalogue
    texts = texts_of(edited.fields)
    return show(
        request, visitor, "scenario.html", status=status, edited=edited, texts=texts,
        n_boosts=rows_shown(texts, "boost", MAX_BOOSTS), n_pins=rows_shown(texts, "pin", MAX_PINS),
        last_place=MAX_NUMBER,
        boosts=scenario_form.BOOSTS, sources=scenario_form.SOURCES,
        genres=sorted({genre for movie in catalogue.movies.values() for genre in movie.genres}),
        titles={text: _title(catalogue.movies, text) for text in _movies_named(texts)},
        versions=_versions(services, edited.name),
    )  # fmt: skip


def _versions(services: Services, name: str) -> list[ScenarioVersion]:
    try:
        return services.find(ScenarioService).versions(name)
    except ScenarioNotFoundError:
        return []


def _movies_named(texts: Fields) -> list[str]:
    """Return what stands in the fields of movies."""
    pinned = [text for name, text in texts.items() if name.endswith("-movie")]
    return [*pinned, *map(str.strip, texts["exclude"].splitlines())]


def _title(movies: Mapping[int, CatalogueMovie], text: str) -> str:
    """Return the title of the movie with this key, empty if there is none."""
    try:
        movie = movies.get(movie_id(movie_key(text)))
    except ValueError:
        return ""
    return f"{movie.title} ({movie.year})" if movie and movie.year else movie.title if movie else ""
