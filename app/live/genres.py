"""The genres of all movies, in four bytes for each movie however many genres there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


class Genres(Mapping[str, NDArray[np.bool_]]):
    """By case-folded name, a mask of positions, made when it is asked for.

    A *set* is a combination of genres that some movie has.
    """

    def __init__(self, of_movies: Iterable[tuple[str, ...]], n_movies: int) -> None:
        """Take note of the genres of each movie."""
        numbers: dict[tuple[str, ...], int] = {}
        places = (numbers.setdefault(names, len(numbers)) for names in of_movies)
        self.of_movies = np.fromiter(places, dtype=np.int32, count=n_movies)  # set of each position
        self.sets = [tuple(dict.fromkeys(map(str.casefold, names))) for names in numbers]
        self.written: dict[str, str] = {}  # each name as some movie has it
        for names in numbers:
            for name in names:
                self.written.setdefault(name.casefold(), name)
        self._sets_of: dict[str, list[int]] = {}
        for number, names in enumerate(self.sets):
            for name in names:
                self._sets_of.setdefault(name, []).append(number)
        digest = blake2b("\n".join(map("|".join, self.sets)).encode(), digest_size=9)
        digest.update(self.of_movies.astype("<i4").tobytes())
        self.state = digest.hexdigest()  # fingerprint

    def __getitem__(self, folded: str) -> NDArray[np.bool_]:
        """Tell which movies have a genre; raises `KeyError`."""
        has_genre = np.zeros(len(self.sets), dtype=np.bool_)
        has_genre[self._sets_of[folded]] = True
        mask: NDArray[np.bool_] = has_genre[self.of_movies]
        return mask

    def of(self, position: int) -> tuple[str, ...]:
        """Return the genres of a movie."""
        return self.sets[int(self.of_movies[position])]

    def counts(self, movies: NDArray[np.bool_]) -> dict[str, int]:
        """Count those of a mask of positions that have each genre."""
        of_sets = np.bincount(self.of_movies[movies], minlength=len(self.sets))
        return {name: int(of_sets[sets].sum()) for name, sets in self._sets_of.items()}

    def __contains__(self, folded: object) -> bool:
        """Tell whether a movie has this genre."""
        return folded in self._sets_of

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._sets_of)

    def __len__(self) -> int:
        """Count the genres."""
        return len(self._sets_of)
