"""Errors about events."""

from app.core.errors import AppError


class EventConflictError(AppError, status=409):
    """Another event has this `event_id`: an id names one event for ever."""

    message = "Another event has the id {event_id!r}; take a new id for a new event."
    sample = {"event_id": "order-1007"}
