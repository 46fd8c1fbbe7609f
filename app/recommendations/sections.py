"""The parts of a list, one for each source: movies in an order, with what is said about each."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.core import metrics
from app.live.snapshot import Source
from app.recommendations.boosts import boosted
from app.recommendations.compiled import Compiled, Listing
from app.recommendations.history import KnownRatings, explain, shortest
from app.recommendations.schemas import Because, RecommendedMovie
from model.scoring import rank
from model.similarity import diversify

# Diversity reorders this many of the best movies; the others follow by score.
# Each chosen movie costs a small product: 5 ms for a page of 20, 30 ms for the whole pool.
POOL = 500


class Section(Protocol):
    """Movies in an order, none twice and none that the user has rated or seen."""

    @property
    def source(self) -> Source:
        """Where they come from."""

    @property
    def state(self) -> str:
        """Fingerprint of what determines the order, apart from the model and the ratings."""

    def __len__(self) -> int:
        """Count the movies."""

    def first(self, end: int) -> NDArray[np.int64]:
        """Return the positions in the catalogue of the first `end` movies."""

    def describe(self, positions: NDArray[np.int64], reasons: int) -> list[RecommendedMovie]:
        """Return these movies, with so many reasons each."""


class ListedSection:
    """Movies in an order that does not follow from the score of the model."""

    def __init__(
        self, compiled: Compiled, listing: Listing, left: NDArray[np.bool_] | None = None
    ) -> None:
        self.compiled = compiled
        self.listing = listing
        self.source = listing.source
        self.positions = listing.positions if left is None else listing.only(left).positions

    def __len__(self) -> int:
        """Count the movies."""
        return len(self.positions)

    @property
    def state(self) -> str:
        """Fingerprint of the order, with the movies that the user has rated."""
        return self.listing.state

    def first(self, end: int) -> NDArray[np.int64]:
        """Return the positions of the first `end` movies."""
        return self.positions[:end]

    def describe(self, positions: NDArray[np.int64], reasons: int) -> list[RecommendedMovie]:  # noqa: ARG002
        """Return these movies; nothing explains them."""
        likes = self.compiled.snapshot.catalogue.like_probabilities(positions)
        nothing: list[list[Because]] = [[] for _ in positions]
        scores = self.listing.scores[positions]
        return _items(self.compiled, positions, scores, likes, self.source, nothing)


class ModelSection:
    """Movies that the model knows, by the probability of a like."""

    source = Source.RBM

    def __init__(
        self,
        compiled: Compiled,
        known: KnownRatings,
        left: NDArray[np.bool_],
        diversity: float,
        seed: int | None,
    ) -> None:
        self.compiled = compiled
        self.model = known.model
        self.known = known
        self.diversity = diversity
        self.seed = seed
        self.excluded = np.flatnonzero(~self.model.allowed(left))

    def __len__(self) -> int:
        """Count the movies."""
        return self.model.rbm.n_movies - len(self.excluded)

    @property
    def state(self) -> str:
        """Fingerprint of the movies and of what shifts them."""
        return self.compiled.model_state

    @cached_property
    def scores(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """P(like), with boosts, and P(like | seen) of every row."""
        with metrics.time_scoring():
            like, given_seen = self.known.scores(self.seed)
        if self.compiled.shift is not None:
            like = boosted(like, self.compiled.shift[self.model.positions])
        return like, given_seen

    def first(self, end: int) -> NDArray[np.int64]:
        """Return the positions of the first `end` movies."""
        return self.model.positions[self._rows(end)]

    def describe(self, positions: NDArray[np.int64], reasons: int) -> list[RecommendedMovie]:
        """Return these movies, which may be others that the model knows."""
        catalogue = self.compiled.snapshot.catalogue
        rows, (like, given_seen) = self.model.rows_of(catalogue.movie_ids[positions]), self.scores
        # The ratings alone do not explain a Gibbs sample.
        because = explain(catalogue, self.known, rows, reasons if self.seed is None else 0)
        scores = like[rows]
        return _items(self.compiled, positions, scores, given_seen[rows], self.source, because)

    def _rows(self, end: int) -> NDArray[np.int64]:
        rbm, like = self.model.rbm, self.scores[0]
        if not self.diversity:
            return rank(like, rbm.movie_ids, self.excluded, limit=end)
        rows = rank(like, rbm.movie_ids, self.excluded, limit=max(end, POOL))
        pool = rows[:POOL]
        first = diversify(rbm, pool, like[pool], self.diversity, self.model.lengths, end)
        return np.concatenate((first, rows[POOL:]))[:end]


def _items(
    compiled: Compiled,
    positions: NDArray[np.int64],
    scores: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    source: Source,
    reasons: list[list[Because]],
) -> list[RecommendedMovie]:
    catalogue, shift = compiled.snapshot.catalogue, compiled.shift
    boosts = [0.0] * len(positions) if shift is None else shortest(shift[positions])
    columns = zip(
        catalogue.movie_ids[positions].tolist(),
        shortest(scores), shortest(probabilities), boosts, reasons, strict=True,
    )  # fmt: skip
    return [
        RecommendedMovie(
            **catalogue.movies[movie_id]._asdict(),
            score=score,
            like_probability=probability,
            boost=boost,
            source=source,
            because=because,
        )
        for movie_id, score, probability, boost, because in columns
    ]
