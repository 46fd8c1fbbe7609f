"""The orders in which movies can be listed, and the index of their titles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.live.catalogue import CatalogueMovie
from app.live.title_search import TitleIndex
from app.live.title_words import ARTICLES, fold


@dataclass(frozen=True, slots=True, eq=False)
class MovieOrders:
    """Derived from the movies alone; an order is an array of positions in the catalogue."""

    movies: Mapping[int, CatalogueMovie]
    titles: TitleIndex
    by_title: NDArray[np.int64]
    newest: NDArray[np.int64]

    @classmethod
    def of(cls, movies: Mapping[int, CatalogueMovie]) -> MovieOrders:
        """Sort the movies."""
        folded = [fold(movie.title) for movie in movies.values()]
        pairs = zip(folded, movies.values(), strict=True)
        names = [_name(words, movie.title) for words, movie in pairs]
        by_title = sorted(range(len(names)), key=names.__getitem__)
        years = np.array([movie.year or 0 for movie in movies.values()], dtype=np.int64)
        positions = np.arange(len(names))
        return cls(
            movies=movies,
            titles=TitleIndex(movies, folded),
            by_title=np.array(by_title, dtype=np.int64),
            newest=np.lexsort((-positions, -years)),  # a higher id is a later addition
        )

    def of_same(self, movies: Mapping[int, CatalogueMovie]) -> MovieOrders:
        """Return the same for movies that are equal."""
        return replace(self, movies=movies)


def _name(folded: str, title: str) -> str:
    """Return the sort key of a title: without a leading article, then as it is written."""
    first, _, rest = folded.partition(" ")
    return f"{rest if rest and first in ARTICLES else folded}\0{title}"
