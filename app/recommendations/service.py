"""Recommendations for users, known and anonymous."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from app.core import metrics
from app.db.engine import Database
from app.http import cursors
from app.http.cursors import CursorExpiredError
from app.live.snapshot import CurrentSnapshot, Snapshot, Source
from app.ratings import repository as ratings
from app.ratings.repository import NO_MOVIES, UserRatings
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.options import (
    MAX_SEED,
    AnonymousRequest,
    BatchRequest,
    Options,
    RecommendationsQuery,
)
from app.recommendations.ranking import ModelSection, PopularSection, Ranking, known_ratings
from app.recommendations.schemas import (
    AnonymousRecommendations,
    Reason,
    Recommendations,
    RecommendationsBatch,
    RecommendationsCursor,
)
from data.movie_keys import MovieKey, movie_id

# Neither the length of a page nor its reasons change the list; the seed is in the cursor.
LIST_OPTIONS = set(Options.model_fields) - {"limit", "explain", "seed"}


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
        with self.database.read() as connection:
            user_ratings = ratings.find_user_ratings(
                connection, user, self.like_threshold, self.half_life_days
            )
        return _page(self.current.snapshot, user, user_ratings, query, cursor)

    def recommend_batch(self, request: BatchRequest) -> RecommendationsBatch:
        """Return the first page of several users, each the same as alone."""
        with self.database.read() as connection:
            found = ratings.find_ratings_of_users(
                connection, request.users, self.like_threshold, self.half_life_days
            )
        snapshot = self.current.snapshot
        items = [_page(snapshot, user, found.get(user), request, None) for user in request.users]
        return RecommendationsBatch(items=items)

    def recommend_anonymous(self, request: AnonymousRequest) -> AnonymousRecommendations:
        """Return a page of movies for the ratings in the request; nothing is stored."""
        snapshot = self.current.snapshot
        cursor = cursors.decode(RecommendationsCursor, request.cursor, "body")
        sent = anonymous_ratings(request.ratings, self.like_threshold)
        exist = np.isin(sent.movie_ids, snapshot.catalogue.movie_ids)
        page = _page(snapshot, None, sent.select(exist), request, cursor)
        keys = sent_keys(request.ratings)
        ignored = [keys[id_] for id_ in sent.movie_ids[~exist].tolist()]
        return AnonymousRecommendations(**dict(page), ignored=ignored)


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


def _page(
    snapshot: Snapshot,
    user: str | None,
    user_ratings: UserRatings | None,
    options: Options,
    cursor: RecommendationsCursor | None,
) -> Recommendations:
    """Return the page at a cursor, the first one without."""
    seed = _seed(options, cursor)
    ranking, reason = _rank(snapshot, user_ratings, options, seed)
    request = _request_digest(user, user_ratings, options)

    def cursor_at(position: int) -> RecommendationsCursor:
        return RecommendationsCursor(
            model=snapshot.version,
            revision=user_ratings.revision if user_ratings else 0,
            request=request,
            state=ranking.state_at(position),
            position=position,
            seed=seed,
        )

    begin = 0
    if cursor:
        begin = cursor.position
        _check(cursor, cursor_at(begin), "query" if user is not None else "body")
    end = begin + options.limit
    return Recommendations(
        user=user,
        model=snapshot.version,
        source=Source.POPULAR if reason else Source.RBM,
        reason=reason,
        seed=seed,
        items=ranking.page(begin, options.limit),
        next=cursor_at(end).encode() if end < len(ranking) else None,
        ignored_genres=snapshot.facets.unknown_genres(options),
    )


def _rank(
    snapshot: Snapshot, user_ratings: UserRatings | None, options: Options, seed: int | None
) -> tuple[Ranking, Reason | None]:
    """Return the list of this user, and the fallback reason if it is not personal."""
    allowed = snapshot.facets.allowed(options)
    not_shown = user_ratings.not_shown if user_ratings else NO_MOVIES
    known = known_ratings(snapshot, user_ratings)
    if isinstance(known, Reason):
        metrics.count_fallback(known.value)
        order, state = snapshot.popular, snapshot.popular_state
        return Ranking([PopularSection(snapshot, order, state, not_shown, allowed)]), known
    personal = ModelSection(snapshot, known, options, allowed, seed)
    order, state = snapshot.unknown, snapshot.unknown_state
    unknown = PopularSection(snapshot, order, state, not_shown, allowed)
    return Ranking([personal, unknown]), None


def _seed(options: Options, cursor: RecommendationsCursor | None) -> int | None:
    """Return the seed of a Gibbs sample: that of the request, of the page before, or a new one."""
    if options.mode != "sample":
        return None
    if options.seed is not None:
        return options.seed
    if cursor:
        return cursor.seed
    return secrets.randbelow(MAX_SEED + 1)


def _check(sent: RecommendationsCursor, current: RecommendationsCursor, where: str) -> None:
    if (sent.request, sent.seed) != (current.request, current.seed):
        raise cursors.malformed(where)
    if sent != current:
        raise CursorExpiredError


def _request_digest(user: str | None, user_ratings: UserRatings | None, options: Options) -> str:
    """Identify the request without its contents: a cursor may end up in a log."""
    asked = options.model_dump(include=LIST_OPTIONS, exclude_defaults=True)
    for name in ("genre", "exclude_genre"):
        if name in asked:
            asked[name] = sorted({genre.casefold() for genre in asked[name]})
    if "exclude" in asked:
        asked["exclude"] = sorted({movie_id(key) for key in asked["exclude"]})
    if "attribute" in asked:
        asked["attribute"] = sorted(set(asked["attribute"]))
    digest = blake2b(json.dumps([user, asked]).encode(), digest_size=9)
    if user is None and user_ratings is not None:
        digest.update(user_ratings.movie_ids.astype("<i8").tobytes() + user_ratings.liked.tobytes())
    return digest.hexdigest()
