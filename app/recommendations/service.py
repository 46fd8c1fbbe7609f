"""Recommendations for users, known and anonymous."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from app.db.engine import Database
from app.http import cursors
from app.live.rules import Scenario, ScenarioDefinition
from app.live.snapshot import CurrentSnapshot
from app.ratings import repository as ratings
from app.ratings.repository import UserRatings
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.building import Wishes, build
from app.recommendations.history import History, history_of
from app.recommendations.options import (
    AnonymousRequest,
    BatchRequest,
    Options,
    RankRequest,
    RecommendationsQuery,
)
from app.recommendations.pages import head, page
from app.recommendations.plan import PREVIEW, Plan, plan
from app.recommendations.rank import left_out
from app.recommendations.schemas import (
    AnonymousRecommendations,
    LeftOut,
    RankedMovies,
    Recommendations,
    RecommendationsBatch,
    RecommendationsCursor,
)
from data.movie_keys import MovieKey, movie_id

MAX_EXPLAINED = 100  # movies of a list, as many as a page has


class RecommendationService:
    """Recommends movies by the ratings of this moment."""

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

    def recommend(self, user: str, query: RecommendationsQuery) -> Recommendations:
        """Return a page of movies that this user has neither rated nor seen."""
        cursor = cursors.decode(RecommendationsCursor, query.cursor)
        found = plan(self.current.snapshot, user, query.scenario)
        return self._page_of(found, user, query, cursor)

    def is_lasting(self, user: str, query: RecommendationsQuery) -> bool:
        """Tell whether a page follows from the snapshot and the user's ratings alone."""
        is_drawn = query.mode == "sample" and query.seed is None and not query.cursor
        return not (is_drawn or plan(self.current.snapshot, user, query.scenario).is_timed)

    def recommend_batch(self, request: BatchRequest) -> RecommendationsBatch:
        """Return the first page of several users, each the same as alone."""
        snapshot = self.current.snapshot
        plans = {user: plan(snapshot, user, request.scenario) for user in request.users}
        with self.database.read() as connection:
            found = ratings.find_ratings_of_users(
                connection, request.users, self.like_threshold, self.half_life_days
            )
            at = _now_ms()
            histories = {
                user: history_of(connection, each, user, found.get(user), self.like_threshold, at)
                for user, each in plans.items()
            }
        items = [
            page(plans[user], user, histories[user], request, None, at) for user in request.users
        ]
        return RecommendationsBatch(items=items)

    def recommend_anonymous(self, request: AnonymousRequest) -> AnonymousRecommendations:
        """Return a page of movies for the ratings in the request; nothing is stored."""
        found = plan(self.current.snapshot, None, request.scenario)
        cursor = cursors.decode(RecommendationsCursor, request.cursor, "body")
        history, ignored = self._sent(found, request.ratings)
        first = page(found, None, history, request, cursor, _moment(cursor))
        return AnonymousRecommendations(**dict(first), ignored=ignored)

    def preview(
        self, definition: ScenarioDefinition, user: str | None, limit: int
    ) -> Recommendations:
        """Return what a scenario that is not stored would show; nobody's experiment counts."""
        scenario = Scenario(PREVIEW, 0, definition)
        found = Plan(self.current.snapshot, scenario=scenario)
        if user is None:
            return page(found, None, History(None), Options(limit=limit), None, _now_ms())
        return self._page_of(found, user, Options(limit=limit), None)

    def rank(self, request: RankRequest) -> RankedMovies:
        """Rank the movies of a request by the rules of its scenario."""
        found = plan(self.current.snapshot, request.user, request.scenario)
        at = _now_ms()
        if request.user is None:
            history, _ = self._sent(found, request.ratings or [])
        else:
            history = self._history(found, request.user, at)
        keys = {movie_id(key): key for key in reversed(request.movies)}
        ids = np.array(list(keys)[::-1], dtype=np.int64)
        compiled = found.compiled().narrowed(np.isin(found.snapshot.catalogue.movie_ids, ids))
        wishes = Wishes(found.definition.diversity, at=at)
        ranking, reason = build(found, compiled, request.user, history, wishes)
        items = ranking.page(0, min(request.limit, MAX_EXPLAINED), request.explain)
        items += ranking.page(MAX_EXPLAINED, request.limit - MAX_EXPLAINED, 0)
        why = left_out(found.compiled(), history, ids, ranking.positions())
        others = [LeftOut(movie_id=keys[id_], why=why[id_]) for id_ in ids.tolist() if id_ in why]
        return RankedMovies(
            **head(found, request.user, ranking, reason), items=items, left_out=others
        )

    def _page_of(
        self, found: Plan, user: str, options: Options, cursor: RecommendationsCursor | None
    ) -> Recommendations:
        at = _moment(cursor)
        return page(found, user, self._history(found, user, at), options, cursor, at)

    def _history(self, found: Plan, user: str, at: int) -> History:
        with self.database.read() as connection:
            rated = ratings.find_user_ratings(
                connection, user, self.like_threshold, self.half_life_days
            )
            return history_of(connection, found, user, rated, self.like_threshold, at)

    def _sent(
        self, found: Plan, requests: Sequence[MovieRatingRequest]
    ) -> tuple[History, list[MovieKey]]:
        """Return the history that ratings of a request are, and the movies that do not exist."""
        sent = anonymous_ratings(requests, self.like_threshold)
        exist = np.isin(sent.movie_ids, found.snapshot.catalogue.movie_ids)
        keys = sent_keys(requests)
        ignored = [keys[id_] for id_ in sent.movie_ids[~exist].tolist()]
        known = sent.select(exist)
        liked = set(known.movie_ids[known.liked].tolist())
        in_order = [movie_id(rating.movie_id) for rating in requests]
        last = next((id_ for id_ in reversed(in_order) if id_ in liked), None)
        return History(known, last), ignored


def anonymous_ratings(requests: Sequence[MovieRatingRequest], like_threshold: float) -> UserRatings:
    """Convert the ratings of a request; the last one of a movie counts."""
    liked = {movie_id(rating.movie_id): rating.is_like(like_threshold) for rating in requests}
    rated = sorted(liked)
    return UserRatings(
        revision=0,
        movie_ids=np.array(rated, dtype=np.int64),
        liked=np.array([liked[id_] for id_ in rated], dtype=np.bool_),
    )


def sent_keys(requests: Sequence[MovieRatingRequest]) -> dict[int, MovieKey]:
    """Return the keys of the movies in a request by their ids, also of unknown movies."""
    return {movie_id(rating.movie_id): rating.movie_id for rating in requests}


def _moment(cursor: RecommendationsCursor | None) -> int:
    """Return the moment of a list, in milliseconds since 1970: that of its first page."""
    return cursor.at if cursor and cursor.at is not None else _now_ms()


def _now_ms() -> int:
    return int(1000 * datetime.now(UTC).timestamp())
