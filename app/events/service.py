"""Events: recorded once, turned into ratings and seen movies, listed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from app.core.errors import InvalidRequestError
from app.db.engine import Database
from app.events import repository
from app.events.errors import EventConflictError
from app.events.repository import KnownEvent, ListedEvent, NewEvent, Opinion, Sighting
from app.events.rule import GIVEN, Meaning, Movements, Rule, event_id
from app.events.schemas import (
    Event,
    EventRequest,
    EventResult,
    EventResults,
    EventsCursor,
    EventsPage,
    EventsQuery,
)
from app.http import cursors
from app.movies import repository as movies
from app.movies.errors import MovieNotFoundError
from app.ratings import user_repository as users
from data.movie_keys import MovieKey, movie_id

# The clocks of clients differ by so much.
MAX_AHEAD = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SentEvent(NamedTuple):
    """An event of a request, with what it left out."""

    event_id: str
    user: str
    movie_id: int
    key: MovieKey
    kind: str
    value: float | None
    occurred_at: int
    is_timed: bool

    @classmethod
    def of(cls, event: EventRequest, now: int) -> "SentEvent":
        """Add the id and the time."""
        id_, value, is_timed = movie_id(event.movie_id), event.value, event.occurred_at is not None
        at = int(event.occurred_at.timestamp()) if event.occurred_at is not None else now
        name = event.event_id or event_id(event.user, id_, event.kind, value, at)
        return cls(name, event.user, id_, event.movie_id, event.kind, value, at, is_timed)

    def is_same(self, other: "SentEvent | KnownEvent") -> bool:
        """Tell whether another event of this id is the same; a time that was not sent is any."""
        return (
            self[1:3] == (other.user, other.movie_id)
            and (self.kind, self.value) == (other.kind, other.value)
            and (not self.is_timed or self.occurred_at == other.occurred_at)
        )


class EventService:
    """Records events, and what follows from them by the rule."""

    def __init__(self, database: Database, rule: Rule) -> None:
        self.database = database
        self.rule = rule

    def record(self, connection: Connection, requests: Sequence[EventRequest]) -> EventResults:
        """Record the events of movies that exist and that are not known."""
        now = datetime.now(UTC)
        check_times("events", [request.occurred_at for request in requests], now)
        sent = [SentEvent.of(request, int(now.timestamp())) for request in requests]
        exist = movies.lock(connection, {event.movie_id for event in sent})
        # Of several with one id the first counts.
        first = {event.event_id: event for event in reversed(sent) if event.movie_id in exist}
        known = repository.find(connection, first)
        new = [event for event in sent if event is first.get(event.event_id)]
        new = [event for event in new if event.event_id not in known]
        added = self._add(connection, new)
        if len(added) < len(new):  # another transaction has recorded some since
            known = repository.find(connection, first.keys() - added)
        first_of_all: Mapping[str, SentEvent | KnownEvent] = {**first, **known}
        return EventResults(items=list(_results(sent, exist, first_of_all, added)))

    def page(self, user: str, query: EventsQuery) -> EventsPage:
        """Return some of the events of a user."""
        cursor = cursors.decode(EventsCursor, query.cursor)
        with self.database.read() as connection:
            rows = repository.page(
                connection,
                user,
                query.kind,
                until=cursor.until if cursor else None,
                skip=cursor.skip if cursor else 0,
                limit=query.limit + 1,  # one more tells whether there is a next page
            )
        shown = rows[: query.limit]
        following = _following(cursor, shown).encode() if len(rows) > query.limit else None
        return EventsPage(items=[Event.of(event) for event in shown], next=following)

    def _add(self, connection: Connection, new: Sequence[SentEvent]) -> set[str]:
        """Record events with what follows from them; return the ids of those that were new."""
        if not new:
            return set()
        ids = users.ensure_all(connection, {event.user for event in new})
        rows = [
            NewEvent(name, ids[user], id_, kind, value, at)
            for name, user, id_, _, kind, value, at, _ in new
        ]
        added = repository.add(connection, rows)
        changed = self._apply(connection, [row for row in rows if row.event_id in added])
        if changed:
            users.advance_revisions(connection, changed)
        return added

    def _apply(self, connection: Connection, rows: Sequence[NewEvent]) -> set[int]:
        """Store the ratings and seen movies that follow; return the users to whom they belong."""
        events = _movements(rows, self.rule)
        opinions = [_opinion(rows[row], events.meanings[row]) for row in events.opinions().tolist()]
        latest, hidden = events.seen()
        sightings = [
            Sighting(rows[row].user_id, rows[row].movie_id, is_hidden, rows[row].occurred_at)
            for row, is_hidden in zip(latest.tolist(), hidden.tolist(), strict=True)
        ]
        if opinions:
            repository.put_opinions(connection, opinions)
        if sightings:
            repository.put_seen(connection, sightings)
        return {each.user_id for each in opinions} | {each.user_id for each in sightings}


def check_times(name: str, times: Sequence[datetime | None], now: datetime) -> None:
    """Refuse what cannot have happened by now; `name` is that of the list in the body."""
    latest = now + MAX_AHEAD
    for number, at in enumerate(times):
        if at is not None and not EPOCH <= at <= latest:
            where = "in the future" if at > latest else "before 1970"
            message = f"{at.isoformat()} is {where}"
            place = ("body", name, number, "occurred_at")
            raise InvalidRequestError.at(place, message, "time_out_of_range")


def _movements(rows: Sequence[NewEvent], rule: Rule) -> Movements:
    kinds = np.array([row.kind for row in rows], dtype=object)
    values = np.array([np.nan if row.value is None else row.value for row in rows], dtype=float)
    return Movements(
        users=np.array([row.user_id for row in rows], dtype=np.int64),
        movies=np.array([row.movie_id for row in rows], dtype=np.int64),
        meanings=rule.meanings(kinds, values),
        given=np.array([row.kind in GIVEN for row in rows], dtype=np.bool_),
        times=np.array([row.occurred_at for row in rows], dtype=np.int64),
    )


def _opinion(row: NewEvent, meaning: int) -> Opinion:
    has_stars = meaning == Meaning.STARS
    return Opinion(
        user_id=row.user_id,
        movie_id=row.movie_id,
        stars=row.value if has_stars else None,
        liked=None if has_stars else bool(meaning == Meaning.LIKE),
        rated_at=row.occurred_at,
        implied_by=None if row.kind in GIVEN else row.kind,
    )


def _results(
    sent: Sequence[SentEvent],
    exist: set[int],
    first: Mapping[str, SentEvent | KnownEvent],
    added: set[str],
) -> Iterator[EventResult]:
    """Give the result of each; of several with one id the first has added it."""
    added = set(added)
    for event in sent:
        name = event.event_id
        if event.movie_id not in exist:
            error = MovieNotFoundError(movie_id=event.key).shown
            yield EventResult(event_id=name, status=404, error=error)
        elif not event.is_same(first[name]):
            error = EventConflictError(event_id=name).shown
            yield EventResult(event_id=name, status=409, error=error)
        else:
            yield EventResult(event_id=name, status=201 if name in added else 200, error=None)
            added.discard(name)


def _following(cursor: EventsCursor | None, shown: Sequence[ListedEvent]) -> EventsCursor:
    """Return the cursor behind these events."""
    last = shown[-1].occurred_at
    skip = sum(row.occurred_at == last for row in shown)
    if cursor is not None and cursor.until == last:
        skip += cursor.skip
    return EventsCursor(at=int(last.timestamp()), skip=skip)
