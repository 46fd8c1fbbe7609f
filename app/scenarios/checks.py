"""Refuses a definition that names what is not there: a misspelt rule is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.core.errors import FieldError, InvalidRequestError
from app.live.attributes import AttributeFilter
from app.live.filters import Facets
from app.live.rules import AttributeBoost, GenreBoost, ScenarioDefinition
from app.live.snapshot import Snapshot
from data.movie_keys import movie_id
from data.rules import shown


def check(snapshot: Snapshot, definition: ScenarioDefinition) -> None:
    """Raise `InvalidRequestError` for genres, attributes and pinned movies that are not there."""
    wrong = [*_filters(snapshot.facets, definition), *_boosts(snapshot.facets, definition)]
    wrong += _pins(snapshot, definition)
    if wrong:
        raise InvalidRequestError(wrong)


def _filters(facets: Facets, definition: ScenarioDefinition) -> Iterator[FieldError]:
    filters = definition.filters
    for field in ("genre", "exclude_genre"):
        for index, name in enumerate(getattr(filters, field)):
            yield from _genre(facets, name, "filters", field, index)
    for index, written in enumerate(filters.attribute):
        yield from _attribute(facets, written, "filters", "attribute", index)


def _boosts(facets: Facets, definition: ScenarioDefinition) -> Iterator[FieldError]:
    for index, boost in enumerate(definition.boosts):
        if isinstance(boost, GenreBoost):
            yield from _genre(facets, boost.genre, "boosts", index, "genre")
        if isinstance(boost, AttributeBoost):
            yield from _attribute(facets, boost.attribute, "boosts", index, "attribute")


def _pins(snapshot: Snapshot, definition: ScenarioDefinition) -> Iterator[FieldError]:
    for index, pin in enumerate(definition.pins):
        if not np.isin(movie_id(pin.movie_id), snapshot.catalogue.movie_ids):
            message = f"there is no movie {pin.movie_id}"
            yield _error(("pins", index, "movie_id"), message, "movie_unknown")


def _genre(facets: Facets, name: str, *place: str | int) -> Iterator[FieldError]:
    if name.casefold() not in facets.genres:
        yield _error(place, f"no movie has the genre {shown(name)}", "genre_unknown")


def _attribute(facets: Facets, written: str, *place: str | int) -> Iterator[FieldError]:
    wanted = AttributeFilter.parse(written)
    if facets.attributes.mask(wanted) is None:
        message = f"no movie has an attribute {shown(wanted.name)}"
        yield _error(place, message, "attribute_unknown")


def _error(place: tuple[str | int, ...], message: str, kind: str) -> FieldError:
    return FieldError(location=["body", *place], message=message, type=kind)
