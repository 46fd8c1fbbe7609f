"""What somebody might like next."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from app import cursors, metrics
from app.database import Database
from app.errors import CursorExpiredError
from app.ratings import repository as ratings
from app.ratings.repository import Person
from app.ratings.schemas import StatedRating
from app.recommendations.model_server import ModelServer
from app.recommendations.options import (
    LARGEST_SEED,
    AnybodysRequest,
    BatchRequest,
    Options,
    RecommendationsQuery,
)
from app.recommendations.ranking import ModelSection, PopularSection, Ranking, Section
from app.recommendations.schemas import (
    AnybodysRecommendations,
    Reason,
    Recommendations,
    RecommendationsBatch,
    RecommendationsCursor,
    Source,
)
from app.recommendations.snapshot import Snapshot

# Neither the length of a page nor its reasons change the list; the seed travels in the cursor.
LIST_OPTIONS = set(Options.model_fields) - {"limit", "explain", "seed"}


class RecommendationService:
    """Answers who might like what, from the ratings of this moment."""

    def __init__(self, database: Database, models: ModelServer, like_threshold: float) -> None:
        self.database = database
        self.models = models
        self.like_threshold = like_threshold

    def recommend(self, user: str, query: RecommendationsQuery) -> Recommendations:
        """Return a page of films that this person has not rated."""
        cursor = cursors.decode(RecommendationsCursor, query.cursor)
        with self.database.read() as connection:
            person = ratings.find_person(connection, user, self.like_threshold)
        return _page(self.models.snapshot, user, person, query, cursor)

    def recommend_batch(self, request: BatchRequest) -> RecommendationsBatch:
        """Return the first page of several people, each the same as alone."""
        with self.database.read() as connection:
            people = ratings.find_people(connection, request.users, self.like_threshold)
        snapshot = self.models.snapshot
        items = [_page(snapshot, user, people.get(user), request, None) for user in request.users]
        return RecommendationsBatch(items=items)

    def recommend_anybody(self, request: AnybodysRequest) -> AnybodysRecommendations:
        """Return a page of films for the opinions in the request; nothing is stored."""
        snapshot = self.models.snapshot
        cursor = cursors.decode(RecommendationsCursor, request.cursor, "body")
        stated = stated_person(request.ratings, self.like_threshold)
        known = np.isin(stated.movie_ids, snapshot.catalogue.movie_ids)
        person = Person(stated.revision, stated.movie_ids[known], stated.liked[known])
        page = _page(snapshot, None, person, request, cursor)
        ignored = stated.movie_ids[~known].tolist()
        return AnybodysRecommendations(**dict(page), ignored=ignored)


def stated_person(stated: Sequence[StatedRating], like_threshold: float) -> Person:
    """Make the opinions of a request what the opinions of a user are; the last of a film counts."""
    liked = {
        rating.movie_id: rating.stars >= like_threshold
        if rating.stars is not None
        else bool(rating.liked)
        for rating in stated
    }
    movie_ids = sorted(liked)
    return Person(
        revision=0,
        movie_ids=np.array(movie_ids, dtype=np.int64),
        liked=np.array([liked[movie_id] for movie_id in movie_ids], dtype=np.bool_),
    )


def why_not_personal(snapshot: Snapshot, person: Person | None) -> Reason | None:
    """Say why somebody cannot be served by the model, None for who can."""
    if snapshot.model is None:
        return Reason.NO_MODEL
    if person is None:
        return Reason.UNKNOWN_USER
    if not len(person.movie_ids):
        return Reason.NO_RATINGS
    if (snapshot.model.rows_of(person.movie_ids) < 0).all():
        return Reason.NO_KNOWN_RATINGS
    return None


def _page(
    snapshot: Snapshot,
    user: str | None,
    person: Person | None,
    options: Options,
    cursor: RecommendationsCursor | None,
) -> Recommendations:
    """Give the page that a cursor points at, the first without one."""
    seed = _seed(options, cursor)
    sections, reason = _sections(snapshot, person, options, seed)
    if reason:
        metrics.count_fallback(reason.value)
    ranking = Ranking(sections)
    request = _request_name(user, person, options)

    def place(position: int) -> RecommendationsCursor:
        return RecommendationsCursor(
            model=snapshot.version,
            revision=person.revision if person else 0,
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
    snapshot: Snapshot, person: Person | None, options: Options, seed: int | None
) -> tuple[list[Section], Reason | None]:
    """Say what the list of this person is made of, and why it is not personal if it is not."""
    allowed = snapshot.facets.allowed(options)
    rated = person.movie_ids if person else np.zeros(0, dtype=np.int64)
    reason = why_not_personal(snapshot, person)
    if reason or snapshot.model is None or person is None:
        popular = PopularSection(snapshot, snapshot.popular, snapshot.popular_state, rated, allowed)
        return [popular], reason
    by_model = ModelSection(snapshot, snapshot.model, person, options, allowed, seed)
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
    return secrets.randbelow(LARGEST_SEED + 1)


def _check(given: RecommendationsCursor, current: RecommendationsCursor, where: str) -> None:
    if (given.request, given.seed) != (current.request, current.seed):
        raise cursors.malformed(where)
    if given != current:
        raise CursorExpiredError


def _request_name(user: str | None, person: Person | None, options: Options) -> str:
    """Name what was asked for, without saying it: a cursor may end up in a log."""
    asked = options.model_dump(include=LIST_OPTIONS, exclude_defaults=True)
    for name in ("genre", "exclude_genre"):
        if name in asked:
            asked[name] = sorted({genre.casefold() for genre in asked[name]})
    if "exclude" in asked:
        asked["exclude"] = sorted(set(asked["exclude"]))
    digest = blake2b(json.dumps([user, asked]).encode(), digest_size=9)
    if user is None and person is not None:
        digest.update(person.movie_ids.astype("<i8").tobytes() + person.liked.tobytes())
    return digest.hexdigest()
