"""Notices which users' ratings have changed, in any process, and whether the database answers."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from app.core import metrics
from app.core.polling import Poller
from app.db.engine import Database
from app.db.limits import POLL_STATEMENT_S
from app.db.tables import installation, users

# A rating that another worker stored must count here within 1 s: cached responses may be used for
# this long after the last successful poll, and polls come more often.
MAX_AGE_S = 0.9
POLL_S = 0.4
# Without a successful poll for so long the database counts as away. A poll that fails says so at
# once; one that gets no answer takes longer than this to fail.
AWAY_S = 2.0
# With more changes in one poll (an import), or more changed users, everything is out of date.
MAX_CHANGES = 1000
MAX_USERS = 100_000


class UserRevisions:
    """Follows the revision of each user, which every change of ratings raises.

    `clock` counts the polls that found changes. Data that was read at a value of the clock is out
    of date once its user has changed at a later value (`is_current`). Revisions are consecutive
    and commit in their order; a missing one belongs to a user who changed again since, or was
    erased. Then everything is out of date.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = 0
        self.fresh_until = 0.0
        self._away_from = 0.0
        self._oldest = 0
        self._changed_at: dict[str, int] = {}
        self._seen: int | None = None
        self._polling = Lock()
        trouble = "cannot poll the ratings; cached responses may be out of date meanwhile"
        self._poller = Poller("user-revisions", self._poll, POLL_S, trouble)

    def start(self) -> None:
        """Start polling."""
        self._poller.start()

    def stop(self) -> None:
        """Stop polling."""
        self._poller.stop()

    def is_current(self, user: str, read_at: int) -> bool:
        """Tell whether the ratings are unchanged since they were read, as far as is known."""
        # In this order: `_notice` sets `_oldest` before it forgets the changes.
        return self._changed_at.get(user, 0) <= read_at and read_at >= self._oldest

    def is_fresh(self) -> bool:
        """Tell whether the last successful poll is recent enough."""
        return monotonic() < self.fresh_until

    def is_away(self) -> bool:
        """Tell whether the database does not answer, so that changes of others are not known."""
        return monotonic() >= self._away_from

    def poll(self) -> None:
        """Notice every change that was committed before this call.

        Where the database does not tell, all users may have changed.
        """
        if not self._poller.poll_now():
            with self._polling:
                self._forget()

    def _poll(self) -> None:
        with self._polling:
            begin = monotonic()
            try:
                with self.database.read(POLL_STATEMENT_S) as connection:
                    self._notice(connection)
            except Exception as error:
                self.fresh_until = 0.0
                if isinstance(error, SQLAlchemyError):
                    self._away_from = 0.0
                    metrics.database_up.set(0)
                raise
            self.fresh_until, self._away_from = begin + MAX_AGE_S, begin + AWAY_S
            metrics.database_up.set(1)

    def _notice(self, connection: Connection) -> None:
        seen = self._seen
        current = connection.execute(select(installation.c.ratings_revision)).scalar_one()
        if current == seen:
            return
        # The clock first: a reader that sees the new value reads ratings after these changes.
        self.clock += 1
        changed = _changed_since(connection, seen) if seen is not None else []
        missing = seen is None or len({row[1] for row in changed}) != current - seen
        many = len(changed) > MAX_CHANGES or len(self._changed_at) + len(changed) > MAX_USERS
        if missing or many:
            self._forget()
        else:
            self._changed_at.update((row[0], self.clock) for row in changed)
        self._seen = current

    def _forget(self) -> None:
        """Take everything that was read so far for out of date."""
        self.clock += 1
        self._oldest = self.clock
        self._changed_at = {}


def _changed_since(connection: Connection, revision: int) -> list[tuple[str, int]]:
    query = select(users.c.key, users.c.ratings_revision).where(users.c.ratings_revision > revision)
    return [(row[0], row[1]) for row in connection.execute(query.limit(MAX_CHANGES + 1))]
