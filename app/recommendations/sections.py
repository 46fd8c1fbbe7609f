"""The parts of a list, one for each source: movies in an order, with what is said about each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from app.core import metrics, tracing
from app.live.catalogue import fingerprint
from app.live.snapshot import Source
from app.recommendations.boosts import boosted
from app.recommendations.compiled import Compiled, Listing
from app.recommendations.draw import describe_draw
from app.recommendations.history import KnownRatings, explain, shortest
from app.recommendations.schemas import Because, Draw, RecommendedMovie
from model.scoring import rank
from model.similarity import diversify

if TYPE_CHECKING:
    from model.two_stages import First

# Diversity reorders this many of the best movies; the others follow by score.
# Each chosen movie costs a small product: 5 ms for a page of 20, 30 ms for the whole pool.
POOL = 500
# The first movies that two stages find at a time; behind them, all are scored.
MAX_FIRST = 200


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
        self.allowed = self.model.allowed(left)
        self._n_movies = int(np.count_nonzero(self.allowed))
        self._found: First | None = None

    def __len__(self) -> int:
        """Count the movies."""
        return self._n_movies

    @property
    def state(self) -> str:
        """Fingerprint of the movies and of what shifts them."""
        return self.compiled.model_state

    @cached_property
    def scores(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """P(like), with boosts, and P(like | seen) of every row."""
        with metrics.time_scoring(), tracing.step("scoring"):
            like, given_seen = self.known.scores(self.seed)
        return self._boosted(like), given_seen

    def first(self, end: int) -> NDArray[np.int64]:
        """Return the positions of the first `end` movies."""
        return self.model.positions[self._rows(end)]

    def describe(self, positions: NDArray[np.int64], reasons: int) -> list[RecommendedMovie]:
        """Return these movies, which may be others that the model knows."""
        catalogue = self.compiled.snapshot.catalogue
        rows = self.model.rows_of(catalogue.movie_ids[positions])
        because = explain(catalogue, self.known, rows, reasons)
        return _items(self.compiled, positions, *self._scores_of(rows), self.source, because)

    @property
    def draw(self) -> Draw | None:
        """What the Gibbs sample has changed, None without one."""
        if self.seed is None:
            return None
        rows = np.flatnonzero(self.allowed)
        ranked, sampled = self._boosted(self.known.scores()[0]), self.scores[0]
        positions = self.model.positions[rows]
        return describe_draw(self.compiled.snapshot, positions, ranked[rows], sampled[rows])

    @property
    def _boost(self) -> NDArray[np.float32] | None:
        shift = self.compiled.shift
        return None if shift is None else shift[self.model.positions]

    def _boosted(self, like: NDArray[np.float32]) -> NDArray[np.float32]:
        boost = self._boost
        return like if boost is None else boosted(like, boost)

    def _rows(self, end: int) -> NDArray[np.int64]:
        found = self._first(end)
        return self._ranked(end) if found is None else found.rows[:end]

    def _first(self, end: int) -> First | None:
        """Return the first `end` movies by two stages, where they are sure about them."""
        stages, is_plain = self.model.stages, not self.diversity and self.seed is None
        if stages is None or not is_plain or not 0 < end <= min(MAX_FIRST, len(self)):
            return None
        if self._found is None or len(self._found.rows) < end:
            with metrics.time_scoring(), tracing.step("scoring"):
                self._found = stages.first(
                    self.known.given, self.allowed, end,
                    like_shift=self.model.like_shift, boost=self._boost,
                )  # fmt: skip
        return self._found

    def _scores_of(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """P(like), with boosts, and P(like | seen) of these rows."""
        found = self._found.scores_of(rows) if self._found else None
        if found is not None:
            return found
        like, given_seen = self.scores
        return like[rows], given_seen[rows]

    def _ranked(self, end: int) -> NDArray[np.int64]:
        rbm, like, excluded = self.model.rbm, self.scores[0], np.flatnonzero(~self.allowed)
        if not self.diversity:
            return rank(like, rbm.movie_ids, excluded, limit=end)
        rows = rank(like, rbm.movie_ids, excluded, limit=max(end, POOL))
        pool = rows[:POOL]
        first = diversify(rbm, pool, like[pool], self.diversity, self.model.lengths, end)
        return np.concatenate((first, rows[POOL:]))[:end]


class GenresSection:
    """Movies that the model does not know, by their genres and their popularity."""

    source = Source.GENRES

    def __init__(
        self,
        compiled: Compiled,
        known: KnownRatings,
        listing: Listing,
        left: NDArray[np.bool_],
    ) -> None:
        """Take the popular movies that the model does not know, of which these are left."""
        self.compiled = compiled
        self.known = known
        self.listing = listing
        self.positions = listing.only(left).positions

    def __len__(self) -> int:
        """Count the movies."""
        return len(self.positions)

    @property
    def state(self) -> str:
        """Fingerprint of the movies, their popularity, their genres, and what shifts them."""
        catalogue, shift = self.compiled.snapshot.catalogue, self.compiled.shift
        positions = self.listing.positions
        likes, n_users = catalogue.likes[positions], np.array([catalogue.counts.n_users])
        state = fingerprint(catalogue.movie_ids[positions], likes, n_users)
        state += self.known.by_genres.state
        if shift is None:
            return state
        return state + fingerprint(shift[positions].view(np.int32).astype(np.int64))

    def first(self, end: int) -> NDArray[np.int64]:
        """Return the positions of the first `end` movies, ties by likes, then by movie id."""
        found = rank(self._scores, np.arange(len(self.positions)), limit=end)
        return self.positions[found]

    def describe(self, positions: NDArray[np.int64], reasons: int) -> list[RecommendedMovie]:
        """Return these movies, with so many reasons each."""
        catalogue = self.compiled.snapshot.catalogue
        scores = self.known.genre_scores(catalogue, positions, self.compiled.shift)
        likes = catalogue.like_probabilities(positions)
        because = self.known.genre_reasons(catalogue, positions, reasons)
        return _items(self.compiled, positions, scores, likes, self.source, because)

    @cached_property
    def _scores(self) -> NDArray[np.float32]:
        catalogue = self.compiled.snapshot.catalogue
        return self.known.genre_scores(catalogue, self.positions, self.compiled.shift)


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
