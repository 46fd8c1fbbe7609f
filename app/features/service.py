"""What the hidden units of the model stand for, and which of them a user switches on."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from app.live.catalogue import Catalogue
from app.live.snapshot import CurrentSnapshot, ServedModel, Snapshot
from app.ratings import repository as ratings
from app.recommendations.ranking import known_ratings, shortest
from app.recommendations.schemas import Because
from app.recommendations.service import fallback_reason, request_ratings
from model import features
from model.features import MovieWeight
from model.rbm import LIKE, RBM, columns, sigmoid

MAX_GENRES = 3
MAX_REASONS = 5
MAX_RECEIVED = 20
# A genre is found so many times among a feature's movies before its share is believed.
GENRE_DAMPING = 2


class FeatureService:
    """Describes hidden units."""

    def __init__(self, database: Database, current: CurrentSnapshot, like_threshold: float) -> None:
        self.database = database
        self.current = current
        self.like_threshold = like_threshold
        self._described: tuple[RBM, dict[int, features.Feature]] | None = None
        self._describing = Lock()

    def of_model(self, query: FeaturesQuery) -> ModelFeatures:
        """Describe the units that tell people apart best."""
        snapshot = self.current.snapshot
        if snapshot.model is None:
            return ModelFeatures(model=None, items=[])
        described = self._describe(snapshot.model.rbm)
        items = [
            Feature(**_shown(feature, snapshot, query.films))
            for feature in list(described.values())[: query.limit]
        ]
        return ModelFeatures(model=snapshot.version, items=items)

    def of_user(self, user: str, query: FeaturesQuery) -> UserFeatures:
        """Describe the units that the ratings of a user switch on most."""
        snapshot = self.current.snapshot
        with self.database.read() as connection:
            user_ratings = ratings.find_user_ratings(connection, user, self.like_threshold)
        reason = fallback_reason(snapshot, user_ratings)
        items: list[UserFeature] = []
        if reason is None and snapshot.model is not None and user_ratings is not None:
            rows, liked = known_ratings(snapshot.model, user_ratings)
            items = self._switched_on(snapshot, snapshot.model.rbm, rows, liked, query)
        return UserFeatures(
            user=user,
            model=snapshot.version,
            source=FeatureSource.NONE if reason else FeatureSource.RBM,
            reason=reason,
            items=items,
        )

    def of_anonymous(self, request: AnonymousFeaturesRequest) -> AnonymousFeatures:
        """Describe the units that the ratings in the request switch on most, with their links."""
        snapshot = self.current.snapshot
        user_ratings = request_ratings(request.ratings, self.like_threshold)
        reason = fallback_reason(snapshot, user_ratings)
        items: list[AnonymousFeature] = []
        if reason is None and snapshot.model is not None:
            rows, liked = known_ratings(snapshot.model, user_ratings)
            units = self._switched_on(snapshot, snapshot.model.rbm, rows, liked, request)
            towards = np.array(request.towards, dtype=np.int64)
            items = [_linked(unit, snapshot.model, rows, liked, towards) for unit in units]
        return AnonymousFeatures(
            model=snapshot.version,
            source=FeatureSource.NONE if reason else FeatureSource.RBM,
            reason=reason,
            items=items,
        )

    def _switched_on(
        self,
        snapshot: Snapshot,
        rbm: RBM,
        rows: NDArray[np.int64],
        liked: NDArray[np.bool_],
        query: FeaturesQuery,
    ) -> list[UserFeature]:
        sent = rbm.weights[columns(rows, liked)]  # (n_ratings, n_hidden)
        baseline = sigmoid(rbm.b)
        activation = sigmoid(rbm.b + sent.sum(axis=0))
        gain = activation - baseline
        units = np.argsort(-gain, kind="stable")[: query.limit]
        described = self._describe(rbm)
        return [
            UserFeature(
                **_shown(described[j], snapshot, query.films),
                activation=shortest(activation[[j]])[0],
                baseline=shortest(baseline[[j]])[0],
                because=_because(snapshot.catalogue, rbm.movie_ids[rows], liked, sent[:, j]),
            )
            for j in units[gain[units] > 0].tolist()
        ]

    def _describe(self, rbm: RBM) -> dict[int, features.Feature]:
        """Describe all units of a model, once; takes a second with 500 of them."""
        with self._describing:
            if self._described is None or self._described[0] is not rbm:
                units = features.describe_features(rbm, MAX_MOVIES)
                self._described = (rbm, {unit.unit: unit for unit in units})
            return self._described[1]


def _shown(feature: features.Feature, snapshot: Snapshot, n_movies: int) -> dict[str, Any]:
    return {
        "unit": feature.unit,
        "importance": feature.importance,
        "genres": _genres(feature.on, snapshot),
        "on": _movies(feature.on, snapshot.catalogue)[:n_movies],
        "off": _movies(feature.off, snapshot.catalogue)[:n_movies],
    }


def _movies(weights: Iterable[MovieWeight], catalogue: Catalogue) -> list[FeatureMovie]:
    return [
        FeatureMovie(
            movie_id=movie.movie_id, title=movie.title, year=movie.year, weight=weight.weight
        )
        for weight in weights
        if (movie := catalogue.movies.get(weight.movie_id)) is not None
    ]


def _genres(on: Iterable[MovieWeight], snapshot: Snapshot) -> list[FeatureGenre]:
    """Name the genres that are commoner among these movies than among all, the commonest first."""
    catalogue = snapshot.catalogue
    films = [movie for weight in on if (movie := catalogue.movies.get(weight.movie_id)) is not None]
    found = [genre for movie in films for genre in movie.genres]
    lifts = []
    for genre in sorted(set(found)):
        expected = len(films) * float(snapshot.facets.genres[genre.casefold()].mean())
        lift = (found.count(genre) + GENRE_DAMPING) / (expected + GENRE_DAMPING)
        if lift > 1:
            lifts.append(FeatureGenre(genre=genre, lift=round(lift, 2)))
    return sorted(lifts, key=lambda entry: (-entry.lift, entry.genre))[:MAX_GENRES]


def _because(
    catalogue: Catalogue,
    movie_ids: NDArray[np.int64],
    liked: NDArray[np.bool_],
    effect: NDArray[np.float32],
) -> list[Because]:
    shown = (effect > 0) & np.isin(movie_ids, catalogue.movie_ids)
    order = np.lexsort((movie_ids, -effect))
    best = order[shown[order]][:MAX_REASONS]
    columns_ = zip(
        movie_ids[best].tolist(), liked[best].tolist(), shortest(effect[best]), strict=True
    )
    return [
        Because(movie_id=id_, title=catalogue.movies[id_].title, liked=like, effect=value)
        for id_, like, value in columns_
    ]


def _linked(
    unit: UserFeature,
    model: ServedModel,
    rows: NDArray[np.int64],
    liked: NDArray[np.bool_],
    towards: NDArray[np.int64],
) -> AnonymousFeature:
    """Add the weights by which a unit hears of the ratings, and tells other movies."""
    received = model.rbm.weights[columns(rows, liked), unit.unit]
    strongest = np.lexsort((rows, -np.abs(received)))[:MAX_RECEIVED]
    up = zip(
        model.rbm.movie_ids[rows[strongest]].tolist(),
        liked[strongest].tolist(),
        shortest(received[strongest]),
        strict=True,
    )
    targets = model.rows_of(towards)
    targets = targets[targets >= 0]
    sent = model.rbm.W[targets, LIKE, unit.unit] * np.float32(unit.activation - unit.baseline)
    down = zip(model.rbm.movie_ids[targets].tolist(), shortest(sent), strict=True)
    return AnonymousFeature(
        **dict(unit),
        received=[ReceivedWeight(movie_id=i, liked=like, weight=w) for i, like, w in up],
        sent=[SentWeight(movie_id=i, weight=w) for i, w in down],
    )
