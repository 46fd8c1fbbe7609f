"""What the page says of all movies: their genres, the colours of these, and their years."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING
from zlib import crc32

from app.live.snapshot import CurrentSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.live.catalogue import CatalogueMovie

NO_YEARS = (1900, 2100)
# A drawn cover has the colour and the motif of the movie's rarest genre among so many.
MAX_TONES = 200
# What a genre looks like; any other name gets one of them by its letters. `covers.css` and the
# symbols of `sprite.html` draw them by number.
TONES = {
    "horror": 0, "crime": 1, "film-noir": 1, "thriller": 2, "mystery": 2, "drama": 3, "war": 4,
    "western": 4, "history": 4, "action": 5, "adventure": 6, "sci-fi": 7, "science fiction": 7,
    "fantasy": 8, "animation": 9, "children": 9, "family": 9, "comedy": 10, "romance": 11,
    "musical": 12, "music": 12, "documentary": 13,
}  # fmt: skip
N_TONES = 1 + max(TONES.values())
PLAIN_TONE = TONES["drama"]
NO_GENRES = {"imax", "(no genres listed)"}  # of MovieLens: they say nothing of what a movie is like


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about the available movies of one snapshot."""

    genres: list[str]
    tones: dict[str, int]  # by genre, the rarest first
    first_year: int
    last_year: int

    @classmethod
    def of(cls, movies: Iterable[CatalogueMovie]) -> Facts:
        """Count genres and years."""
        counts: Counter[str] = Counter()
        first, last = NO_YEARS[::-1]
        for movie in movies:
            counts.update(movie.genres)
            if movie.year is not None:
                first, last = min(first, movie.year), max(last, movie.year)
        telling = [genre for genre in sorted(counts) if genre.casefold() not in NO_GENRES]
        telling.sort(key=counts.__getitem__)
        years = (first, last) if first <= last else NO_YEARS
        return cls(sorted(counts), {genre: _tone(genre) for genre in telling[:MAX_TONES]}, *years)

    def tone(self, genres: Iterable[str]) -> int:
        """Return the tone of a movie of these genres."""
        have = set(genres)
        return next((tone for genre, tone in self.tones.items() if genre in have), PLAIN_TONE)


class PageFacts:
    """The facts of the current snapshot, counted when they are first needed."""

    def __init__(self, current: CurrentSnapshot) -> None:
        self.current = current
        self._counted: tuple[int, Facts] | None = None

    def now(self) -> Facts:
        """Return the facts; two threads may both count them."""
        generation, snapshot = self.current.generation(), self.current.snapshot
        counted = self._counted
        if counted is None or counted[0] != generation:
            movies = compress(snapshot.catalogue.movies.values(), snapshot.available)
            self._counted = counted = (generation, Facts.of(movies))
        return counted[1]


def _tone(genre: str) -> int:
    name = genre.casefold()
    return TONES.get(name, crc32(name.encode()) % N_TONES)
