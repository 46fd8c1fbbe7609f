"""What the model thinks of one movie: for a user, and beside other movies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import MovieNotFoundError
from app.db.engine import Database
from app.live.catalogue import Catalogue, CatalogueMovie
from app.live.filters import Filters
from app.live.snapshot import CurrentSnapshot, ServedModel, Snapshot, Source
from app.ratings import repository as ratings
from app.ratings.repository import UserRatings
from app.recommendations.ranking import explain, known_ratings, shortest
from app.recommendations.schemas import (
    Because,
    Likeness,
    Prediction,
    Reason,
    SimilarMovie,
    SimilarMovies,
)
from app.recommendations.service import fallback_reason
from model.scoring import rank, score_user
from model.similarity import similarity


class PredictionService:
    """Answers what the model thinks of one movie."""

    def __init__(self, database: Database, current: CurrentSnapshot, like_threshold: float) -> None:
        self.database = database
        self.current = current
        self.like_threshold = like_threshold

    def predict(self, user: str, movie_id: int, most_reasons: int) -> Prediction:
        """Say how much this user would like this movie, had they not said so themselves."""
        snapshot = self.current.snapshot
        movie = _movie(snapshot, movie_id)
        with self.database.read() as connection:
            user_ratings = ratings.find_user_ratings(connection, user, self.like_threshold)
        opinion, others = _without(user_ratings, movie_id)
        reason = fallback_reason(snapshot, others)
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
            **_shown(movie),
            score=score,
            like_probability=probability,
            because=because,
            liked=opinion,
        )

    def similar(self, movie_id: int, limit: int, filters: Filters) -> SimilarMovies:
        """Name the movies that are most like this one."""
        snapshot = self.current.snapshot
        movie = _movie(snapshot, movie_id)
        model, allowed = snapshot.model, snapshot.facets.allowed(filters)
        row = _row(model, movie_id)
        if model is None or row < 0:
            reason = Reason.UNKNOWN_MOVIE if model else Reason.NO_MODEL
            found = _like_by_genres(snapshot.catalogue, movie, allowed, limit)
        else:
            reason = None
            left_out = ~model.allowed(allowed)
            left_out[row] = True
            alike = similarity(model.rbm, row, model.lengths)
            rows = rank(alike, model.rbm.movie_ids, np.flatnonzero(left_out), limit)
            found = (model.rbm.movie_ids[rows], alike[rows])
        movies = snapshot.catalogue.movies
        return SimilarMovies(
            movie_id=movie_id,
            model=snapshot.version,
            source=Likeness.GENRES if reason else Likeness.RBM,
            reason=reason,
            items=[
                SimilarMovie(**_shown(movies[id_]), similarity=value)
                for id_, value in zip(found[0].tolist(), shortest(found[1]), strict=True)
            ],
        )


def _movie(snapshot: Snapshot, movie_id: int) -> CatalogueMovie:
    movie = snapshot.catalogue.movies.get(movie_id)
    if movie is None:
        raise MovieNotFoundError(movie_id)
    return movie


def _row(model: ServedModel | None, movie_id: int) -> int:
    return int(model.rows_of(np.array([movie_id]))[0]) if model else -1


def _without(
    user_ratings: UserRatings | None, movie_id: int
) -> tuple[bool | None, UserRatings | None]:
    """Take the rating about a movie out of those of a user."""
    if user_ratings is None or movie_id not in user_ratings.movie_ids:
        return None, user_ratings
    own = user_ratings.movie_ids == movie_id
    others = UserRatings(
        user_ratings.revision, user_ratings.movie_ids[~own], user_ratings.liked[~own]
    )
    return bool(user_ratings.liked[own][0]), others


def _personal(
    catalogue: Catalogue,
    model: ServedModel,
    user_ratings: UserRatings,
    movie_id: int,
    most_reasons: int,
) -> tuple[float, float, list[Because]]:
    rows, liked = known_ratings(model, user_ratings)
    target = np.array([_row(model, movie_id)])
    like, given_seen = score_user(model.rbm, rows, liked)
    because = explain(catalogue, model.rbm, rows, liked, target, most_reasons)[0]
    return shortest(like[target])[0], shortest(given_seen[target])[0], because


def _popular(catalogue: Catalogue, movie_id: int) -> tuple[float, float, list[Because]]:
    position = np.searchsorted(catalogue.movie_ids, [movie_id])
    score = shortest(catalogue.scores(position))[0]
    return score, shortest(catalogue.like_probabilities(position))[0], []


def _like_by_genres(
    catalogue: Catalogue, movie: CatalogueMovie, allowed: NDArray[np.bool_] | None, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Share of the genres of either movie that both have; the more popular first among equals."""
    own = set(movie.genres)
    overlap = {
        genres: len(own & set(genres)) / len(own | set(genres)) if own or genres else 0.0
        for genres in {other.genres for other in catalogue.movies.values()}
    }
    values = np.array([overlap[other.genres] for other in catalogue.movies.values()])
    keep = catalogue.movie_ids != movie.movie_id
    if allowed is not None:
        keep &= allowed
    order = np.lexsort((catalogue.movie_ids, -catalogue.likes, -values))
    best = order[keep[order]][:limit]
    return catalogue.movie_ids[best], values[best].astype(np.float32)


def _shown(movie: CatalogueMovie) -> dict[str, Any]:
    return {
        "movie_id": movie.movie_id,
        "title": movie.title,
        "year": movie.year,
        "genres": list(movie.genres),
    }
