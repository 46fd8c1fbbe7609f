"""Filters: which movies of the catalogue may be in a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.core.errors import InvalidRequestError
from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.http.identifiers import SentMovieKey
from app.live.attributes import AttributeFilter, AttributeIndex
from app.live.catalogue import Catalogue
from app.live.genres import Genres
from data.movie_keys import movie_ids
from data.rules import MAX_ATTRIBUTE_NAME_LENGTH, MAX_TEXT_LENGTH, shown

MAX_GENRES = 20
MAX_EXCLUDED = 1000
MAX_COUNT = 2**31 - 1
MAX_YEAR = 9999
Genre = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Year = Annotated[int, Field(ge=0, le=MAX_YEAR), WHOLE]
MAX_ATTRIBUTE_FILTERS = 20


def is_none(value: object) -> bool:
    """Tell whether a field is left out of what is shown and stored."""
    return value is None


def _attribute(written: str) -> str:
    AttributeFilter.parse(written)
    return written


WrittenAttribute = Annotated[
    str,
    StringConstraints(max_length=MAX_ATTRIBUTE_NAME_LENGTH + 1 + MAX_TEXT_LENGTH),
    AfterValidator(_attribute),
]
AttributeFilters = Annotated[
    list[Annotated[WrittenAttribute, Field(json_schema_extra={"pattern": "^[^:]+:.+$"})]],
    Field(
        max_length=MAX_ATTRIBUTE_FILTERS,
        description="Only movies with this text or tag, `studio:Ghibli`, or with a number in this "
        "range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must hold",
    ),
]


class Filters(RequestModel):
    """Which movies may be in a list."""

    location: ClassVar[str] = "query"  # of these fields in the request

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, values: Any) -> Any:
        for name, value in values.items() if isinstance(values, dict) else ():
            if value is None:
                raise ValueError(f"{name} must not be null; leave it out")
        return values

    genre: Annotated[
        list[Genre],
        Field(max_length=MAX_GENRES, description="Only movies of any of these; may be repeated"),
    ] = []
    exclude_genre: Annotated[
        list[Genre],
        Field(max_length=MAX_GENRES, description="No movie of any of these; may be repeated"),
    ] = []
    year_from: Annotated[
        Year | None,
        OMITTABLE,
        Field(exclude_if=is_none, description="Only movies of this year or later"),
    ] = None
    year_to: Annotated[
        Year | None,
        OMITTABLE,
        Field(exclude_if=is_none, description="Only movies of this year or earlier"),
    ] = None
    exclude: Annotated[
        list[SentMovieKey],
        Field(max_length=MAX_EXCLUDED, description="None of these movies; may be repeated"),
    ] = []
    min_ratings: Annotated[
        int,
        Field(ge=0, le=MAX_COUNT, description="Only movies with at least so many ratings"),
        WHOLE,
    ] = 0
    attribute: AttributeFilters = []


IgnoredGenres = Annotated[
    list[str],
    Field(
        exclude_if=lambda names: not names,
        description="Genres of the filters that no movie has, so that they were ignored; left out "
        "where there is none",
    ),
]


@dataclass(frozen=True, slots=True, eq=False)
class Facets:
    """The properties that filters use, one entry per position of the catalogue."""

    movie_ids: NDArray[np.int64]
    ratings: NDArray[np.int64]
    years: NDArray[np.int64]  # -1 if unknown
    genres: Genres
    attributes: AttributeIndex

    @classmethod
    def of(cls, catalogue: Catalogue) -> Facets:
        """Derive the properties from the movies."""
        movies = catalogue.movies.values()
        years = (-1 if movie.year is None else movie.year for movie in movies)
        return cls(
            catalogue.movie_ids,
            catalogue.ratings,
            np.fromiter(years, dtype=np.int64, count=len(movies)),
            Genres((movie.genres for movie in movies), len(movies)),
            AttributeIndex([movie.attributes for movie in movies]),
        )

    def counted(self, catalogue: Catalogue) -> Facets:
        """Return the same for other counts of the same movies."""
        return replace(self, ratings=catalogue.ratings)

    def allowed(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Tell which movies may be shown, None for all."""
        masks = list(self._masks(filters))
        return np.logical_and.reduce(masks) if masks else None

    def allowed_by_rule(self, rule: Filters) -> NDArray[np.bool_]:
        """Tell which movies a stored rule lets through.

        Genres or attributes that no movie has any more let none through: a rule that was checked
        when it was stored must not end with the last movie that it is about.
        """
        genres = np.ones(len(self.movie_ids), dtype=np.bool_)
        if rule.genre:
            genres = self._any_of(rule.genre)
        if not all(map(self._has_name, rule.attribute)):
            return np.zeros_like(genres)
        allowed = self.allowed(rule)
        return genres if allowed is None else genres & allowed

    def unknown_genres(self, filters: Filters) -> list[str]:
        """Return the genres of the filters that no movie has: they are no part of the filter."""
        named = dict.fromkeys((*filters.genre, *filters.exclude_genre))
        return [name for name in named if name.casefold() not in self.genres]

    def _has_name(self, written: str) -> bool:
        return self.attributes.mask(AttributeFilter.parse(written)) is not None

    def _masks(self, filters: Filters) -> Iterable[NDArray[np.bool_]]:
        if any(name.casefold() in self.genres for name in filters.genre):
            yield self._any_of(filters.genre)
        if filters.exclude_genre:
            yield ~self._any_of(filters.exclude_genre)
        if filters.year_from is not None:
            yield self.years >= max(filters.year_from, 0)  # an unknown year is in no range
        if filters.year_to is not None:
            yield (self.years <= filters.year_to) & (self.years >= 0)
        if filters.exclude:
            yield ~np.isin(self.movie_ids, movie_ids(filters.exclude))
        if filters.min_ratings:
            yield self.ratings >= filters.min_ratings
        for written in filters.attribute:
            yield self._with_attribute(AttributeFilter.parse(written), filters.location)

    def _with_attribute(self, wanted: AttributeFilter, location: str) -> NDArray[np.bool_]:
        mask = self.attributes.mask(wanted)
        if mask is None:
            message = f"no movie has an attribute {shown(wanted.name)}"
            raise InvalidRequestError.at([location, "attribute"], message, "attribute_unknown")
        return mask

    def _any_of(self, names: Iterable[str]) -> NDArray[np.bool_]:
        found = np.zeros(len(self.movie_ids), dtype=np.bool_)
        for name in names:
            mask = self.genres.get(name.casefold())
            if mask is not None:
                found |= mask
        return found
