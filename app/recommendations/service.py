"""What somebody might like next."""

from hashlib import blake2b

import numpy as np

from app import cursors
from app.database import Database
from app.errors import CursorExpiredError
from app.ratings import repository as ratings
from app.ratings.repository import Person
from app.recommendations.model_server import ModelServer
from app.recommendations.ranking import ModelSection, PopularSection, Ranking, Section
from app.recommendations.schemas import (
    Reason,
    Recommendations,
    RecommendationsCursor,
    RecommendationsQuery,
    Source,
)
from app.recommendations.snapshot import Snapshot


class RecommendationService:
    """Answers who might like what, from the ratings of this moment."""

    def __init__(self, database: Database, models: ModelServer, like_threshold: float) -> None:
        self.database = database
        self.models = models
        self.like_threshold = like_threshold

    def recommend(self, user: str, query: RecommendationsQuery) -> Recommendations:
        """Return a page of films that this person has not rated."""
        cursor = cursors.decode(RecommendationsCursor, query.cursor)
        snapshot = self.models.snapshot
        with self.database.read() as connection:
            person = ratings.find_person(connection, user, self.like_threshold)
        sections, reason = _sections(snapshot, person, query.explain)
        ranking = Ranking(sections)
        revision = person.revision if person else 0

        def place(position: int) -> RecommendationsCursor:
            return RecommendationsCursor(
                model=snapshot.version,
                revision=revision,
                request=_request_name(user),
                state=ranking.state_at(position),
                position=position,
            )

        begin = 0
        if cursor:
            begin = cursor.position
            _check(cursor, place(begin))
        end = begin + query.limit
        return Recommendations(
            user=user,
            model=snapshot.version,
            source=Source.POPULAR if reason else Source.RBM,
            reason=reason,
            items=ranking.page(begin, query.limit),
            next=place(end).encode() if end < len(ranking) else None,
        )


def _sections(
    snapshot: Snapshot, person: Person | None, explain: int
) -> tuple[list[Section], Reason | None]:
    """Say what the list of this person is made of, and why it is not personal if it is not."""
    reason = None
    if snapshot.model is None:
        reason = Reason.NO_MODEL
    elif person is None:
        reason = Reason.UNKNOWN_USER
    elif not len(person.movie_ids):
        reason = Reason.NO_RATINGS
    else:
        by_model = ModelSection(snapshot, snapshot.model, person, explain)
        if len(by_model.rows):
            rest = PopularSection(
                snapshot, snapshot.unknown, snapshot.unknown_state, person.movie_ids
            )
            return [by_model, rest], None
        reason = Reason.NO_KNOWN_RATINGS
    rated = person.movie_ids if person else np.zeros(0, dtype=np.int64)
    return [PopularSection(snapshot, snapshot.popular, snapshot.popular_state, rated)], reason


def _check(given: RecommendationsCursor, current: RecommendationsCursor) -> None:
    if given.request != current.request:
        raise cursors.malformed()
    if given != current:
        raise CursorExpiredError


def _request_name(user: str) -> str:
    """Name what was asked for, without saying it: a cursor may end up in a log."""
    return blake2b(user.encode(), digest_size=9).hexdigest()
