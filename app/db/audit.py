"""The audit log: who did what, and when. Rows are added in the transaction of what they record."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert

from app.db.sql import now
from app.db.tables import audit_log

MAX_WHO, MAX_SUBJECT = 128, 255
UNNAMED = "somebody who was not named"  # a call in Python without `by`


class Action(StrEnum):
    """What is recorded."""

    MODEL_ACTIVATED = "model_activated"
    MODEL_ROLLED_BACK = "model_rolled_back"
    MODEL_DELETED = "model_deleted"
    MODEL_IMPORTED = "model_imported"
    USER_ERASED = "user_erased"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    SCENARIO_CHANGED = "scenario_changed"
    SCENARIO_DELETED = "scenario_deleted"
    EXPERIMENT_BEGUN = "experiment_begun"
    EXPERIMENT_STOPPED = "experiment_stopped"
    EXPERIMENT_PROMOTED = "experiment_promoted"
    MOVIE_WITHDRAWN = "movie_withdrawn"
    MOVIE_RETURNED = "movie_returned"
    MOVIE_WINDOW_CHANGED = "movie_window_changed"
    MOVIE_REMOVED = "movie_removed"
    DATA_IMPORTED = "data_imported"
    DATA_REPLACED = "data_replaced"
    BACKUP_RESTORED = "backup_restored"


def record(
    connection: Connection,
    who: str | None,
    action: Action,
    subject: str | None = None,
    **detail: Any,
) -> None:
    """Add a row. No key of a user is recorded: erasing the user could not delete it."""
    row = {
        "at": now(connection),
        "who": (who or UNNAMED)[:MAX_WHO],
        "action": action.value,
        "subject": None if subject is None else subject[:MAX_SUBJECT],
        "detail": detail or None,
    }
    connection.execute(insert(audit_log).values(row))
