"""Pins, places for new movies, and a maximum per genre: one walk down the sections of a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum
from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.recommendations.compiled import Compiled
from app.recommendations.sections import Section

CHUNK = 64  # movies of a section that are asked for first


class Kind(Enum):
    """Why a movie is at its place."""

    RANKED = 0
    PINNED = 1
    NEW = 2


class Entry(NamedTuple):
    """A movie of a list, by its position in the catalogue.

    `section` is the last one that was read when the movie got its place: its own, if it is ranked.
    """

    position: int
    section: int
    kind: Kind = Kind.RANKED


class Arrangement:
    """Gives each place of a list to a pin, a new movie, or the next one of the sections.

    Of `n` places in a row, share · n or one more or less are for new movies: place k is one if a
    whole number is between share · k + u and share · (k + 1) + u, u drawn for the list. The new
    movies come in an order that is drawn, each as likely as the other. A movie that would exceed
    the maximum of one of its genres has no place, a pin neither.
    """

    def __init__(
        self,
        compiled: Compiled,
        sections: Sequence[Section],
        left: NDArray[np.bool_],
        seed: int,
    ) -> None:
        self.rules = compiled.definition
        self.sections = sections
        genres = compiled.snapshot.facets.genres
        self._genres = genres if self.rules.max_per_genre else None
        self._of_genre: Counter[str] = Counter()
        self._listed: set[int] = set()
        self._reached = 0
        pins = [(place, each) for place, each in compiled.pins if left[each] and self._take(each)]
        self._pins = dict(pins)
        self._offset, self._new = 0.0, iter(list[int]())
        if self.rules.exploration:
            draw = np.random.default_rng(seed)
            self._offset, new = draw.random(), draw.permutation(compiled.new)
            self._new = iter(new[left[new]].tolist())
        self._ranked = self._in_sections()

    def entries(self) -> Iterator[Entry]:
        """Yield the list from its beginning, also behind the number of its movies."""
        place = 0
        while entry := self._pin(place) or self._explored(place) or next(self._ranked, None):
            yield entry
            place += 1
        # Nothing is left to stand in front of these.
        for _, position in sorted(self._pins.items()):
            yield Entry(position, self._reached, Kind.PINNED)

    def _pin(self, place: int) -> Entry | None:
        position = self._pins.pop(place, None)
        return None if position is None else Entry(position, self._reached, Kind.PINNED)

    def _explored(self, place: int) -> Entry | None:
        share = self.rules.exploration
        if floor(share * (place + 1) + self._offset) == floor(share * place + self._offset):
            return None
        for position in self._new:
            if self._take(position):
                return Entry(position, self._reached, Kind.NEW)
        return None

    def _in_sections(self) -> Iterator[Entry]:
        for index, section in enumerate(self.sections):
            self._reached = index
            done = 0
            while done < len(section):
                end = min(max(2 * done, CHUNK), len(section))
                for position in section.first(end)[done:].tolist():
                    if self._take(position):
                        yield Entry(position, index)
                done = end

    def _take(self, position: int) -> bool:
        """Note that a movie has a place, unless it has one or may have none."""
        if position in self._listed:
            return False
        limit = self.rules.max_per_genre
        if self._genres is not None and limit is not None:
            genres = self._genres.of(position)
            if any(self._of_genre[name] >= limit for name in genres):
                return False
            self._of_genre.update(genres)
        self._listed.add(position)
        return True
