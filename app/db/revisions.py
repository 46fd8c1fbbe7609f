"""Which users' ratings have changed, in this process or in another one."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from sqlalchemy import Connection, select

from app.core.polling import Poller
from app.db.engine import Database
from app.db.tables import installation, users

# A rating that another worker acknowledged is to count here within 1 s; what is kept is given
# again only for this long after it was last known to be true, and asked for again well before.
MAX_AGE_S = 0.9
POLL_S = 0.4
# More changes at once than this, as of an import, and all is forgotten instead.
MAX_CHANGES = 1000
# More users than this to remember a change of, and all is forgotten instead.
MAX_USERS = 100_000


class UserRevisions:
    """Notices changes by the revision of each user, which every change of ratings raises.

    Time is counted in changes: what was read at time `clock` is out of date once its user has
    changed at a later time (`is_current`). The revisions of a database are consecutive and commit
    in their order; a missing one belongs to a user who changed again since, or was erased. Then
    everything is out of date.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = 0
        self.fresh_until = 0.0
        self._oldest = 0
        self._changed_at: dict[str, int] = {}
        self._seen: int | None = None
        self._polling = Lock()
        trouble = "cannot follow the ratings; answers are not kept meanwhile"
        self._poller = Poller("user-revisions", self._look, POLL_S, trouble)

    def start(self) -> None:
        """Follow the database from now on."""
        self._poller.start()

    def stop(self) -> None:
        """End following."""
        self._poller.stop()

    def is_current(self, user: str, read_at: int) -> bool:
        """Tell whether nothing is known to have changed since the ratings were read."""
        # In this order: what is forgotten is out of date before it is.
        return self._changed_at.get(user, 0) <= read_at and read_at >= self._oldest

    def is_fresh(self) -> bool:
        """Tell whether changes by others would be known by now."""
        return monotonic() < self.fresh_until

    def poll(self) -> None:
        """Learn of every change that was committed before this call."""
        self._poller.poll_now()

    def _look(self) -> None:
        with self._polling:
            begin = monotonic()
            try:
                with self.database.read() as connection:
                    self._notice(connection)
            except Exception:
                self.fresh_until = 0.0  # without knowing, nothing that is kept may be given again
                raise
            self.fresh_until = begin + MAX_AGE_S

    def _notice(self, connection: Connection) -> None:
        seen = self._seen
        current = connection.execute(select(installation.c.ratings_revision)).scalar_one()
        if current == seen:
            return
        # The clock goes first: whoever reads it from here on reads ratings that are newer still.
        self.clock += 1
        changed = _changed_since(connection, seen) if seen is not None else []
        missing = seen is None or len({row[1] for row in changed}) != current - seen
        many = len(changed) > MAX_CHANGES or len(self._changed_at) + len(changed) > MAX_USERS
        if missing or many:
            self._oldest = self.clock
            self._changed_at = {}
        else:
            self._changed_at.update((row[0], self.clock) for row in changed)
        self._seen = current


def _changed_since(connection: Connection, revision: int) -> list[tuple[str, int]]:
    query = select(users.c.key, users.c.ratings_revision).where(users.c.ratings_revision > revision)
    return [(row[0], row[1]) for row in connection.execute(query.limit(MAX_CHANGES + 1))]
