"""A snapshot: the model and the movies that a response is made from; it never changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.core.errors import NotReadyError
from app.live.by_genres import ByGenres
from app.live.catalogue import Catalogue, fingerprint
from app.live.drift import Origin
from app.live.filters import Facets
from app.live.genres import Genres
from app.live.recency import OFF, Recency
from app.live.rules import NO_RULES, Rules
from app.live.telling import Telling
from app.live.trends import next_bucket_at
from app.store.folder import Copy
from model.rbm import RBM
from model.similarity import like_lengths

if TYPE_CHECKING:
    from model.two_stages import TwoStages


logger = logging.getLogger(__name__)


class LoadedModel(NamedTuple):
    """A published model in memory."""

    version: str
    rbm: RBM
    lengths: NDArray[np.float32]  # see `like_lengths`
    origin: Origin
    copy: Copy | None  # what keeps its files on this machine
    stages: TwoStages | None  # None where all movies are scored
    telling: Telling  # what a new user is asked first

    @classmethod
    def of(cls, version: str, rbm: RBM, origin: Origin, copy: Copy | None = None) -> LoadedModel:
        """Derive everything that depends on the model alone."""
        return cls(version, rbm, like_lengths(rbm), origin, copy, _stages(rbm), Telling(rbm))


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A model joined with the catalogue.

    *Row* is the index of a movie in the model, *position* that in the catalogue. A movie that is
    not in the catalogue cannot be named; one that is not available either is not `servable`.
    """

    version: str
    rbm: RBM
    lengths: NDArray[np.float32]
    stages: TwoStages | None
    positions: NDArray[np.int64]  # of each row; 0 if it is not in the catalogue
    in_catalogue: NDArray[np.bool_]
    servable: NDArray[np.bool_]
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    like_shift: NDArray[np.float32] | None  # added to x[i,L], None without recency
    shift_state: str  # its fingerprint
    by_genres: ByGenres | None  # of movies that it does not know; None without a prior
    telling_rows: Telling

    @classmethod
    def of(
        cls,
        loaded: LoadedModel,
        catalogue: Catalogue,
        recency: Recency,
        available: NDArray[np.bool_],
        genres: Genres,
    ) -> ServedModel:
        """Join a model with the catalogue, of which these positions are available."""
        rbm = loaded.rbm
        rows = np.argsort(rbm.movie_ids, kind="stable")
        positions = _indices(catalogue.movie_ids, rbm.movie_ids)
        by_genres = ByGenres(rbm, genres, positions) if rbm.prior else None
        in_catalogue, positions = positions >= 0, np.maximum(positions, 0)
        servable = in_catalogue & available[positions] if len(available) else in_catalogue
        shift = recency.shift(catalogue.counts, rbm.movie_ids)
        return cls(
            version=loaded.version,
            rbm=rbm,
            lengths=loaded.lengths,
            stages=loaded.stages,
            positions=positions,
            in_catalogue=in_catalogue,
            servable=servable,
            ids=rbm.movie_ids[rows],
            rows=rows,
            like_shift=shift,
            shift_state="" if shift is None else fingerprint(shift.view(np.int32).astype(np.int64)),
            by_genres=by_genres,
            telling_rows=loaded.telling,
        )

    @property
    def telling(self) -> tuple[int, ...]:
        """Positions of the available movies that tell most about a user, the most telling first."""
        rows = self.telling_rows.rows
        return tuple(self.positions[rows[self.servable[rows]]].tolist())

    def rows_of(self, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each movie, -1 if the model does not know it."""
        places = _indices(self.ids, movie_ids)
        return np.where(places >= 0, self.rows[places], -1) if len(self.rows) else places

    def allowed(self, movies: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Tell which rows may be shown; `movies` is a mask of positions, None for all."""
        if movies is None or not len(movies):
            return self.servable
        return self.servable & movies[self.positions]

    def state_of(self, shown: NDArray[np.bool_]) -> str:
        """Return the fingerprint of an order of these rows, apart from the model and ratings."""
        return fingerprint(np.flatnonzero(shown)) + self.shift_state


class Source(StrEnum):
    """The source of a list, or of a movie in it."""

    RBM = "rbm"
    SIMILAR = "similar"
    TRENDING = "trending"
    GENRES = "genres"
    POPULAR = "popular"
    NEW = "new"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The catalogue with a model, or without one before the first, and rules; replaced as a whole.

    Movies are available as at one moment. `variants` are the same with the models that arms of
    experiments answer with, by version. A `state` is the fingerprint of an order of movies: a
    cursor holds it to notice another order. It is the same in every process.
    """

    catalogue: Catalogue
    facets: Facets
    at: int  # the moment, a Unix second
    valid_until: int  # at which another movie comes or goes, or likes have become older
    available: NDArray[np.bool_]  # of each position
    rules: Rules
    variants: Mapping[str, Snapshot]
    model: ServedModel | None
    popular: NDArray[np.int64]  # positions of available movies, the most popular first
    popular_state: str
    unknown: NDArray[np.int64]  # the same for movies that the model does not know
    unknown_state: str
    unknown_ratings_share: float  # of all ratings, on movies that the model does not know
    servable_state: str
    compiled: dict[Any, Any]  # rules of lists by name, made when first needed

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        loaded: LoadedModel | None,
        recency: Recency = OFF,
        *,
        rules: Rules = NO_RULES,
        others: Iterable[LoadedModel] = (),
        at: int = 0,
        before: Snapshot | None = None,
    ) -> Snapshot:
        """Derive everything that responses need at a Unix second; `others` become variants.

        What follows from the movies alone is taken over from `before`, if it has the same ones.
        """
        if before is not None and before.catalogue.movies is catalogue.movies:
            facets = before.facets.counted(catalogue)
        else:
            facets = Facets.of(catalogue)
        available = catalogue.available(at)
        moments = (at, min(catalogue.changes_at(at), next_bucket_at(at)))

        def joined(loaded: LoadedModel | None, variants: Mapping[str, Snapshot]) -> Snapshot:
            parts = (catalogue, recency, available, facets.genres)
            return cls._joined(
                catalogue, facets, moments, available, rules, variants,
                ServedModel.of(loaded, *parts) if loaded else None,
            )  # fmt: skip

        return joined(loaded, {other.version: joined(other, {}) for other in others})

    @classmethod
    def _joined(
        cls,
        catalogue: Catalogue,
        facets: Facets,
        moments: tuple[int, int],
        available: NDArray[np.bool_],
        rules: Rules,
        variants: Mapping[str, Snapshot],
        model: ServedModel | None,
    ) -> Snapshot:
        known = model.ids if model else np.zeros(0, dtype=np.int64)
        is_unknown, ratings = ~np.isin(catalogue.movie_ids, known), catalogue.ratings
        popular = catalogue.by_popularity()
        popular = popular[available[popular]]
        unknown = popular[is_unknown[popular]]
        return cls(
            catalogue=catalogue,
            facets=facets,
            at=moments[0],
            valid_until=moments[1],
            available=available,
            rules=rules,
            variants=variants,
            model=model,
            popular=popular,
            popular_state=fingerprint(catalogue.movie_ids[popular]),
            unknown=unknown,
            unknown_state=fingerprint(catalogue.movie_ids[unknown]),
            unknown_ratings_share=float(ratings[is_unknown].sum() / max(ratings.sum(), 1)),
            servable_state=model.state_of(model.servable) if model else "",
            compiled={},
        )

    def are_available(self, movie_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of these movies lists may have; no unknown one."""
        positions = _indices(self.catalogue.movie_ids, movie_ids)
        return np.append(self.available, False)[positions]

    @property
    def version(self) -> str | None:
        """Version of the model."""
        return self.model.version if self.model else None


class CurrentSnapshot:
    """The current snapshot and its number; a thread replaces it."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._generation = 0

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot; raises `NotReadyError` before the first one."""
        if self._snapshot is None:
            raise NotReadyError("The movies could not be read from the database yet.")
        return self._snapshot

    def generation(self) -> int:
        """Return the number of the snapshot, 0 before the first one."""
        return self._generation

    def swap(self, snapshot: Snapshot) -> None:
        """Use this snapshot from now on."""
        # In this order: a response made in between counts as made from the old snapshot.
        self._snapshot = snapshot
        self._generation += 1


def _indices(ascending: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of each wanted number in the sorted ones, -1 if it is missing."""
    if not len(ascending):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return np.where(ascending[places] == wanted, places, -1)


def _stages(rbm: RBM) -> TwoStages | None:
    """Return what finds the first movies of a large model, if its packages are installed."""
    if rbm.coarse is None:
        return None
    try:
        from model.two_stages import TwoStages  # noqa: PLC0415 - not installed for serving alone
    except ImportError:
        logger.warning('all movies are scored for each list: pip install "recommender[large]"')
        return None
    return TwoStages(rbm)
