"""What the model thinks of one film: for a person, and beside other films."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.database import Database
from app.errors import MovieNotFoundError
from app.movies.catalogue import Catalogue, Film
from app.ratings import repository as ratings
from app.ratings.repository import Person
from app.recommendations.model_server import ModelServer
from app.recommendations.options import Filters
from app.recommendations.ranking import known_ratings
from app.recommendations.reasons import explain, shortest
from app.recommendations.schemas import (
    Because,
    Likeness,
    Prediction,
    Reason,
    SimilarMovie,
    SimilarMovies,
    Source,
)
from app.recommendations.service import why_not_personal
from app.recommendations.snapshot import ServedModel, Snapshot
from model.scoring import rank, score_user
from model.similarity import similarity


class InsightService:
    """Answers what the model thinks of one film."""

    def __init__(self, database: Database, models: ModelServer, like_threshold: float) -> None:
        self.database = database
        self.models = models
        self.like_threshold = like_threshold

    def predict(self, user: str, movie_id: int, most_reasons: int) -> Prediction:
        """Say how much this person would like this film, had they not said so themselves."""
        snapshot = self.models.snapshot
        film = _film(snapshot, movie_id)
        with self.database.read() as connection:
            person = ratings.find_person(connection, user, self.like_threshold)
        opinion, others = _without(person, movie_id)
        reason = why_not_personal(snapshot, others)
        if reason is None and _row(snapshot.model, movie_id) < 0:
            reason = Reason.UNKNOWN_MOVIE
        if reason or snapshot.model is None or others is None:
            score, probability, because = _popular(snapshot.catalogue, movie_id)
        else:
            score, probability, because = _personal(
                snapshot.catalogue, snapshot.model, others, movie_id, most_reasons
            )
        return Prediction(
            user=user,
            model=snapshot.version,
            source=Source.POPULAR if reason else Source.RBM,
            reason=reason,
            **_shown(film),
            score=score,
            like_probability=probability,
            because=because,
            liked=opinion,
        )

    def similar(self, movie_id: int, limit: int, filters: Filters) -> SimilarMovies:
        """Name the films that are most like this one."""
        snapshot = self.models.snapshot
        film = _film(snapshot, movie_id)
        model, allowed = snapshot.model, snapshot.facets.allowed(filters)
        row = _row(model, movie_id)
        if model is None or row < 0:
            reason = Reason.UNKNOWN_MOVIE if model else Reason.NO_MODEL
            found = _like_by_genres(snapshot.catalogue, film, allowed, limit)
        else:
            reason = None
            left_out = ~model.allowed(allowed)
            left_out[row] = True
            alike = similarity(model.rbm, row, model.lengths)
            rows = rank(alike, model.rbm.movie_ids, np.flatnonzero(left_out), limit)
            found = (model.rbm.movie_ids[rows], alike[rows])
        films = snapshot.catalogue.films
        return SimilarMovies(
            movie_id=movie_id,
            model=snapshot.version,
            source=Likeness.GENRES if reason else Likeness.RBM,
            reason=reason,
            items=[
                SimilarMovie(**_shown(films[id_]), similarity=value)
                for id_, value in zip(found[0].tolist(), shortest(found[1]), strict=True)
            ],
        )


def _film(snapshot: Snapshot, movie_id: int) -> Film:
    film = snapshot.catalogue.films.get(movie_id)
    if film is None:
        raise MovieNotFoundError(movie_id)
    return film


def _row(model: ServedModel | None, movie_id: int) -> int:
    return int(model.rows_of(np.array([movie_id]))[0]) if model else -1


def _without(person: Person | None, movie_id: int) -> tuple[bool | None, Person | None]:
    """Take the opinion about a film out of those of a person."""
    if person is None or movie_id not in person.movie_ids:
        return None, person
    own = person.movie_ids == movie_id
    others = Person(person.revision, person.movie_ids[~own], person.liked[~own])
    return bool(person.liked[own][0]), others


def _personal(
    catalogue: Catalogue, model: ServedModel, person: Person, movie_id: int, most_reasons: int
) -> tuple[float, float, list[Because]]:
    rows, liked = known_ratings(model, person)
    target = np.array([_row(model, movie_id)])
    like, given_seen = score_user(model.rbm, rows, liked)
    because = explain(catalogue, model.rbm, rows, liked, target, most_reasons)[0]
    return shortest(like[target])[0], shortest(given_seen[target])[0], because


def _popular(catalogue: Catalogue, movie_id: int) -> tuple[float, float, list[Because]]:
    position = np.searchsorted(catalogue.movie_ids, [movie_id])
    score = shortest(catalogue.scores(position))[0]
    return score, shortest(catalogue.like_probabilities(position))[0], []


def _like_by_genres(
    catalogue: Catalogue, film: Film, allowed: NDArray[np.bool_] | None, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Share of the genres of either film that both have; the more popular first among equals."""
    own = set(film.genres)
    overlap = {
        genres: len(own & set(genres)) / len(own | set(genres)) if own or genres else 0.0
        for genres in {other.genres for other in catalogue.films.values()}
    }
    values = np.array([overlap[other.genres] for other in catalogue.films.values()])
    keep = catalogue.movie_ids != film.movie_id
    if allowed is not None:
        keep &= allowed
    order = np.lexsort((catalogue.movie_ids, -catalogue.likes, -values))
    best = order[keep[order]][:limit]
    return catalogue.movie_ids[best], values[best].astype(np.float32)


def _shown(film: Film) -> dict[str, Any]:
    return {
        "movie_id": film.movie_id,
        "title": film.title,
        "year": film.year,
        "genres": list(film.genres),
    }
