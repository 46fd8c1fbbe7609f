"""Hidden units of the model in words, and which of them the ratings of a user activate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from threading import Lock
from typing import Any

import numpy as np

from app.db.engine import Database
from app.features.schemas import (
    MAX_MOVIES,
    AnonymousFeature,
    AnonymousFeatures,
    AnonymousFeaturesRequest,
    Feature,
    FeatureGenre,
    FeatureMovie,
    FeatureSource,
    FeaturesQuery,
    ModelFeatures,
    ReceivedWeight,
    SentWeight,
    UserFeature,
    UserFeatures,
)
from app.live.snapshot import CurrentSnapshot, Snapshot
from app.ratings import repository as ratings
from app.recommendations.history import KnownRatings, known_ratings, shortest, strongest
from app.recommendations.schemas import Reason
from app.recommendations.service import anonymous_ratings, sent_keys
from data.movie_keys import MovieKey, movie_id
from model.features import HiddenUnit, MovieWeight, describe_features, unit_name
from model.fold_in import WHOLE, fold_in
from model.rbm import LIKE, RBM, columns

MAX_GENRES = 3
MAX_REASONS = 5
MAX_RECEIVED = 20
# Damp the lift of rare genres: so many movies are added on both sides, and fewer say nothing.
GENRE_DAMPING = 4
MIN_MOVIES = 3


class FeatureService:
    """Describes hidden units."""

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
        self._described: tuple[RBM, dict[int, HiddenUnit]] | None = None
        self._describing = Lock()

    def of_model(self, query: FeaturesQuery) -> ModelFeatures:
        """Describe the most important units."""
        snapshot = self.current.snapshot
        units = self._describe(snapshot.model.rbm).values() if snapshot.model else ()
        items = [_feature(unit, snapshot, query.films) for unit in list(units)[: query.limit]]
        return ModelFeatures(model=snapshot.version, items=items)

    def of_user(self, user: str, query: FeaturesQuery) -> UserFeatures:
        """Describe the units that the ratings of a user activate most."""
        snapshot = self.current.snapshot
        with self.database.read() as connection:
            user_ratings = ratings.find_user_ratings(
                connection, user, self.like_threshold, self.half_life_days
            )
        known = known_ratings(snapshot, user_ratings)
        items = [] if isinstance(known, Reason) else self._activated(snapshot, known, query)
        return UserFeatures(user=user, model=snapshot.version, **_source(known), items=items)

    def of_anonymous(self, request: AnonymousFeaturesRequest) -> AnonymousFeatures:
        """Describe the units that the ratings in the request activate most, with their links."""
        snapshot = self.current.snapshot
        user_ratings = anonymous_ratings(request.ratings, self.like_threshold)
        known = known_ratings(snapshot, user_ratings)
        items: list[AnonymousFeature] = []
        if isinstance(known, KnownRatings):
            keys = sent_keys(request.ratings)
            towards = {movie_id(key): key for key in request.towards}
            activated = self._activated(snapshot, known, request)
            items = [_linked(feature, known, keys, towards) for feature in activated]
        return AnonymousFeatures(model=snapshot.version, **_source(known), items=items)

    def _activated(
        self, snapshot: Snapshot, known: KnownRatings, query: FeaturesQuery
    ) -> list[UserFeature]:
        """Describe the units that the ratings make more probable, by falling gain."""
        rbm, rows, liked, weights = known.model.rbm, known.rows, known.liked, known.weights
        baseline = fold_in(rbm, rows[:0], liked[:0])
        activation = fold_in(rbm, rows, liked, weights=weights, block=WHOLE)
        gain = activation - baseline
        units = np.argsort(-gain, kind="stable")[: query.limit]
        described = self._describe(rbm)
        sent = rbm.weights[np.ix_(columns(rows, liked), units)]
        if weights is not None:
            sent *= weights[:, np.newaxis]
        return [
            UserFeature(
                **dict(_feature(described[j], snapshot, query.films)),
                activation=shortest(activation[[j]])[0],
                baseline=shortest(baseline[[j]])[0],
                because=strongest(snapshot.catalogue, known, sent[:, place], MAX_REASONS),
            )
            for place, j in enumerate(units.tolist())
            if gain[j] > 0
        ]

    def _describe(self, rbm: RBM) -> dict[int, HiddenUnit]:
        """Describe all units of a model, cached; takes a second with 500 units."""
        with self._describing:
            if self._described is None or self._described[0] is not rbm:
                units = describe_features(rbm, MAX_MOVIES)
                self._described = (rbm, {unit.unit: unit for unit in units})
            return self._described[1]


def _source(known: KnownRatings | Reason) -> dict[str, Any]:
    if isinstance(known, Reason):
        return {"source": FeatureSource.NONE, "reason": known}
    return {"source": FeatureSource.RBM, "reason": None}


def _feature(unit: HiddenUnit, snapshot: Snapshot, n_movies: int) -> Feature:
    on = _movies(unit.on, snapshot)
    return Feature(
        unit=unit.unit,
        name=unit_name(movie.title for movie in on) or f"Unit {unit.unit}",
        importance=unit.importance,
        genres=_genres(unit.on, snapshot),
        on=on[:n_movies],
        off=_movies(unit.off, snapshot)[:n_movies],
    )


def _movies(weights: Sequence[MovieWeight], snapshot: Snapshot) -> list[FeatureMovie]:
    ids = np.array([weight.movie_id for weight in weights], dtype=np.int64)
    movies = snapshot.catalogue.movies
    return [
        FeatureMovie(
            movie_id=movie.movie_id, title=movie.title, year=movie.year, weight=weight.weight
        )
        for weight in compress(weights, snapshot.are_available(ids))
        if (movie := movies[weight.movie_id])
    ]


def _genres(on: Iterable[MovieWeight], snapshot: Snapshot) -> list[FeatureGenre]:
    """Return the genres that are more common in these movies than in ratings, by falling lift."""
    catalogue, facets = snapshot.catalogue, snapshot.facets
    movies = [catalogue.movies[w.movie_id] for w in on if w.movie_id in catalogue.movies]
    counts = Counter(genre for movie in movies for genre in movie.genres)
    # Movies of a unit are well known ones, so their genres are compared with those of ratings.
    weights = catalogue.ratings + 1 / max(len(catalogue.ratings), 1)
    lifts = []
    for genre, count in counts.items():
        expected = len(movies) * np.average(facets.genres[genre.casefold()], weights=weights)
        lift = (count + GENRE_DAMPING) / (float(expected) + GENRE_DAMPING)
        if count >= min(MIN_MOVIES, len(movies)) and lift > 1:
            lifts.append(FeatureGenre(genre=genre, lift=round(lift, 2)))
    return sorted(lifts, key=lambda entry: (-entry.lift, entry.genre))[:MAX_GENRES]


def _linked(
    feature: UserFeature,
    known: KnownRatings,
    keys: Mapping[int, MovieKey],
    towards: Mapping[int, MovieKey],
) -> AnonymousFeature:
    """Add the weights from the ratings to the unit, and from the unit to other movies."""
    rbm = known.model.rbm
    received = rbm.weights[columns(known.rows, known.liked), feature.unit]
    largest = np.lexsort((known.rows, -np.abs(received)))[:MAX_RECEIVED]
    up = (
        known.movie_ids[largest].tolist(),
        known.liked[largest].tolist(),
        shortest(received[largest]),
    )
    targets = known.model.rows_of(np.array(list(towards), dtype=np.int64))
    targets = targets[targets >= 0]
    gain = np.float32(feature.activation - feature.baseline)
    down = (rbm.movie_ids[targets].tolist(), shortest(rbm.W[targets, LIKE, feature.unit] * gain))
    return AnonymousFeature(
        **dict(feature),
        received=[
            ReceivedWeight(movie_id=keys[i], liked=like, weight=w)
            for i, like, w in zip(*up, strict=True)
        ],
        sent=[SentWeight(movie_id=towards[i], weight=w) for i, w in zip(*down, strict=True)],
    )
