"""What each worker of the service tells about back-ups: how old the last good one is."""

from math import nan

from app.backup import repository
from app.core import metrics
from app.core.polling import Poller
from app.db.engine import Database
from app.db.limits import POLL_STATEMENT_S

INTERVAL_S = 20.0


class BackupMonitor:
    """Polls the back-ups that are on record."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._poller = Poller("backup-monitor", self.poll, INTERVAL_S, "cannot watch back-ups")

    def start(self) -> None:
        """Poll now, and from now on."""
        metrics.record_backups(nan, nan)
        self._poller.start()

    def stop(self) -> None:
        """Stop polling."""
        self._poller.stop()

    def poll(self) -> None:
        """Record the age of the last back-up, and for how long the next one is due."""
        state = read_state(self._database)
        age_s, overdue_s = state.age_s, state.overdue_s
        metrics.record_backups(
            nan if age_s is None else age_s, nan if overdue_s is None else overdue_s
        )


def read_state(database: Database) -> repository.State:
    """Return how the back-ups fare."""
    with database.read(POLL_STATEMENT_S) as connection:
        return repository.state(connection)
