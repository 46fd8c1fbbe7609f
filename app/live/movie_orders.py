"""The orders in which movies can be listed, and the index of their titles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
        names = [_name(movie.title) for movie in movies.values()]
        by_title = sorted(range(len(names)), key=names.__getitem__)
        years = np.array([movie.year or 0 for movie in movies.values()], dtype=np.int64)
        positions = np.arange(len(names))
        return cls(
            movies=movies,
            titles=TitleIndex(movies),
            by_title=np.array(by_title, dtype=np.int64),
            newest=np.lexsort((-positions, -years)),  # a higher id is a later addition
        )


def _name(title: str) -> tuple[str, str]:
    """Return the sort key of a title: without a leading article."""
    words = fold(title).split()
    if len(words) > 1 and words[0] in ARTICLES:
        words = words[1:]
    return " ".join(words), title
