"""What is known of a user: ratings, what the model makes of them, and what was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.feedback.repository import shown_since
from app.live.by_genres import ByGenres
from app.live.catalogue import Catalogue, fingerprint
from app.live.snapshot import ServedModel, Snapshot
from app.ratings import repository as ratings
from app.ratings.repository import NO_MOVIES, UserRatings
from app.recommendations.plan import Plan
from app.recommendations.schemas import Because, Reason
from model.affinity import score_of
from model.fold_in import Given
from model.scoring import effects, rank, sample_user, score_user


class History(NamedTuple):
    """What a user has done, by ids of movies."""

    ratings: UserRatings | None
    liked_last: int | None = None
    shown: NDArray[np.int64] = NO_MOVIES  # lately in the scenario, and so not to be shown again

    @property
    def not_shown(self) -> NDArray[np.int64]:
        """The movies that the list may not have."""
        rated = self.ratings.not_shown if self.ratings else NO_MOVIES
        return np.concatenate((rated, self.shown)) if len(self.shown) else rated

    @property
    def state(self) -> str:
        """Fingerprint of what no revision of the user covers."""
        return fingerprint(self.shown) if len(self.shown) else ""


def history_of(
    connection: Connection,
    plan: Plan,
    user: str,
    user_ratings: UserRatings | None,
    like_threshold: float,
    at: int | None,
) -> History:
    """Read what the plan needs beside the ratings; `at` is the moment of a timed list."""
    liked_last, shown = None, NO_MOVIES
    if user_ratings is not None and "similar" in plan.definition.sources:
        liked_last = ratings.last_liked(connection, user, like_threshold)
    days = plan.definition.not_again_days
    if days and at is not None and plan.requested is not None:
        until = datetime.fromtimestamp(at / 1000, UTC)
        since = until - timedelta(days=days)
        shown = shown_since(connection, user, plan.requested, since, until)
    return History(user_ratings, liked_last, shown)


@dataclass(frozen=True, slots=True, eq=False)
class KnownRatings:
    """The ratings of a user that a model knows, by rising row of the model."""

    model: ServedModel
    rows: NDArray[np.int64]
    liked: NDArray[np.bool_]
    movie_ids: NDArray[np.int64]
    in_catalogue: NDArray[np.bool_]  # so that reasons may name the movie
    weights: NDArray[np.float32] | None  # by age; None where all weigh the same

    def scores(self, seed: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return P(like) and P(like | seen) of every row; with a seed, of a Gibbs sample."""
        rbm, weights, shift = self.model.rbm, self.weights, self.model.like_shift
        if seed is None:
            return score_user(rbm, self.rows, self.liked, weights=weights, like_shift=shift)
        rng = np.random.default_rng(seed)
        return sample_user(rbm, self.rows, self.liked, rng, weights=weights, like_shift=shift)

    @property
    def given(self) -> Given:
        """What the functions of the model take."""
        return Given(self.rows, self.liked, self.weights)

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

    @property
    def by_genres(self) -> ByGenres:
        """What they say of movies that the model does not know; it must have a prior."""
        if self.model.by_genres is None:
            raise ValueError("the model has no prior")
        return self.model.by_genres

    def genre_scores(
        self,
        catalogue: Catalogue,
        positions: NDArray[np.int64],
        shift: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return P(like) of movies that the model does not know; `shift` is of all positions."""
        affinities = self.by_genres.affinities(self.given, positions)
        if shift is not None:
            affinities += shift[positions]
        return score_of(catalogue.likes[positions], catalogue.counts.n_users, affinities)

    def genre_reasons(
        self, catalogue: Catalogue, positions: NDArray[np.int64], limit: int
    ) -> list[list[Because]]:
        """Return for each of these movies the ratings without which its score would be lower."""
        if not limit:
            return [[] for _ in positions]
        effects = self.by_genres.effects(self.given, positions)
        return [strongest(catalogue, self, effect, limit) for effect in effects]


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
    return KnownRatings(
        model=model,
        rows=rows,
        liked=user_ratings.liked[order],
        movie_ids=model.rbm.movie_ids[rows],
        in_catalogue=model.in_catalogue[rows],
        weights=None if weights is None else weights[order],
    )


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
