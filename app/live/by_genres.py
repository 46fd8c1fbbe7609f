"""Movies that the model does not know, by their genres; prepared when first needed."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.live.genres import Genres
from model.affinity import Affinity
from model.fold_in import Given
from model.rbm import RBM


class ByGenres:
    """What the ratings of a user say about the movies of a catalogue by their genres.

    Two threads may both prepare it; either result will do.
    """

    def __init__(self, rbm: RBM, genres: Genres, positions: NDArray[np.int64]) -> None:
        """Take note of the position of each row of a model with a prior, -1 for none."""
        self._rbm = rbm
        self._genres = genres
        self._positions = positions

    @property
    def state(self) -> str:
        """Fingerprint of the genres of all movies."""
        return self._genres.state

    def affinities(self, given: Given, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what the ratings add to the log-odds of movies, by positions."""
        affinities: NDArray[np.float32] = self._affinity.affinities(given)[
            self._genres.of_movies[positions]
        ]
        return affinities

    def effects(self, given: Given, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the effect of each rating on each of these movies."""
        return self._affinity.effects(given, self._genres.of_movies[positions])

    @cached_property
    def _affinity(self) -> Affinity:
        places = {name: place for place, name in enumerate(self._genres)}
        sets = [sorted(places[name] for name in names) for names in self._genres.sets]
        return Affinity(self._rbm, self._rows(sets, len(places)), sets)

    def _rows(self, sets: list[list[int]], n_genres: int) -> list[NDArray[np.int64]]:
        """Return the rows of each genre, rising."""
        rows = np.flatnonzero(self._positions >= 0)
        of_rows = self._genres.of_movies[self._positions[rows]]
        rows = rows[np.argsort(of_rows, kind="stable")]
        ends = np.cumsum(np.bincount(of_rows, minlength=len(sets)))
        by_genre: list[list[NDArray[np.int64]]] = [[] for _ in range(n_genres)]
        for places, of_set in zip(sets, np.split(rows, ends[:-1]), strict=True):
            for place in places:
                by_genre[place].append(of_set)
        return [np.sort(np.concatenate(parts)) for parts in by_genre]
