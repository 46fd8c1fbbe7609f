"""What a client is told when the database fails."""

from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.errors import (
    AppError,
    DatabaseBusyError,
    DatabaseReadOnlyError,
    DatabaseUnavailableError,
)

# Codes of PostgreSQL: lock_not_available, query_canceled, idle_in_transaction_session_timeout,
# serialization_failure, deadlock_detected, too_many_connections.
POSTGRESQL_BUSY = frozenset({"55P03", "57014", "25P03", "40001", "40P01", "53300"})
# read_only_sql_transaction (a standby, or set so by an operator), disk_full
POSTGRESQL_READ_ONLY = frozenset({"25006", "53100"})
# SQLITE_BUSY, SQLITE_LOCKED
SQLITE_BUSY = frozenset({5, 6})
# SQLITE_READONLY, SQLITE_FULL
SQLITE_READ_ONLY = frozenset({8, 13})
# SQLITE_IOERR_WRITE, _FSYNC, _TRUNCATE, _SHMSIZE: what else a full disk and a quota give.
SQLITE_CANNOT_WRITE = frozenset({778, 1034, 1546, 4874})
# The low byte of an extended code of SQLite is the code.
SQLITE_CODE = 0xFF


def to_app_error(error: SQLAlchemyError) -> AppError:
    """Return the error that a client is told about."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else None
    state: str | None = getattr(cause, "sqlstate", None)
    code: int = getattr(cause, "sqlite_errorcode", None) or 0
    if isinstance(error, PoolTimeoutError) or state in POSTGRESQL_BUSY:
        return DatabaseBusyError()
    if code & SQLITE_CODE in SQLITE_BUSY:
        return DatabaseBusyError()
    if state in POSTGRESQL_READ_ONLY or code in SQLITE_CANNOT_WRITE:
        return DatabaseReadOnlyError()
    if code & SQLITE_CODE in SQLITE_READ_ONLY:
        return DatabaseReadOnlyError()
    return DatabaseUnavailableError()
