"""Filters: which movies of the catalogue may be in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.live.catalogue import Catalogue
from data.rules import MAX_MOVIE_ID

MAX_GENRES = 20
MAX_EXCLUDED = 1000
MAX_COUNT = 2**31 - 1
MAX_YEAR = 9999
Genre = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Id = Annotated[int, Field(ge=1, le=MAX_MOVIE_ID), WHOLE]
Year = Annotated[int, Field(ge=0, le=MAX_YEAR), WHOLE]


class Filters(RequestModel):
    """Which movies may be in a list."""

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
        Year | None, OMITTABLE, Field(description="Only movies of this year or later")
    ] = None
    year_to: Annotated[
        Year | None, OMITTABLE, Field(description="Only movies of this year or earlier")
    ] = None
    exclude: Annotated[
        list[Id],
        Field(max_length=MAX_EXCLUDED, description="None of these movies; may be repeated"),
    ] = []
    min_ratings: Annotated[
        int,
        Field(ge=0, le=MAX_COUNT, description="Only movies with at least so many ratings"),
        WHOLE,
    ] = 0


@dataclass(frozen=True, slots=True, eq=False)
class Facets:
    """The properties that filters use, one entry per position of the catalogue."""

    movie_ids: NDArray[np.int64]
    ratings: NDArray[np.int64]
    years: NDArray[np.int64]  # -1 if unknown
    genres: Mapping[str, NDArray[np.bool_]]  # by case-folded name

    @classmethod
    def of(cls, catalogue: Catalogue) -> Facets:
        """Derive the properties from the movies."""
        movies = [catalogue.movies[movie_id] for movie_id in catalogue.movie_ids.tolist()]
        genres: dict[str, NDArray[np.bool_]] = {}
        for position, movie in enumerate(movies):
            for name in movie.genres:
                mask = genres.setdefault(name.casefold(), np.zeros(len(movies), dtype=np.bool_))
                mask[position] = True
        years = [-1 if movie.year is None else movie.year for movie in movies]
        return cls(catalogue.movie_ids, catalogue.ratings, np.array(years, dtype=np.int64), genres)

    def allowed(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Tell which movies may be shown, None for all."""
        masks = list(self._masks(filters))
        return np.logical_and.reduce(masks) if masks else None

    def _masks(self, filters: Filters) -> Iterable[NDArray[np.bool_]]:
        if filters.genre:
            yield self._any_of(filters.genre)
        if filters.exclude_genre:
            yield ~self._any_of(filters.exclude_genre)
        if filters.year_from is not None:
            yield self.years >= max(filters.year_from, 0)  # an unknown year is in no range
        if filters.year_to is not None:
            yield (self.years <= filters.year_to) & (self.years >= 0)
        if filters.exclude:
            yield ~np.isin(self.movie_ids, filters.exclude)
        if filters.min_ratings:
            yield self.ratings >= filters.min_ratings

    def _any_of(self, names: Iterable[str]) -> NDArray[np.bool_]:
        found = np.zeros(len(self.movie_ids), dtype=np.bool_)
        for name in names:
            mask = self.genres.get(name.casefold())
            if mask is not None:
                found |= mask
        return found
