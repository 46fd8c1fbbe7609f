"""The form of a scenario: the texts of its fields as a definition, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from app.admin.forms import (
    Fields,
    ProblemError,
    filled,
    percent_of,
    problem_of,
    rows_of,
    share_of,
    texts_of,
)
from app.live.rules import MAX_BOOSTS, MAX_PINS, Boost, ScenarioDefinition
from data.movie_keys import MovieKey

FindMovie = Callable[[str], MovieKey]  # by key or title; raises `ProblemError`

SOURCES = {
    "rbm": "what the model says this user will like",
    "similar": "movies similar to the one liked last",
    "trending": "movies liked most lately",
    "popular": "movies liked most by all",
}
BOOSTS = {
    "popularity": "popular movies",
    "recency": "movies of late years",
    "genre": "movies of a genre",
    "attribute": "movies with an attribute",
}
LABELS = {
    "filters": "", "genre": "genre", "exclude_genre": "no movie of these genres",
    "year_from": "year, from", "year_to": "year, to", "exclude": "banned movie",
    "min_ratings": "ratings at least", "attribute": "attribute", "boosts": "boost", "pins": "pin",
    "half_life_years": "years", "max_per_genre": "movies of one genre", "number": "length",
    "sources": "source", "weight": "how much", "position": "place", "diversity": "variety",
    "exploration": "places for new movies", "not_again_days": "not again for", "movie_id": "movie",
}  # fmt: skip


def write(definition: ScenarioDefinition) -> dict[str, str]:
    """Write a definition into the fields of the form."""
    filters = definition.filters
    fields = {
        "genre": _lines(filters.genre),
        "exclude_genre": _lines(filters.exclude_genre),
        "year_from": _text(filters.year_from),
        "year_to": _text(filters.year_to),
        "min_ratings": _text(filters.min_ratings or None),
        "attribute": _lines(filters.attribute),
        "exclude": _lines(filters.exclude),
        "diversity": percent_of(definition.diversity),
        "number": _text(definition.number),
        "max_per_genre": _text(definition.max_per_genre),
        "exploration": percent_of(definition.exploration),
        "not_again_days": _text(definition.not_again_days or None),
    }
    fields |= {f"source-{i}": name for i, name in enumerate(definition.sources)}
    for i, boost in enumerate(definition.boosts):
        fields |= {f"boost-{i}-{name}": text for name, text in _boost_fields(boost).items()}
    for i, pin in enumerate(definition.pins):
        fields |= {f"pin-{i}-movie": str(pin.movie_id), f"pin-{i}-position": str(pin.position)}
    return fields


def read(fields: Fields, find: FindMovie) -> ScenarioDefinition:
    """Read a definition from the fields of the form; raises `ProblemError`."""
    fields = texts_of(fields)
    filters = {
        "genre": _items(fields, "genre"),
        "exclude_genre": _items(fields, "exclude_genre"),
        "attribute": _items(fields, "attribute"),
        "exclude": [find(text) for text in _items(fields, "exclude")],
        **filled(fields, "year_from", "year_to", "min_ratings"),
    }
    document: dict[str, Any] = {
        "filters": filters,
        "boosts": [_boost(row) for row in rows_of(fields, "boost", MAX_BOOSTS)],
        "pins": [_pin(row, find) for row in rows_of(fields, "pin", MAX_PINS)],
        "sources": [fields[f"source-{i}"] for i in range(len(SOURCES)) if fields[f"source-{i}"]],
        **filled(fields, "number", "max_per_genre", "not_again_days"),
        **{
            name: share_of(text)
            for name, text in filled(fields, "diversity", "exploration").items()
        },
    }
    try:
        return ScenarioDefinition.model_validate(document, strict=False)  # of texts
    except ValidationError as error:
        raise problem_of(error.errors(), LABELS) from None


def _boost_fields(boost: Boost) -> Mapping[str, str]:
    values = boost.model_dump()
    of = values.get("genre") or values.get("attribute") or values.get("half_life_years", "")
    what = f"{of:g}" if isinstance(of, float) else of
    return {"by": values["by"], "weight": f"{values['weight']:g}", "of": what}


def _boost(row: Mapping[str, str]) -> dict[str, str]:
    by = row.get("by", "")
    of = {"recency": "half_life_years", "genre": "genre", "attribute": "attribute"}.get(by)
    boost = {"by": by, "weight": row.get("weight", "")}
    if not by:
        raise ProblemError("A boost says by how much, but not of which movies.")
    if of is None and "of" in row:
        raise ProblemError("A boost of popular movies needs no more than how much.")
    return {**boost, of: row["of"]} if of and "of" in row else boost


def _pin(row: Mapping[str, str], find: FindMovie) -> dict[str, Any]:
    if "movie" not in row:
        raise ProblemError(f"No movie is pinned to place {row['position']}.")
    return {"movie_id": find(row["movie"]), "position": row.get("position", "")}


def _items(fields: Fields, name: str) -> list[str]:
    return [line.strip() for line in fields[name].splitlines() if line.strip()]


def _lines(items: Sequence[object]) -> str:
    return "\n".join(map(str, items))


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
