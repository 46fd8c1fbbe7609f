"""Which films of the catalogue may be in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.movies.catalogue import Catalogue
from app.recommendations.options import Filters


@dataclass(frozen=True, slots=True, eq=False)
class Facets:
    """What films can be chosen by, one entry per position of the catalogue."""

    movie_ids: NDArray[np.int64]
    ratings: NDArray[np.int64]
    years: NDArray[np.int64]  # -1 where it is not known
    genres: Mapping[str, NDArray[np.bool_]]  # by folded name

    @classmethod
    def of(cls, catalogue: Catalogue) -> Facets:
        """Derive them from the films."""
        films = [catalogue.films[movie_id] for movie_id in catalogue.movie_ids.tolist()]
        genres: dict[str, NDArray[np.bool_]] = {}
        for position, film in enumerate(films):
            for name in film.genres:
                mask = genres.setdefault(name.casefold(), np.zeros(len(films), dtype=np.bool_))
                mask[position] = True
        years = [-1 if film.year is None else film.year for film in films]
        return cls(catalogue.movie_ids, catalogue.ratings, np.array(years, dtype=np.int64), genres)

    def allowed(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Tell which films may be shown, None where all may."""
        masks = list(self._masks(filters))
        return np.logical_and.reduce(masks) if masks else None

    def _masks(self, filters: Filters) -> Iterable[NDArray[np.bool_]]:
        if filters.genre:
            yield self._any_of(filters.genre)
        if filters.exclude_genre:
            yield ~self._any_of(filters.exclude_genre)
        if filters.year_from is not None:
            yield self.years >= max(filters.year_from, 0)  # an unknown year is not in any range
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
