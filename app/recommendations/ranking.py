"""The order of all movies for one user: sections, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.core import metrics
from app.live.catalogue import Catalogue, fingerprint
from app.live.snapshot import ServedModel, Snapshot, Source
from app.ratings.repository import UserRatings
from app.recommendations.options import Options
from app.recommendations.schemas import Because, Reason, RecommendedMovie
from model.scoring import effects, rank, sample_user, score_user
from model.similarity import diversify

# Diversity reorders this many of the best movies; the others follow by score.
# Each chosen movie costs a small product: 5 ms for a page of 20, 30 ms for the whole pool.
POOL = 500


@dataclass(frozen=True, slots=True, eq=False)
class KnownRatings:
    """The ratings of a user that a model knows, by rising row of the model."""

    model: ServedModel
    rows: NDArray[np.int64]
    liked: NDArray[np.bool_]
    movie_ids: NDArray[np.int64]
    in_catalogue: NDArray[np.bool_]  # so that reasons may name the movie
    weights: NDArray[np.float32] | None  # by age; None where all weigh the same
    seen: NDArray[np.int64]  # rows of movies that are not shown either

    def scores(self, seed: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return P(like) and P(like | seen) of every row; with a seed, of a Gibbs sample."""
        rbm, weights, shift = self.model.rbm, self.weights, self.model.like_shift
        if seed is None:
            return score_user(rbm, self.rows, self.liked, weights=weights, like_shift=shift)
        rng = np.random.default_rng(seed)
        return sample_user(rbm, self.rows, self.liked, rng, weights=weights, like_shift=shift)

    def effects(self, targets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the effect of each rating on the score of each target row."""
        return effects(
            self.model.rbm,
            self.rows,
            self.liked,
            targets,
            weights=self.weights,
            like_shift=self.model.like_shift,
        )


def known_ratings(snapshot: Snapshot, user_ratings: UserRatings | None) -> KnownRatings | Reason:
    """Return the ratings that the model knows, or the fallback reason."""
    model = snapshot.model
    if model is None:
        return Reason.NO_MODEL
    if user_ratings is None:
        return Reason.UNKNOWN_USER
    if not len(user_ratings.movie_ids):
        return Reason.NO_RATINGS
    rows = model.rows_of(user_ratings.movie_ids)
    order = np.argsort(rows, kind="stable")  # as in the matrix that the model learns from
    order = order[rows[order] >= 0]
    if not len(order):
        return Reason.NO_KNOWN_RATINGS
    rows, weights = rows[order], user_ratings.weights()
    seen = model.rows_of(user_ratings.seen)
    return KnownRatings(
        model=model,
        rows=rows,
        liked=user_ratings.liked[order],
        movie_ids=model.rbm.movie_ids[rows],
        in_catalogue=model.in_catalogue[rows],
        weights=None if weights is None else weights[order],
        seen=seen[seen >= 0],
    )


class Section(Protocol):
    """Movies in an order, none twice and none that the user has rated or seen."""

    @property
    def state(self) -> str:
        """Fingerprint of what determines the order, apart from the model and the ratings."""

    def __len__(self) -> int:
        """Count the movies."""

    def movies(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Return the movies from position `begin` up to position `end`."""


class Ranking:
    """Sections one after the other; a movie is in one of them at most."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.sections = sections

    def __len__(self) -> int:
        """Count the movies."""
        return sum(len(section) for section in self.sections)

    def page(self, begin: int, limit: int) -> list[RecommendedMovie]:
        """Return `limit` movies from position `begin` on, fewer at the end."""
        items: list[RecommendedMovie] = []
        for section in self.sections:
            if begin < len(section) and len(items) < limit:
                end = min(begin + limit - len(items), len(section))
                items += section.movies(begin, end)
            begin = max(begin - len(section), 0)
        return items

    def state_at(self, position: int) -> str:
        """Return the states of the sections before this position and of the one at it.

        A section that was read to its end counts, too: with another length the rest would move.
        """
        states = ""
        for section in self.sections:
            states += section.state
            if position < len(section):
                return states
            position -= len(section)
        return ""


class PopularSection:
    """Movies by number of likes."""

    def __init__(
        self,
        snapshot: Snapshot,
        positions: NDArray[np.int64],
        state: str,
        not_shown: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.state = state
        if allowed is not None:
            positions = positions[allowed[positions]]
            self.state = fingerprint(self.catalogue.movie_ids[positions])
        if len(positions):
            positions = positions[~np.isin(self.catalogue.movie_ids[positions], not_shown)]
        self.positions = positions

    def __len__(self) -> int:
        """Count the movies."""
        return len(self.positions)

    def movies(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Return the movies from position `begin` up to position `end`."""
        catalogue, positions = self.catalogue, self.positions[begin:end]
        scores, probabilities = catalogue.scores(positions), catalogue.like_probabilities(positions)
        movie_ids = catalogue.movie_ids[positions]
        reasons: list[list[Because]] = [[] for _ in positions]
        return _items(catalogue, movie_ids, scores, probabilities, Source.POPULAR, reasons)


class ModelSection:
    """Movies that the model knows, by the probability of a like."""

    def __init__(
        self,
        snapshot: Snapshot,
        known: KnownRatings,
        options: Options,
        allowed: NDArray[np.bool_] | None,
        seed: int | None,
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.model = known.model
        self.known = known
        self.options = options
        self.seed = seed
        self.state = snapshot.servable_state
        excluded = ~known.model.allowed(allowed)
        if allowed is not None:
            self.state = self.model.state_of(excluded)
        excluded[known.rows] = excluded[known.seen] = True
        self.excluded = np.flatnonzero(excluded)

    def __len__(self) -> int:
        """Count the movies."""
        return self.model.rbm.n_movies - len(self.excluded)

    def movies(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Return the movies from position `begin` up to position `end`."""
        rbm = self.model.rbm
        with metrics.time_scoring():
            like, given_seen = self.known.scores(self.seed)
        rows = self._order(like, end)[begin:]
        # The ratings alone do not explain a Gibbs sample.
        limit = self.options.explain if self.seed is None else 0
        reasons = explain(self.catalogue, self.known, rows, limit)
        return _items(
            self.catalogue, rbm.movie_ids[rows], like[rows], given_seen[rows], Source.RBM, reasons
        )

    def _order(self, like: NDArray[np.float32], end: int) -> NDArray[np.int64]:
        """Return the rows of the first `end` movies."""
        rbm, diversity = self.model.rbm, self.options.diversity
        if not diversity:
            return rank(like, rbm.movie_ids, self.excluded, limit=end)
        rows = rank(like, rbm.movie_ids, self.excluded, limit=max(end, POOL))
        pool = rows[:POOL]
        first = diversify(rbm, pool, like[pool], diversity, self.model.lengths, end)
        return np.concatenate((first, rows[POOL:]))[:end]


def _items(
    catalogue: Catalogue,
    movie_ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    source: Source,
    reasons: list[list[Because]],
) -> list[RecommendedMovie]:
    columns = zip(
        movie_ids.tolist(), shortest(scores), shortest(probabilities), reasons, strict=True
    )
    return [
        RecommendedMovie(
            **catalogue.movies[movie_id]._asdict(),
            score=score,
            like_probability=probability,
            source=source,
            because=because,
        )
        for movie_id, score, probability, because in columns
    ]


def explain(
    catalogue: Catalogue, known: KnownRatings, targets: NDArray[np.int64], limit: int
) -> list[list[Because]]:
    """Return for each target row the ratings without which its score would be lower."""
    if not limit:
        return [[] for _ in targets]
    return [strongest(catalogue, known, effect, limit) for effect in known.effects(targets)]


def strongest(
    catalogue: Catalogue, known: KnownRatings, effect: NDArray[np.float32], limit: int
) -> list[Because]:
    """Return the ratings of movies in the catalogue that have the largest positive effects."""
    positive = np.flatnonzero((effect > 0) & known.in_catalogue)
    best = positive[rank(effect[positive], known.movie_ids[positive], limit=limit)]
    columns = (known.movie_ids[best].tolist(), known.liked[best].tolist(), shortest(effect[best]))
    return [
        Because(movie_id=movie.movie_id, title=movie.title, liked=like, effect=value)
        for id_, like, value in zip(*columns, strict=True)
        if (movie := catalogue.movies[id_])
    ]


def shortest(values: NDArray[np.float32]) -> list[float]:
    """Return the numbers with the fewest digits that equal these in float32."""
    return [float(str(value)) for value in values]
