"""The order of all films for one person: sections, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app import metrics
from app.movies.catalogue import Film, fingerprint
from app.ratings.repository import Person
from app.recommendations.options import Options
from app.recommendations.reasons import explain, shortest
from app.recommendations.schemas import Because, RecommendedMovie, Source
from app.recommendations.snapshot import ServedModel, Snapshot
from model.scoring import rank, sample_user, score_user
from model.similarity import diversify

# Films that diversity chooses among, the best ones; behind them all others come by score.
# Choosing costs a small product per film chosen: 5 ms for a page of 20, 30 ms for all of these.
POOL = 500


class Section(Protocol):
    """Films in an order, none twice and none that the person has rated."""

    @property
    def state(self) -> str:
        """Name of what decides the order, the model and the ratings apart."""

    def __len__(self) -> int:
        """Count the films."""

    def films(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the films from place `begin` up to place `end`."""


class Ranking:
    """Sections one behind the other; a film is in one of them at most."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.sections = sections

    def __len__(self) -> int:
        """Count the films."""
        return sum(len(section) for section in self.sections)

    def page(self, begin: int, limit: int) -> list[RecommendedMovie]:
        """Give `limit` films from place `begin` on, fewer at the end."""
        items: list[RecommendedMovie] = []
        for section in self.sections:
            if begin < len(section) and len(items) < limit:
                end = min(begin + limit - len(items), len(section))
                items += section.films(begin, end)
            begin = max(begin - len(section), 0)
        return items

    def state_at(self, position: int) -> str:
        """Name what decides which film stands at this place."""
        for section in self.sections:
            if position < len(section):
                return section.state
            position -= len(section)
        return ""


class PopularSection:
    """Films by their number of likes."""

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
        """Count the films."""
        return len(self.positions)

    def films(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the films from place `begin` up to place `end`."""
        positions = self.positions[begin:end]
        scores = shortest(self.catalogue.scores(positions))
        likely = shortest(self.catalogue.like_probabilities(positions))
        movie_ids = self.catalogue.movie_ids[positions].tolist()
        return [
            _shown(self.catalogue.films[movie_id], score, probability, Source.POPULAR, [])
            for movie_id, score, probability in zip(movie_ids, scores, likely, strict=True)
        ]


class ModelSection:
    """Films that the model knows, by the probability of a like."""

    def __init__(
        self,
        snapshot: Snapshot,
        model: ServedModel,
        person: Person,
        options: Options,
        allowed: NDArray[np.bool_] | None,
        seed: int | None,
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.model = model
        self.options = options
        self.seed = seed
        self.rows, self.liked = known_ratings(model, person)
        self.state = snapshot.servable_state
        left_out = ~model.allowed(allowed)
        if allowed is not None:
            self.state = fingerprint(np.flatnonzero(left_out))
        left_out[self.rows] = True
        self.left_out = np.flatnonzero(left_out)

    def __len__(self) -> int:
        """Count the films."""
        return self.model.rbm.n_movies - len(self.left_out)

    def films(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the films from place `begin` up to place `end`."""
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
            _shown(self.catalogue.films[movie_id], score, probability, Source.RBM, because)
            for movie_id, score, probability, because in zip(
                movie_ids, scores, likely, self._reasons(rows), strict=True
            )
        ]

    def _order(self, like: NDArray[np.float32], end: int) -> NDArray[np.int64]:
        """Give the rows of the first `end` films."""
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
    model: ServedModel, person: Person
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give rows and likes of the ratings that the model knows."""
    rows = model.rows_of(person.movie_ids)
    order = np.argsort(rows, kind="stable")  # as in the matrix that the model learns from
    order = order[rows[order] >= 0]
    return rows[order], person.liked[order]


def _shown(
    film: Film, score: float, probability: float, source: Source, because: list[Because]
) -> RecommendedMovie:
    return RecommendedMovie(
        movie_id=film.movie_id,
        title=film.title,
        year=film.year,
        genres=list(film.genres),
        score=score,
        like_probability=probability,
        source=source,
        because=because,
    )
