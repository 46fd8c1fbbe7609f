"""The order of all movies for one user: sections, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.core import metrics
from app.live.catalogue import Catalogue, CatalogueMovie, fingerprint
from app.live.snapshot import ServedModel, Snapshot, Source
from app.ratings.repository import UserRatings
from app.recommendations.options import Options
from app.recommendations.schemas import Because, RecommendedMovie
from model.rbm import RBM
from model.scoring import effects, rank, sample_user, score_user
from model.similarity import diversify

# Movies that diversity chooses among, the best ones; behind them all others come by score.
# Choosing costs a small product per movie chosen: 5 ms for a page of 20, 30 ms for all of these.
POOL = 500


class Section(Protocol):
    """Movies in an order, none twice and none that the user has rated."""

    @property
    def state(self) -> str:
        """Name of what decides the order, the model and the ratings apart."""

    def __len__(self) -> int:
        """Count the movies."""

    def movies(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the movies from place `begin` up to place `end`."""


class Ranking:
    """Sections one behind the other; a movie is in one of them at most."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.sections = sections

    def __len__(self) -> int:
        """Count the movies."""
        return sum(len(section) for section in self.sections)

    def page(self, begin: int, limit: int) -> list[RecommendedMovie]:
        """Give `limit` movies from place `begin` on, fewer at the end."""
        items: list[RecommendedMovie] = []
        for section in self.sections:
            if begin < len(section) and len(items) < limit:
                end = min(begin + limit - len(items), len(section))
                items += section.movies(begin, end)
            begin = max(begin - len(section), 0)
        return items

    def state_at(self, position: int) -> str:
        """Name what decides which movie stands at this place."""
        for section in self.sections:
            if position < len(section):
                return section.state
            position -= len(section)
        return ""


class PopularSection:
    """Movies by their number of likes."""

    def __init__(
        self,
        snapshot: Snapshot,
        positions: NDArray[np.int64],
        state: str,
        rated: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.state = state
        if allowed is not None:
            positions = positions[allowed[positions]]
            self.state = fingerprint(self.catalogue.movie_ids[positions])
        if len(positions):
            positions = positions[~np.isin(self.catalogue.movie_ids[positions], rated)]
        self.positions = positions

    def __len__(self) -> int:
        """Count the movies."""
        return len(self.positions)

    def movies(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the movies from place `begin` up to place `end`."""
        positions = self.positions[begin:end]
        scores = shortest(self.catalogue.scores(positions))
        likely = shortest(self.catalogue.like_probabilities(positions))
        movie_ids = self.catalogue.movie_ids[positions].tolist()
        return [
            _shown(self.catalogue.movies[movie_id], score, probability, Source.POPULAR, [])
            for movie_id, score, probability in zip(movie_ids, scores, likely, strict=True)
        ]


class ModelSection:
    """Movies that the model knows, by the probability of a like."""

    def __init__(
        self,
        snapshot: Snapshot,
        model: ServedModel,
        user_ratings: UserRatings,
        options: Options,
        allowed: NDArray[np.bool_] | None,
        seed: int | None,
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.model = model
        self.options = options
        self.seed = seed
        self.rows, self.liked = known_ratings(model, user_ratings)
        self.state = snapshot.servable_state
        left_out = ~model.allowed(allowed)
        if allowed is not None:
            self.state = fingerprint(np.flatnonzero(left_out))
        left_out[self.rows] = True
        self.left_out = np.flatnonzero(left_out)

    def __len__(self) -> int:
        """Count the movies."""
        return self.model.rbm.n_movies - len(self.left_out)

    def movies(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the movies from place `begin` up to place `end`."""
        rbm = self.model.rbm
        with metrics.time_scoring():
            if self.seed is None:
                like, given_seen = score_user(rbm, self.rows, self.liked)
            else:
                generator = np.random.default_rng(self.seed)
                like, given_seen = sample_user(rbm, self.rows, self.liked, generator)
        rows = self._order(like, end)[begin:]
        scores, likely = shortest(like[rows]), shortest(given_seen[rows])
        movie_ids = rbm.movie_ids[rows].tolist()
        return [
            _shown(self.catalogue.movies[movie_id], score, probability, Source.RBM, because)
            for movie_id, score, probability, because in zip(
                movie_ids, scores, likely, self._reasons(rows), strict=True
            )
        ]

    def _order(self, like: NDArray[np.float32], end: int) -> NDArray[np.int64]:
        """Give the rows of the first `end` movies."""
        rbm, diversity = self.model.rbm, self.options.diversity
        if not diversity:
            return rank(like, rbm.movie_ids, self.left_out, limit=end)
        rows = rank(like, rbm.movie_ids, self.left_out, limit=max(end, POOL))
        pool = rows[:POOL]
        first = diversify(rbm, pool, like[pool], diversity, self.model.lengths, end)
        return np.concatenate((first, rows[POOL:]))[:end]

    def _reasons(self, rows: NDArray[np.int64]) -> list[list[Because]]:
        """Say why; a sampled list follows from a mood, which the ratings alone do not explain."""
        most = self.options.explain if self.seed is None else 0
        return explain(self.catalogue, self.model.rbm, self.rows, self.liked, rows, most)


def known_ratings(
    model: ServedModel, user_ratings: UserRatings
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give rows and likes of the ratings that the model knows."""
    rows = model.rows_of(user_ratings.movie_ids)
    order = np.argsort(rows, kind="stable")  # as in the matrix that the model learns from
    order = order[rows[order] >= 0]
    return rows[order], user_ratings.liked[order]


def _shown(
    movie: CatalogueMovie, score: float, probability: float, source: Source, because: list[Because]
) -> RecommendedMovie:
    return RecommendedMovie(
        movie_id=movie.movie_id,
        title=movie.title,
        year=movie.year,
        genres=list(movie.genres),
        score=score,
        like_probability=probability,
        source=source,
        because=because,
    )


def explain(
    catalogue: Catalogue,
    rbm: RBM,
    rated: NDArray[np.int64],
    liked: NDArray[np.bool_],
    targets: NDArray[np.int64],
    most: int,
) -> list[list[Because]]:
    """Give for each target row the ratings without which its score would be lower, best first."""
    if not most or not len(rated):
        return [[] for _ in targets]
    rated_ids = rbm.movie_ids[rated]
    shown = np.isin(rated_ids, catalogue.movie_ids)
    reasons = []
    for row in effects(rbm, rated, liked, targets):
        speaks_for = np.flatnonzero((row > 0) & shown)
        best = speaks_for[rank(row[speaks_for], rated_ids[speaks_for], limit=most)]
        columns = zip(
            rated_ids[best].tolist(), liked[best].tolist(), shortest(row[best]), strict=True
        )
        reasons.append(
            [
                Because(movie_id=id_, title=catalogue.movies[id_].title, liked=like, effect=effect)
                for id_, like, effect in columns
            ]
        )
    return reasons


def shortest(values: NDArray[np.float32]) -> list[float]:
    """Give the numbers that print with the fewest digits among those equal to these in float32."""
    return [float(str(value)) for value in values]
