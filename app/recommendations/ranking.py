"""The list of a user: sections, one after the other, arranged by the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from app.live.snapshot import Source
from app.recommendations.arrangement import Arrangement, Entry, Kind
from app.recommendations.compiled import Compiled
from app.recommendations.schemas import MAX_STATE, RecommendedMovie
from app.recommendations.sections import ListedSection, ModelSection, Section


class Ranking:
    """All movies of a list in their order; each is in it once."""

    def __init__(
        self,
        compiled: Compiled,
        sections: Sequence[Section],
        left: NDArray[np.bool_],
        seed: int = 0,
    ) -> None:
        """Rank the movies that are `left` for a user; `seed` draws the places of new ones."""
        self.compiled = compiled
        self.sections = sections
        self.number = compiled.definition.number
        self._entries: list[Entry] = []
        self._more: Iterator[Entry] | None = None
        if compiled.is_arranged:
            self._more = Arrangement(compiled, sections, left, seed).entries()

    def page(self, begin: int, limit: int, reasons: int) -> list[RecommendedMovie]:
        """Return `limit` movies from position `begin` on, fewer at the end."""
        entries = self._first(begin + limit)[begin:]
        described: dict[int, RecommendedMovie] = {}
        for section, positions in self._describers(entries):
            items = section.describe(np.array(positions, dtype=np.int64), reasons)
            described.update(zip(positions, items, strict=True))
        for entry in entries:
            if entry.kind is Kind.PINNED:
                described[entry.position].pinned = True
            elif entry.kind is Kind.NEW:
                described[entry.position].source = Source.NEW
        return [described[entry.position] for entry in entries]

    def reaches(self, position: int) -> bool:
        """Tell whether there is a movie at this position."""
        if self._more is not None:
            return len(self._first(position + 1)) > position
        n_movies = sum(len(section) for section in self.sections)
        return position < (n_movies if self.number is None else min(self.number, n_movies))

    def state_at(self, position: int) -> str:
        """Return the states of the sections before this position and of the one at it.

        A section that was read to its end counts, too: with another length the rest would move.
        """
        if not self.reaches(position):
            return ""
        last = self._section_at(position)
        states = "".join(section.state for section in self.sections[: last + 1])
        states += self.compiled.arrangement_state
        if len(states) <= MAX_STATE:
            return states
        return blake2b(states.encode(), digest_size=9).hexdigest()

    def positions(self) -> NDArray[np.int64]:
        """Return the positions in the catalogue of all movies of the list."""
        entries = self._first(len(self.compiled.allowed))
        return np.array([entry.position for entry in entries], dtype=np.int64)

    @property
    def model_section(self) -> ModelSection | None:
        """The section of the movies that the model knows, if the list has one."""
        return next((each for each in self.sections if isinstance(each, ModelSection)), None)

    @cached_property
    def _popular(self) -> Section:
        return ListedSection(self.compiled, self.compiled.listing(Source.POPULAR))

    def _section_at(self, position: int) -> int:
        if self._more is not None:
            return self._first(position + 1)[position].section
        ends = np.cumsum([len(section) for section in self.sections])
        return int(np.searchsorted(ends, position, side="right"))

    def _first(self, end: int) -> list[Entry]:
        if self.number is not None:
            end = min(end, self.number)
        if self._more is not None:
            self._entries += islice(self._more, max(end - len(self._entries), 0))
        elif len(self._entries) < end:
            self._entries = self._ranked(end)
        return self._entries[:end]

    def _ranked(self, end: int) -> list[Entry]:
        entries: list[Entry] = []
        for index, section in enumerate(self.sections):
            if len(entries) < end:
                positions = section.first(end - len(entries)).tolist()
                entries += [Entry(position, index) for position in positions]
        return entries

    def _describers(self, entries: Sequence[Entry]) -> Iterator[tuple[Section, list[int]]]:
        """Yield which section describes which of the movies.

        A pin is as the model sees it, if that answers and knows it, and otherwise as a popular one.
        """
        model = self.model_section
        by_section: dict[Section, list[int]] = {}
        for entry in entries:
            if entry.kind is Kind.RANKED:
                section = self.sections[entry.section]
            elif entry.kind is Kind.PINNED and model and self.compiled.known[entry.position]:
                section = model
            else:
                section = self._popular
            by_section.setdefault(section, []).append(entry.position)
        yield from by_section.items()
