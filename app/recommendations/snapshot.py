"""What one answer is made from: a model and the films, which never change under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.movies.catalogue import Catalogue, fingerprint
from model.rbm import RBM


class LoadedModel(NamedTuple):
    """A published model in memory."""

    version: str
    rbm: RBM


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A model, and which of its films the catalogue has.

    *Row* is a film's place in the model, *position* its place in the catalogue. A film that the
    catalogue does not have cannot be shown: it is not `servable`.
    """

    version: str
    rbm: RBM
    servable: NDArray[np.bool_]
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, loaded: LoadedModel, catalogue: Catalogue) -> ServedModel:
        """Join a model and a catalogue."""
        version, rbm = loaded
        rows = np.argsort(rbm.movie_ids, kind="stable")
        servable = np.isin(rbm.movie_ids, catalogue.movie_ids)
        return cls(version, rbm, servable, rbm.movie_ids[rows], rows)

    def rows_of(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the row of each film, -1 where the model does not know it."""
        if not len(self.ids):
            return np.full(len(movie_ids), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.ids, movie_ids), len(self.ids) - 1)
        return np.where(self.ids[places] == movie_ids, self.rows[places], -1)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A model, or none yet, with the catalogue; swapped as a whole.

    A `state` names what decides an order of films, so that a cursor into it can tell whether it
    still is that order; it is the same in every process.
    """

    catalogue: Catalogue
    model: ServedModel | None
    popular: NDArray[np.int64]  # positions of all films, the most popular first
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
            model=model,
            popular=popular,
            popular_state=fingerprint(catalogue.movie_ids[popular]),
            unknown=unknown,
            unknown_state=fingerprint(catalogue.movie_ids[unknown]),
            servable_state=fingerprint(np.flatnonzero(model.servable)) if model else "",
        )

    @property
    def version(self) -> str | None:
        """Version of the model."""
        return self.model.version if self.model else None
