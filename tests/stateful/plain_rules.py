"""The rules of lists in plain Python, and what is wrong with a list that breaks one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Definition = dict[str, Any]
NO_RULES: Definition = {}
SOURCES = ["rbm", "popular"]


@dataclass
class Film:
    """A movie, with what rules look at; the bounds are Unix seconds."""

    genres: tuple[str, ...] = ()
    year: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    withdrawn: bool = False
    begin: int | None = None
    end: int | None = None

    def is_available(self, at: int) -> bool:
        begun = self.begin is None or self.begin <= at
        return begun and not self.withdrawn and (self.end is None or at < self.end)

    def has(self, written: str) -> bool:
        """Tell whether it has an attribute as a filter writes it."""
        name, _, wanted = written.partition(":")
        value = self.attributes.get(name)
        if ".." not in wanted:
            return str(value) == wanted
        low, high = (
            float(text or no_bound)
            for text, no_bound in zip(wanted.split(".."), ("-inf", "inf"), strict=True)
        )
        return isinstance(value, int | float) and low <= value <= high

    def passes(self, filters: Mapping[str, Any], known_genres: Collection[str]) -> bool:
        """Tell whether filters let it through; of genres that are not known none counts."""
        wanted = set(filters.get("genre", ())) & set(known_genres)
        year, first, last = self.year, filters.get("year_from"), filters.get("year_to")
        return (
            (not wanted or bool(wanted & set(self.genres)))
            and not set(filters.get("exclude_genre", ())) & set(self.genres)
            and (first is None or (year is not None and year >= first))
            and (last is None or (year is not None and year <= last))
            and all(map(self.has, filters.get("attribute", ())))
        )


@dataclass
class Served:
    """What a worker makes lists from: what it found when it polled last."""

    films: dict[int, Film]
    known: frozenset[int] = frozenset()  # by the model
    scenarios: dict[str, Definition] = field(default_factory=dict)
    # Arms of each experiment, and the scenario that answers, by the scenario that is asked for.
    experiments: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    ratings: Counter[int] = field(default_factory=Counter)  # of each movie, as counted last
    clock: int = 0

    def available(self) -> set[int]:
        return {id_ for id_, film in self.films.items() if film.is_available(self.clock)}

    def genres(self) -> set[str]:
        return {genre for film in self.films.values() for genre in film.genres}

    def attributes(self) -> set[str]:
        return {name for film in self.films.values() for name in film.attributes}

    def allowed(self, rules: Mapping[str, Any]) -> set[int]:
        """Return the available movies that the filters of a scenario let through."""
        unknown = {name.partition(":")[0] for name in rules.get("attribute", ())}
        if unknown - self.attributes():
            return set()
        wanted = rules.get("genre", ())
        return {
            id_
            for id_ in self.available() - set(rules.get("exclude", ()))
            if self.films[id_].passes(rules, self.genres())
            and (not wanted or set(wanted) & set(self.films[id_].genres))
            and self.ratings[id_] >= rules.get("min_ratings", 0)
        }

    def requested(self, filters: Mapping[str, Any], among: Iterable[int]) -> set[int]:
        """Return those that the filters of a request let through."""
        excluded = set(filters.get("exclude", ()))
        return {
            id_
            for id_ in among
            if id_ not in excluded and self.films[id_].passes(filters, self.genres())
        }

    def why_left_out(self, id_: int, rules: Mapping[str, Any], rated: set[int], seen: set[int],
                     shown: set[int]) -> str:  # fmt: skip
        """Return why a ranking has not this movie."""
        for holds, why in (
            (id_ not in self.films, "unknown"), (id_ not in self.available(), "unavailable"),
            (id_ in rated, "rated"), (id_ in seen, "seen"), (id_ in shown, "shown"),
            (id_ not in self.allowed(rules), "excluded"),
        ):  # fmt: skip
            if holds:
                return why
        return "no_place"


def check_list(
    items: list[dict[str, Any]],
    served: Served,
    definition: Definition,
    allowed: set[int],
    *,
    is_ordered: bool = True,
) -> None:
    """Assert that a whole list breaks no rule; `allowed` are the movies that it may have."""
    ids = [item["movie_id"] for item in items]
    assert len(set(ids)) == len(ids), "a movie is listed twice"
    assert set(ids) <= allowed, set(ids) - allowed
    limit = definition.get("max_per_genre")
    number = definition.get("number", len(allowed))
    genres = Counter(genre for id_ in ids for genre in served.films[id_].genres)
    assert limit is None or all(n <= limit for n in genres.values()), genres
    assert len(ids) <= number
    if "popular" in definition.get("sources", SOURCES):
        assert len(ids) == min(number, len(allowed)) or limit is not None, "movies are missing"
    _check_pins(items, _pins(served, definition, allowed), number)
    ranked = [item for item in items if "pinned" not in item and item["source"] != "new"]
    if len(ranked) + sum("pinned" in item for item in items) < len(items):
        assert definition.get("exploration"), "nothing makes places for new movies"
    _check_order(ranked, definition, served, is_ordered=is_ordered)


def _pins(served: Served, definition: Definition, allowed: set[int]) -> dict[int, int]:
    """Return the pinned movies that have a place, by their places from 0 on."""
    limit, taken = definition.get("max_per_genre"), Counter[str]()
    placed = {}
    for pin in sorted(definition.get("pins", ()), key=lambda pin: pin["position"]):
        id_ = pin["movie_id"]
        if id_ in allowed:
            genres = served.films[id_].genres
            if limit is None or all(taken[genre] < limit for genre in genres):
                taken.update(genres)
                placed[pin["position"] - 1] = id_
    return placed


def _check_pins(items: list[dict[str, Any]], pins: dict[int, int], number: int) -> None:
    """Assert that each pin has its place, or one of the last where too few movies are left."""
    n_others = len(items) - len(pins)
    expected: list[int | None] = []
    while (len(expected) in pins or n_others) and len(expected) < number:
        here = pins.pop(len(expected), None)
        n_others -= here is None
        expected.append(here)
    expected += [pins[place] for place in sorted(pins)]
    found = [item["movie_id"] if item.get("pinned") else None for item in items]
    assert found == expected, (found, expected)


def _check_order(
    ranked: list[dict[str, Any]], definition: Definition, served: Served, *, is_ordered: bool
) -> None:
    """Assert that sources come in their order, and the movies of each by falling score."""
    sources = definition.get("sources", SOURCES)
    for item in ranked:
        assert _listed_by(item) in sources
        assert item["source"] != "rbm" or item["movie_id"] in served.known
        assert item["source"] != "genres" or item["movie_id"] not in served.known
    for before, behind in pairwise(ranked):
        if before["source"] != behind["source"]:
            assert sources.index(_listed_by(before)) < sources.index(_listed_by(behind))
        elif before["source"] != "rbm" or (is_ordered and not definition.get("diversity")):
            assert before["score"] >= behind["score"]


def _listed_by(item: dict[str, Any]) -> str:
    """Return the source of a scenario; behind the model, popular movies are by genres too."""
    return "popular" if item["source"] == "genres" else str(item["source"])
