"""What somebody might like next."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from app.core import metrics
from app.core.errors import CursorExpiredError
from app.db.engine import Database
from app.http import cursors
from app.live.snapshot import CurrentSnapshot, Snapshot, Source
from app.ratings import repository as ratings
from app.ratings.repository import UserRatings
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.options import (
    MAX_SEED,
    AnonymousRequest,
    BatchRequest,
    Options,
    RecommendationsQuery,
)
from app.recommendations.ranking import ModelSection, PopularSection, Ranking, Section
from app.recommendations.schemas import (
    AnonymousRecommendations,
    Reason,
    Recommendations,
    RecommendationsBatch,
    RecommendationsCursor,
)

# Neither the length of a page nor its reasons change the list; the seed travels in the cursor.
LIST_OPTIONS = set(Options.model_fields) - {"limit", "explain", "seed"}


class RecommendationService:
    """Answers who might like what, from the ratings of this moment."""

    def __init__(self, database: Database, current: CurrentSnapshot, like_threshold: float) -> None:
        self.database = database
        self.current = current
        self.like_threshold = like_threshold

    def recommend(self, user: str, query: RecommendationsQuery) -> Recommendations:
        """Return a page of movies that this user has not rated."""
        cursor = cursors.decode(RecommendationsCursor, query.cursor)
        with self.database.read() as connection:
            user_ratings = ratings.find_user_ratings(connection, user, self.like_threshold)
        return _page(self.current.snapshot, user, user_ratings, query, cursor)

    def recommend_batch(self, request: BatchRequest) -> RecommendationsBatch:
        """Return the first page of several people, each the same as alone."""
        with self.database.read() as connection:
            people = ratings.find_ratings_of_users(connection, request.users, self.like_threshold)
        snapshot = self.current.snapshot
        items = [_page(snapshot, user, people.get(user), request, None) for user in request.users]
        return RecommendationsBatch(items=items)

    def recommend_anonymous(self, request: AnonymousRequest) -> AnonymousRecommendations:
        """Return a page of movies for the ratings in the request; nothing is stored."""
        snapshot = self.current.snapshot
        cursor = cursors.decode(RecommendationsCursor, request.cursor, "body")
        stated = request_ratings(request.ratings, self.like_threshold)
        known = np.isin(stated.movie_ids, snapshot.catalogue.movie_ids)
        user_ratings = UserRatings(stated.revision, stated.movie_ids[known], stated.liked[known])
        page = _page(snapshot, None, user_ratings, request, cursor)
        ignored = stated.movie_ids[~known].tolist()
        return AnonymousRecommendations(**dict(page), ignored=ignored)


def request_ratings(stated: Sequence[MovieRatingRequest], like_threshold: float) -> UserRatings:
    """Make the ratings of a request what the ratings of a user are; the last of a movie counts."""
    liked = {
        rating.movie_id: rating.stars >= like_threshold
        if rating.stars is not None
        else bool(rating.liked)
        for rating in stated
    }
    movie_ids = sorted(liked)
    return UserRatings(
        revision=0,
        movie_ids=np.array(movie_ids, dtype=np.int64),
        liked=np.array([liked[movie_id] for movie_id in movie_ids], dtype=np.bool_),
    )


def fallback_reason(snapshot: Snapshot, user_ratings: UserRatings | None) -> Reason | None:
    """Say why somebody cannot be served by the model, None for who can."""
    if snapshot.model is None:
        return Reason.NO_MODEL
    if user_ratings is None:
        return Reason.UNKNOWN_USER
    if not len(user_ratings.movie_ids):
        return Reason.NO_RATINGS
    if (snapshot.model.rows_of(user_ratings.movie_ids) < 0).all():
        return Reason.NO_KNOWN_RATINGS
    return None


def _page(
    snapshot: Snapshot,
    user: str | None,
    user_ratings: UserRatings | None,
    options: Options,
    cursor: RecommendationsCursor | None,
) -> Recommendations:
    """Give the page that a cursor points at, the first without one."""
    seed = _seed(options, cursor)
    sections, reason = _sections(snapshot, user_ratings, options, seed)
    if reason:
        metrics.count_fallback(reason.value)
    ranking = Ranking(sections)
    request = _request_name(user, user_ratings, options)

    def place(position: int) -> RecommendationsCursor:
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
        _check(cursor, place(begin), "query" if user is not None else "body")
    end = begin + options.limit
    return Recommendations(
        user=user,
        model=snapshot.version,
        source=Source.POPULAR if reason else Source.RBM,
        reason=reason,
        seed=seed,
        items=ranking.page(begin, options.limit),
        next=place(end).encode() if end < len(ranking) else None,
    )


def _sections(
    snapshot: Snapshot, user_ratings: UserRatings | None, options: Options, seed: int | None
) -> tuple[list[Section], Reason | None]:
    """Say what the list of this user is made of, and why it is not personal if it is not."""
    allowed = snapshot.facets.allowed(options)
    rated = user_ratings.movie_ids if user_ratings else np.zeros(0, dtype=np.int64)
    reason = fallback_reason(snapshot, user_ratings)
    if reason or snapshot.model is None or user_ratings is None:
        popular = PopularSection(snapshot, snapshot.popular, snapshot.popular_state, rated, allowed)
        return [popular], reason
    by_model = ModelSection(snapshot, snapshot.model, user_ratings, options, allowed, seed)
    rest = PopularSection(snapshot, snapshot.unknown, snapshot.unknown_state, rated, allowed)
    return [by_model, rest], None


def _seed(options: Options, cursor: RecommendationsCursor | None) -> int | None:
    """Give the seed of a sampled list: that of the pages before, that asked for, or a new one."""
    if options.mode != "sample":
        return None
    if options.seed is not None:
        return options.seed
    if cursor:
        return cursor.seed
    return secrets.randbelow(MAX_SEED + 1)


def _check(given: RecommendationsCursor, current: RecommendationsCursor, where: str) -> None:
    if (given.request, given.seed) != (current.request, current.seed):
        raise cursors.malformed(where)
    if given != current:
        raise CursorExpiredError


def _request_name(user: str | None, user_ratings: UserRatings | None, options: Options) -> str:
    """Name what was asked for, without saying it: a cursor may end up in a log."""
    asked = options.model_dump(include=LIST_OPTIONS, exclude_defaults=True)
    for name in ("genre", "exclude_genre"):
        if name in asked:
            asked[name] = sorted({genre.casefold() for genre in asked[name]})
    if "exclude" in asked:
        asked["exclude"] = sorted(set(asked["exclude"]))
    digest = blake2b(json.dumps([user, asked]).encode(), digest_size=9)
    if user is None and user_ratings is not None:
        digest.update(user_ratings.movie_ids.astype("<i8").tobytes() + user_ratings.liked.tobytes())
    return digest.hexdigest()
