"""Feedback: recorded once, reported, kept for a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Connection

from app.core.errors import AppError, InvalidRequestError
from app.core.polling import Poller
from app.db.engine import Database
from app.db.sql import now
from app.events.service import check_times
from app.feedback import identity, report, repository
from app.feedback.errors import FeedbackConflictError, RecommendationIdError
from app.feedback.identity import Origin
from app.feedback.repository import KnownFeedback, NewFeedback
from app.feedback.schemas import (
    DIMENSIONS,
    Dimension,
    FeedbackReport,
    FeedbackRequest,
    FeedbackResult,
    FeedbackResults,
)
from app.feedback.tally import Tally
from app.live.snapshot import CurrentSnapshot
from app.movies import repository as movies
from app.movies.errors import MovieNotFoundError
from app.ratings import user_repository as users
from data.movie_keys import movie_id

PRUNE_S = 600.0
# Rows that are deleted in one transaction.
PRUNED_AT_ONCE = 5000
REPORTED = timedelta(days=28)
# One that takes a minute is of some ten million rows.
REPORT_S = 60.0


class SentFeedback(NamedTuple):
    """Feedback of a request, with what it left out; `origin` is None where its id is not valid."""

    feedback_id: str
    user: str | None
    movie_id: int
    kind: str
    origin: Origin | None
    place: str | None
    occurred_at: int
    is_timed: bool
    request: FeedbackRequest

    @classmethod
    def of(cls, request: FeedbackRequest, secret: bytes, now: int) -> "SentFeedback":
        """Read the id of the list, and add an id and the time."""
        try:
            origin = identity.decode(secret, request.user, request.recommendation_id)
        except ValueError:
            origin = None
        is_timed = request.occurred_at is not None
        at = int(request.occurred_at.timestamp()) if request.occurred_at is not None else now
        name = request.feedback_id or _feedback_id(request, at)
        id_, kind, place = movie_id(request.movie_id), request.kind, request.place
        return cls(name, request.user, id_, kind, origin, place, at, is_timed, request)

    def is_same(self, other: "SentFeedback | KnownFeedback") -> bool:
        """Tell whether other feedback of this id is the same; a time that was not sent is any."""
        origin = other.origin if isinstance(other, SentFeedback) else Origin(*other[4:8])
        return (
            self[1:4] == (other.user, other.movie_id, other.kind)
            and (self.origin, self.place) == (origin, other.place)
            and (not self.is_timed or self.occurred_at == other.occurred_at)
        )


class FeedbackService:
    """Records feedback, reports it, and deletes it after `days`; a thread does the last."""

    def __init__(self, database: Database, current: CurrentSnapshot, days: int = 365) -> None:
        self.database = database
        self.current = current
        self.kept = timedelta(days=days)
        self._poller = Poller("feedback", self.prune, PRUNE_S, "cannot delete old feedback")

    def start(self) -> None:
        """Start deleting what is too old."""
        self._poller.start(poll_now=False)

    def stop(self) -> None:
        """Stop the thread."""
        self._poller.stop()

    def record(
        self,
        connection: Connection,
        requests: Sequence[FeedbackRequest],
        tally: Tally | None = None,
    ) -> FeedbackResults:
        """Record what is not known, of movies that exist; add what is new to the tally."""
        at = now(connection)
        check_times("feedback", [request.occurred_at for request in requests], at)
        secret = self.current.snapshot.rules.secret
        sent = [SentFeedback.of(each, secret, int(at.timestamp())) for each in requests]
        exist = movies.lock(connection, {each.movie_id for each in sent})
        valid = [each for each in sent if each.origin is not None and each.movie_id in exist]
        first = {each.feedback_id: each for each in reversed(valid)}  # of several with one id
        known = repository.find(connection, first)
        new = [each for each in valid if each is first[each.feedback_id]]
        new = [each for each in new if each.feedback_id not in known]
        added = _add(connection, new, int(at.timestamp() * 1000))
        if len(added) < len(new):  # another transaction has recorded some since
            known = repository.find(connection, first.keys() - added)
        if tally is not None:
            tally.add(each for each in new if each.feedback_id in added)
        return FeedbackResults(items=list(_results(sent, exist, {**first, **known}, added)))

    def report(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Collection[Dimension] = (),
    ) -> FeedbackReport:
        """Report what came of the lists of a time, the last 28 days where it is not given."""
        with self.database.read(statement_s=REPORT_S) as connection:
            until = until or now(connection)
            since = since or until - REPORTED
            if since >= until:
                message = f"{since.isoformat()} is not before {until.isoformat()}"
                raise InvalidRequestError.at(["query", "since"], message, "time_out_of_range")
            parts = [name for name in DIMENSIONS if name in by or not by]
            rows = report.rows(connection, since, until, parts)
        return FeedbackReport(since=since, until=until, by=parts, rows=rows)

    def prune(self) -> None:
        """Delete what is too old, in short transactions."""
        with self.database.read() as connection:
            before = now(connection) - self.kept
            if not repository.any_before(connection, before):
                return
        n_deleted = PRUNED_AT_ONCE
        while n_deleted == PRUNED_AT_ONCE:
            with self.database.unit_of_work() as connection:
                n_deleted = repository.remove_before(connection, before, PRUNED_AT_ONCE)


def _add(connection: Connection, new: Sequence[SentFeedback], recorded_ms: int) -> set[str]:
    """Record feedback; return the ids of that which was new. Unknown users are created."""
    if not new:
        return set()
    ids = users.ensure_all(connection, {each.user for each in new if each.user is not None})
    rows = [
        NewFeedback(
            each.feedback_id,
            ids[each.user] if each.user is not None else None,
            each.movie_id,
            each.kind,
            *(each.origin or Origin()),
            each.place,
            each.occurred_at,
            recorded_ms,
        )
        for each in new
    ]
    return repository.add(connection, rows)


def _results(
    sent: Sequence[SentFeedback],
    exist: set[int],
    first: Mapping[str, SentFeedback | KnownFeedback],
    added: set[str],
) -> Iterator[FeedbackResult]:
    """Give the result of each; of several with one id the first has added it."""
    added = set(added)
    for each in sent:
        name = each.feedback_id
        error = _refusal(each, exist, first)
        if error is not None:
            yield FeedbackResult.model_validate(
                {"feedback_id": name, "status": error.status, "error": error.shown}
            )
        else:
            yield FeedbackResult(feedback_id=name, status=201 if name in added else 200, error=None)
            added.discard(name)


def _refusal(
    sent: SentFeedback, exist: set[int], first: Mapping[str, SentFeedback | KnownFeedback]
) -> AppError | None:
    if sent.origin is None:
        whom = "this user" if sent.user is not None else "a request without a user"
        return RecommendationIdError(whom=whom)
    if sent.movie_id not in exist:
        return MovieNotFoundError(movie_id=sent.request.movie_id)
    if not sent.is_same(first[sent.feedback_id]):
        return FeedbackConflictError(feedback_id=sent.feedback_id)
    return None


def _feedback_id(request: FeedbackRequest, occurred_at: int) -> str:
    """Return the id of feedback that came without one: the same feedback has the same id."""
    parts = (
        request.recommendation_id,
        request.user or "",
        str(movie_id(request.movie_id)),
        request.kind,
        request.place or "",
        str(occurred_at),
    )
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
