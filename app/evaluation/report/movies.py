"""The sections that show movies: hidden features, and people with what they were recommended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.report.values import clean, mappings, number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["examples", "features"]

# A heavy user has rated thousands of movies; a page shows what a glance can take in.
RATED_SHOWN, RECOMMENDED_SHOWN = 10, 12


@dataclass(frozen=True, slots=True)
class CatalogueMovie:
    """A movie with what is said of it: a weight, a like, a score or a hit."""

    title: str
    year: int | None
    weight: float | None = None
    length: float = 0.0  # of the weight's bar, relative to the largest of the unit
    liked: bool | None = None
    score: float | None = None
    hit: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A hidden unit; `directions` are ("on", movies) and ("off", movies) where there are any."""

    unit: str
    share_on: float | None
    directions: list[tuple[str, list[CatalogueMovie]]]


@dataclass(frozen=True, slots=True)
class UserRatings:
    """An example user."""

    rated: list[CatalogueMovie]
    n_rated: int
    recommended: list[CatalogueMovie]
    n_hits: int

    @property
    def n_unshown(self) -> int:
        """Ratings that the list leaves out."""
        return self.n_rated - len(self.rated)


def features(values: object) -> list[Unit]:
    """Hidden units that have at least one movie."""
    units = []
    for row in mappings(values):
        sides = [(key, movies) for key in ("on", "off") if (movies := mappings(row.get(key)))]
        weights = [number(movie.get("weight")) for _, movies in sides for movie in movies]
        largest = max((abs(weight) for weight in weights if weight is not None), default=0.0)
        directions = [
            (key, [_weighted(movie, largest) for movie in movies]) for key, movies in sides
        ]
        if directions:
            units.append(Unit(clean(row.get("unit")), number(row.get("share_on")), directions))
    return units


def examples(values: object) -> list[UserRatings]:
    """People with at least one recommendation."""
    people = []
    for row in mappings(values):
        rated = [
            CatalogueMovie(*_name(movie), liked=bool(movie.get("liked")))
            for movie in mappings(row.get("rated"))
        ]
        recommended = [
            CatalogueMovie(
                *_name(movie), score=number(movie.get("score")), hit=movie.get("hit") is True
            )
            for movie in mappings(row.get("recommended"))
        ][:RECOMMENDED_SHOWN]
        if recommended:
            hits = sum(movie.hit for movie in recommended)
            people.append(UserRatings(rated[:RATED_SHOWN], len(rated), recommended, hits))
    return people


def _weighted(movie: Mapping[str, Any], largest: float) -> CatalogueMovie:
    weight = number(movie.get("weight"))
    length = abs(weight) / largest if weight is not None and largest else 0.0
    return CatalogueMovie(*_name(movie), weight=weight, length=length)


def _name(movie: Mapping[str, Any]) -> tuple[str, int | None]:
    year = number(movie.get("year"))
    return clean(movie.get("title")).strip(), None if year is None else int(year)
