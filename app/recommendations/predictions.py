"""Predictions for one movie, and movies similar to one movie."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.db.engine import Database
from app.live.catalogue import CatalogueMovie
from app.live.filters import Filters
from app.live.snapshot import CurrentSnapshot, ServedModel, Snapshot, Source
from app.movies.errors import MovieNotFoundError
from app.ratings import repository as ratings
from app.ratings.repository import UserRatings
from app.recommendations.history import KnownRatings, explain, known_ratings, shortest
from app.recommendations.schemas import (
    Because,
    Likeness,
    Prediction,
    Reason,
    SimilarMovie,
    SimilarMovies,
)
from app.recommendations.similar import likeness, most_similar
from data.movie_keys import MovieKey, movie_id


class PredictionService:
    """Predicts what a user thinks of a movie, and finds similar movies."""

    def __init__(
        self,
        database: Database,
        current: CurrentSnapshot,
        like_threshold: float,
        half_life_days: float = 0.0,
    ) -> None:
        self.database = database
        self.current = current
        self.like_threshold = like_threshold
        self.half_life_days = half_life_days

    def predict(self, user: str, key: MovieKey, max_reasons: int) -> Prediction:
        """Predict whether this user likes this movie, without their own rating of it."""
        snapshot, id_ = self.current.snapshot, movie_id(key)
        movie = _movie(snapshot, key)
        with self.database.read() as connection:
            user_ratings = ratings.find_user_ratings(
                connection, user, self.like_threshold, self.half_life_days
            )
        liked, others = _split(user_ratings, id_)
        known = known_ratings(snapshot, others)
        return Prediction(
            user=user,
            model=snapshot.version,
            **movie._asdict(),
            **_predicted(snapshot, known, id_, max_reasons),
            liked=liked,
        )

    def similar(self, key: MovieKey, limit: int, filters: Filters) -> SimilarMovies:
        """Return the movies that are most similar to this one."""
        snapshot = self.current.snapshot
        movie = _movie(snapshot, key)
        values, reason = likeness(snapshot, movie_id(key))
        others = snapshot.available & (snapshot.catalogue.movie_ids != movie_id(key))
        allowed = snapshot.facets.allowed(filters)
        if allowed is not None:
            others &= allowed
        found = most_similar(snapshot, values, others, limit)
        movies, ids = snapshot.catalogue.movies, snapshot.catalogue.movie_ids[found]
        return SimilarMovies(
            movie_id=movie.movie_id,
            model=snapshot.version,
            source=Likeness.GENRES if reason else Likeness.RBM,
            reason=reason,
            items=[
                SimilarMovie(**movies[id_]._asdict(), similarity=value)
                for id_, value in zip(ids.tolist(), shortest(values[found]), strict=True)
            ],
            ignored_genres=snapshot.facets.unknown_genres(filters),
        )


def _movie(snapshot: Snapshot, key: MovieKey) -> CatalogueMovie:
    movie = snapshot.catalogue.movies.get(movie_id(key))
    if movie is None:
        raise MovieNotFoundError(movie_id=key)
    return movie


def _row(model: ServedModel | None, id_: int) -> int:
    return int(model.rows_of(np.array([id_]))[0]) if model else -1


def _split(user_ratings: UserRatings | None, id_: int) -> tuple[bool | None, UserRatings | None]:
    """Split the ratings of a user into the one of this movie, if any, and the others."""
    if user_ratings is None or id_ not in user_ratings.movie_ids:
        return None, user_ratings
    own = user_ratings.movie_ids == id_
    return bool(user_ratings.liked[own][0]), user_ratings.select(~own)


def _predicted(
    snapshot: Snapshot, known: KnownRatings | Reason, id_: int, max_reasons: int
) -> dict[str, Any]:
    """Predict by the model, by genres where it does not know the movie, or by popularity."""
    catalogue, row = snapshot.catalogue, _row(snapshot.model, id_)
    position = np.searchsorted(catalogue.movie_ids, [id_])
    source, because = Source.POPULAR, list[Because]()
    score = catalogue.scores(position)[0]
    probability = catalogue.like_probabilities(position)[0]
    reason = known if isinstance(known, Reason) else None
    if isinstance(known, KnownRatings) and row >= 0:
        source, because = Source.RBM, explain(catalogue, known, np.array([row]), max_reasons)[0]
        score, probability = (values[row] for values in known.scores())
    elif isinstance(known, KnownRatings):
        reason = Reason.UNKNOWN_MOVIE
        if known.model.by_genres:
            source = Source.GENRES
            score = known.genre_scores(catalogue, position)[0]
            because = known.genre_reasons(catalogue, position, max_reasons)[0]
    score, probability = shortest(np.array([score, probability]))
    return {
        "source": source, "reason": reason, "score": score, "like_probability": probability,
        "because": because,
    }  # fmt: skip
