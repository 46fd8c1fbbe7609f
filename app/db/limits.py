"""How long the database is waited for."""

from math import inf
from typing import NamedTuple


class Limits(NamedTuple):
    """Times in seconds; those of statements and transactions are PostgreSQL's alone."""

    lock_s: float
    """For a lock that another transaction holds."""
    statement_s: float
    """For one statement."""
    idle_s: float
    """For the next statement of a transaction."""
    write_s: float
    """For all that a unit of work does: it may meet several locks."""
    pool_s: float
    """For a connection of the pool."""
    connections: int
    """Connections of one process."""


# A client waits for these; the connections are one for each place of the lanes in
# `app/http/middleware/admission.py`, and for each polling thread.
REQUESTS = Limits(lock_s=5, statement_s=6, idle_s=5, write_s=8, pool_s=2, connections=25)
# Nobody waits for a job: it may read all ratings, or write an import.
JOBS = Limits(lock_s=30, statement_s=3600, idle_s=3600, write_s=inf, pool_s=30, connections=15)
# A statement of a poll takes a millisecond.
POLL_STATEMENT_S = 2.0
