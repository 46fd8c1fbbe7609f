"""The films in the orders in which people look through them, and their titles to search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.movies.catalogue import Film
from app.movies.search import TitleIndex
from app.movies.words import ARTICLES, fold


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What follows from the films alone; an order holds places in the catalogue."""

    films: Mapping[int, Film]
    titles: TitleIndex
    by_title: NDArray[np.int64]
    newest: NDArray[np.int64]

    @classmethod
    def of(cls, films: Mapping[int, Film]) -> Shelf:
        """Put the films in order."""
        names = [_name(film.title) for film in films.values()]
        by_title = sorted(range(len(names)), key=names.__getitem__)
        years = np.array([film.year or 0 for film in films.values()], dtype=np.int64)
        positions = np.arange(len(names))
        return cls(
            films=films,
            titles=TitleIndex(films),
            by_title=np.array(by_title, dtype=np.int64),
            newest=np.lexsort((-positions, -years)),  # a higher id is a later addition
        )


def _name(title: str) -> tuple[str, str]:
    """Give what a title is ordered by: without a leading article."""
    words = fold(title).split()
    if len(words) > 1 and words[0] in ARTICLES:
        words = words[1:]
    return " ".join(words), title
