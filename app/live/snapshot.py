"""What one answer is made from: a model and the movies, which never change under it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.core.errors import NotReadyError
from app.live.catalogue import Catalogue, fingerprint
from app.live.drift import Origin
from app.live.filters import Facets
from model.rbm import RBM
from model.similarity import like_lengths


class LoadedModel(NamedTuple):
    """A published model in memory."""

    version: str
    rbm: RBM
    lengths: NDArray[np.float32]  # see `like_lengths`
    origin: Origin

    @classmethod
    def of(cls, version: str, rbm: RBM, origin: Origin) -> LoadedModel:
        """Derive what depends on the model alone."""
        return cls(version, rbm, like_lengths(rbm), origin)


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A model, and which of its movies the catalogue has.

    *Row* is a movie's place in the model, *position* its place in the catalogue. A movie that the
    catalogue does not have cannot be shown: it is not `servable`.
    """

    version: str
    rbm: RBM
    lengths: NDArray[np.float32]
    positions: NDArray[np.int64]  # of each row; something where it is not servable
    servable: NDArray[np.bool_]
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, loaded: LoadedModel, catalogue: Catalogue) -> ServedModel:
        """Join a model and a catalogue."""
        version, rbm, lengths, _ = loaded
        rows = np.argsort(rbm.movie_ids, kind="stable")
        positions = _places(catalogue.movie_ids, rbm.movie_ids)
        servable = positions >= 0
        return cls(
            version, rbm, lengths, np.maximum(positions, 0), servable, rbm.movie_ids[rows], rows
        )

    def rows_of(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the row of each movie, -1 where the model does not know it."""
        places = _places(self.ids, movie_ids)
        return np.where(places >= 0, self.rows[places], -1) if len(self.rows) else places

    def allowed(self, movies: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Tell which rows may be shown, where only these movies of the catalogue may."""
        if movies is None or not len(movies):
            return self.servable
        return self.servable & movies[self.positions]


class Source(StrEnum):
    """Where a list, or a movie in it, comes from."""

    RBM = "rbm"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A model, or none yet, with the catalogue; swapped as a whole.

    A `state` names what decides an order of movies, so that a cursor into it can tell whether it
    still is that order; it is the same in every process.
    """

    catalogue: Catalogue
    facets: Facets
    model: ServedModel | None
    popular: NDArray[np.int64]  # positions of all movies, the most popular first
    popular_state: str
    unknown: NDArray[np.int64]  # the same of those that the model does not know
    unknown_state: str
    servable_state: str

    @classmethod
    def of(cls, catalogue: Catalogue, loaded: LoadedModel | None) -> Snapshot:
        """Derive what every answer needs."""
        model = ServedModel.of(loaded, catalogue) if loaded else None
        popular = catalogue.by_popularity()
        known = model.ids if model else np.zeros(0, dtype=np.int64)
        unknown = popular[~np.isin(catalogue.movie_ids[popular], known)]
        return cls(
            catalogue=catalogue,
            facets=Facets.of(catalogue),
            model=model,
            popular=popular,
            popular_state=fingerprint(catalogue.movie_ids[popular]),
            unknown=unknown,
            unknown_state=fingerprint(catalogue.movie_ids[unknown]),
            servable_state=fingerprint(np.flatnonzero(model.servable)) if model else "",
        )

    @property
    def unknown_ratings_share(self) -> float:
        """Share of all ratings that are on movies which the model does not know."""
        ratings = self.catalogue.ratings
        return float(ratings[self.unknown].sum() / max(ratings.sum(), 1))

    @property
    def version(self) -> str | None:
        """Version of the model."""
        return self.model.version if self.model else None


class CurrentSnapshot:
    """The snapshot that responses are made from, and its number: a thread swaps in the next."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._generation = 0

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot; raises `NotReadyError` before the movies are read."""
        if self._snapshot is None:
            raise NotReadyError("The movies could not be read from the database yet.")
        return self._snapshot

    def generation(self) -> int:
        """Return the number of the snapshot, 0 before there is one."""
        return self._generation

    def swap(self, snapshot: Snapshot) -> None:
        """Make all responses from this snapshot from now on."""
        # In this order: what is made in between counts as made from the one before.
        self._snapshot = snapshot
        self._generation += 1


def _places(rising: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the place of each wanted number among the rising ones, -1 where it is not there."""
    if not len(rising):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(rising, wanted), len(rising) - 1)
    return np.where(rising[places] == wanted, places, -1)
