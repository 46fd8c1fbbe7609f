"""What the hidden units of the model stand for, and which of them a person switches on."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.database import Database
from app.features.schemas import (
    MOST_FILMS,
    AnybodysFeature,
    AnybodysFeatures,
    AnybodysFeaturesRequest,
    Feature,
    FeatureFilm,
    FeatureGenre,
    FeatureSource,
    FeaturesQuery,
    ModelFeatures,
    ReceivedWeight,
    SentWeight,
    UserFeature,
    UserFeatures,
)
from app.movies.catalogue import Catalogue
from app.ratings import repository as ratings
from app.recommendations.model_server import ModelServer
from app.recommendations.ranking import known_ratings
from app.recommendations.reasons import shortest
from app.recommendations.schemas import Because
from app.recommendations.service import stated_person, why_not_personal
from app.recommendations.snapshot import ServedModel, Snapshot
from model import features
from model.features import FilmWeight
from model.rbm import LIKE, RBM, columns, sigmoid

MOST_GENRES = 3
MOST_REASONS = 5
MOST_RECEIVED = 20
# A genre is found so many times among a feature's films before its share is believed.
GENRE_DAMPING = 2


class FeatureService:
    """Describes hidden units."""

    def __init__(self, database: Database, models: ModelServer, like_threshold: float) -> None:
        self.database = database
        self.models = models
        self.like_threshold = like_threshold
        self._described: tuple[RBM, dict[int, features.Feature]] | None = None
        self._describing = Lock()

    def of_model(self, query: FeaturesQuery) -> ModelFeatures:
        """Describe the units that tell people apart best."""
        snapshot = self.models.snapshot
        if snapshot.model is None:
            return ModelFeatures(model=None, items=[])
        described = self._describe(snapshot.model.rbm)
        items = [
            Feature(**_shown(feature, snapshot, query.films))
            for feature in list(described.values())[: query.limit]
        ]
        return ModelFeatures(model=snapshot.version, items=items)

    def of_user(self, user: str, query: FeaturesQuery) -> UserFeatures:
        """Describe the units that the ratings of a person switch on most."""
        snapshot = self.models.snapshot
        with self.database.read() as connection:
            person = ratings.find_person(connection, user, self.like_threshold)
        reason = why_not_personal(snapshot, person)
        items: list[UserFeature] = []
        if reason is None and snapshot.model is not None and person is not None:
            rows, liked = known_ratings(snapshot.model, person)
            items = self._switched_on(snapshot, snapshot.model.rbm, rows, liked, query)
        return UserFeatures(
            user=user,
            model=snapshot.version,
            source=FeatureSource.NONE if reason else FeatureSource.RBM,
            reason=reason,
            items=items,
        )

    def of_anybody(self, request: AnybodysFeaturesRequest) -> AnybodysFeatures:
        """Describe the units that the opinions in the request switch on most, with their links."""
        snapshot = self.models.snapshot
        person = stated_person(request.ratings, self.like_threshold)
        reason = why_not_personal(snapshot, person)
        items: list[AnybodysFeature] = []
        if reason is None and snapshot.model is not None:
            rows, liked = known_ratings(snapshot.model, person)
            units = self._switched_on(snapshot, snapshot.model.rbm, rows, liked, request)
            towards = np.array(request.towards, dtype=np.int64)
            items = [_linked(unit, snapshot.model, rows, liked, towards) for unit in units]
        return AnybodysFeatures(
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
                units = features.describe_features(rbm, MOST_FILMS)
                self._described = (rbm, {unit.unit: unit for unit in units})
            return self._described[1]


def _shown(feature: features.Feature, snapshot: Snapshot, n_films: int) -> dict[str, Any]:
    return {
        "unit": feature.unit,
        "importance": feature.importance,
        "genres": _genres(feature.on, snapshot),
        "on": _films(feature.on, snapshot.catalogue)[:n_films],
        "off": _films(feature.off, snapshot.catalogue)[:n_films],
    }


def _films(weights: Iterable[FilmWeight], catalogue: Catalogue) -> list[FeatureFilm]:
    return [
        FeatureFilm(movie_id=film.movie_id, title=film.title, year=film.year, weight=weight.weight)
        for weight in weights
        if (film := catalogue.films.get(weight.movie_id)) is not None
    ]


def _genres(on: Iterable[FilmWeight], snapshot: Snapshot) -> list[FeatureGenre]:
    """Name the genres that are commoner among these films than among all, the commonest first."""
    catalogue = snapshot.catalogue
    films = [film for weight in on if (film := catalogue.films.get(weight.movie_id)) is not None]
    found = [genre for film in films for genre in film.genres]
    lifts = []
    for genre in sorted(set(found)):
        expected = len(films) * float(snapshot.facets.genres[genre.casefold()].mean())
        lift = (found.count(genre) + GENRE_DAMPING) / (expected + GENRE_DAMPING)
        if lift > 1:
            lifts.append(FeatureGenre(genre=genre, lift=round(lift, 2)))
    return sorted(lifts, key=lambda entry: (-entry.lift, entry.genre))[:MOST_GENRES]


def _because(
    catalogue: Catalogue,
    movie_ids: NDArray[np.int64],
    liked: NDArray[np.bool_],
    effect: NDArray[np.float32],
) -> list[Because]:
    shown = (effect > 0) & np.isin(movie_ids, catalogue.movie_ids)
    order = np.lexsort((movie_ids, -effect))
    best = order[shown[order]][:MOST_REASONS]
    columns_ = zip(
        movie_ids[best].tolist(), liked[best].tolist(), shortest(effect[best]), strict=True
    )
    return [
        Because(movie_id=id_, title=catalogue.films[id_].title, liked=like, effect=value)
        for id_, like, value in columns_
    ]


def _linked(
    unit: UserFeature,
    model: ServedModel,
    rows: NDArray[np.int64],
    liked: NDArray[np.bool_],
    towards: NDArray[np.int64],
) -> AnybodysFeature:
    """Add the weights by which a unit hears of the ratings, and tells other films."""
    received = model.rbm.weights[columns(rows, liked), unit.unit]
    strongest = np.lexsort((rows, -np.abs(received)))[:MOST_RECEIVED]
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
    return AnybodysFeature(
        **dict(unit),
        received=[ReceivedWeight(movie_id=i, liked=like, weight=w) for i, like, w in up],
        sent=[SentWeight(movie_id=i, weight=w) for i, w in down],
    )
