"""The order of all films for one person: sections, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.movies.catalogue import Film
from app.ratings.repository import Person
from app.recommendations.schemas import Because, RecommendedMovie, Source
from app.recommendations.snapshot import ServedModel, Snapshot
from model.scoring import effects, rank, score_user


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
        self, snapshot: Snapshot, positions: NDArray[np.int64], state: str, rated: NDArray[np.int64]
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.state = state
        self.positions = positions[~np.isin(self.catalogue.movie_ids[positions], rated)]

    def __len__(self) -> int:
        """Count the films."""
        return len(self.positions)

    def films(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the films from place `begin` up to place `end`."""
        positions = self.positions[begin:end]
        scores = _shortest(self.catalogue.scores(positions))
        likely = _shortest(self.catalogue.like_probabilities(positions))
        movie_ids = self.catalogue.movie_ids[positions].tolist()
        return [
            _shown(self.catalogue.films[movie_id], score, probability, Source.POPULAR, [])
            for movie_id, score, probability in zip(movie_ids, scores, likely, strict=True)
        ]


class ModelSection:
    """Films that the model knows, by the probability of a like."""

    def __init__(
        self, snapshot: Snapshot, model: ServedModel, person: Person, explain: int
    ) -> None:
        self.catalogue = snapshot.catalogue
        self.state = snapshot.servable_state
        self.rbm = model.rbm
        self.explain = explain
        rows = model.rows_of(person.movie_ids)
        order = np.argsort(rows, kind="stable")  # as in the matrix that the model learns from
        order = order[rows[order] >= 0]
        self.rows, self.liked = rows[order], person.liked[order]
        left_out = ~model.servable
        left_out[self.rows] = True
        self.left_out = np.flatnonzero(left_out)

    def __len__(self) -> int:
        """Count the films."""
        return self.rbm.n_movies - len(self.left_out)

    def films(self, begin: int, end: int) -> list[RecommendedMovie]:
        """Give the films from place `begin` up to place `end`."""
        like, given_seen = score_user(self.rbm, self.rows, self.liked)
        rows = rank(like, self.rbm.movie_ids, self.left_out, limit=end)[begin:]
        scores, likely = _shortest(like[rows]), _shortest(given_seen[rows])
        movie_ids = self.rbm.movie_ids[rows].tolist()
        return [
            _shown(self.catalogue.films[movie_id], score, probability, Source.RBM, because)
            for movie_id, score, probability, because in zip(
                movie_ids, scores, likely, self._reasons(rows), strict=True
            )
        ]

    def _reasons(self, rows: NDArray[np.int64]) -> list[list[Because]]:
        """Of each film the ratings without which its score would be lower, the strongest first."""
        if not self.explain:
            return [[] for _ in rows]
        rated_ids = self.rbm.movie_ids[self.rows]
        shown = np.isin(rated_ids, self.catalogue.movie_ids)
        reasons = []
        for row in effects(self.rbm, self.rows, self.liked, rows):
            speaks_for = np.flatnonzero((row > 0) & shown)
            order = np.lexsort((rated_ids[speaks_for], -row[speaks_for]))
            best = speaks_for[order[: self.explain]]
            reasons.append(self._because(rated_ids[best], self.liked[best], row[best]))
        return reasons

    def _because(
        self, movie_ids: NDArray[np.int64], liked: NDArray[np.bool_], effect: NDArray[np.float32]
    ) -> list[Because]:
        columns = zip(movie_ids.tolist(), liked.tolist(), _shortest(effect), strict=True)
        return [
            Because(movie_id=id_, title=self.catalogue.films[id_].title, liked=like, effect=value)
            for id_, like, value in columns
        ]


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


def _shortest(values: NDArray[np.float32]) -> list[float]:
    """Give the numbers that print with the fewest digits among those equal to these in float32."""
    return [float(str(value)) for value in values]
