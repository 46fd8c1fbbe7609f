"""The sections that show films: hidden features, and people with what they were recommended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.report.values import clean, mappings, number

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["examples", "features"]

# A heavy user has rated thousands of films; a page shows what a glance can take in.
RATED_SHOWN, RECOMMENDED_SHOWN = 10, 12


@dataclass(frozen=True, slots=True)
class Film:
    """A film with what is said of it: a weight, a like, a score or a hit."""

    title: str
    year: int | None
    weight: float | None = None
    length: float = 0.0  # of the weight's bar, relative to the largest of the unit
    liked: bool | None = None
    score: float | None = None
    hit: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A hidden unit; `directions` are ("on", films) and ("off", films), those that have films."""

    unit: str
    share_on: float | None
    directions: list[tuple[str, list[Film]]]


@dataclass(frozen=True, slots=True)
class Person:
    """An example user."""

    rated: list[Film]
    n_rated: int
    recommended: list[Film]
    n_hits: int

    @property
    def n_unshown(self) -> int:
        """Ratings that the list leaves out."""
        return self.n_rated - len(self.rated)


def features(values: object) -> list[Unit]:
    """Hidden units that have at least one film."""
    units = []
    for row in mappings(values):
        sides = [(key, films) for key in ("on", "off") if (films := mappings(row.get(key)))]
        weights = [number(film.get("weight")) for _, films in sides for film in films]
        largest = max((abs(weight) for weight in weights if weight is not None), default=0.0)
        directions = [(key, [_weighted(film, largest) for film in films]) for key, films in sides]
        if directions:
            units.append(Unit(clean(row.get("unit")), number(row.get("share_on")), directions))
    return units


def examples(values: object) -> list[Person]:
    """People with at least one recommendation."""
    people = []
    for row in mappings(values):
        rated = [
            Film(*_name(film), liked=bool(film.get("liked"))) for film in mappings(row.get("rated"))
        ]
        recommended = [
            Film(*_name(film), score=number(film.get("score")), hit=film.get("hit") is True)
            for film in mappings(row.get("recommended"))
        ][:RECOMMENDED_SHOWN]
        if recommended:
            hits = sum(film.hit for film in recommended)
            people.append(Person(rated[:RATED_SHOWN], len(rated), recommended, hits))
    return people


def _weighted(film: Mapping[str, Any], largest: float) -> Film:
    weight = number(film.get("weight"))
    length = abs(weight) / largest if weight is not None and largest else 0.0
    return Film(*_name(film), weight=weight, length=length)


def _name(film: Mapping[str, Any]) -> tuple[str, int | None]:
    year = number(film.get("year"))
    return clean(film.get("title")).strip(), None if year is None else int(year)
