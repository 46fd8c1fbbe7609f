"""Logging: one event per line on standard error, without user keys."""

import asyncio
import json
import logging
import sys
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from app.config import Settings

# For requests; its lines are written in batches.
access_logger = logging.getLogger("recommender.access")
# The longest delay of a line.
BATCH_S = 0.05

# The id of the current request, also in the worker thread that handles it.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def cause(error: Exception) -> str:
    """Say in one line why a database or a store failed, without the statement and its traceback."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


class LineFormatter(logging.Formatter):
    """One line of text per event."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (its name in logging)
        """Append the id of the request."""
        line = super().formatMessage(record)
        id_ = request_id.get()
        return f"{line} [{id_}]" if id_ else line


class JsonFormatter(logging.Formatter):
    """One JSON object per event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event with its fields."""
        event: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in event.items() if value is not None})


class BatchHandler(logging.StreamHandler[TextIO]):
    """Writes the lines of `BATCH_S` at once, since one write costs as much as a cached response.

    For the lines of requests, which come from the event loop; `write_pending` writes the last ones.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Add the line to the batch; the first line of a batch schedules its writing."""
        try:
            self._lines.append(self.format(record) + self.terminator)
        except Exception:
            self.handleError(record)
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(BATCH_S, self.flush)
            except RuntimeError:  # no event loop
                self.flush()

    def flush(self) -> None:
        """Write the batch."""
        lines, self._lines = self._lines, []
        # A closed standard error must not stop the service.
        with suppress(OSError, ValueError):
            if lines:
                self.stream.write("".join(lines))
            super().flush()


def write_pending() -> None:
    """Write the last batch, when the service stops."""
    for handler in access_logger.handlers:
        handler.flush()


def log_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig` or uvicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter}, "json": {"()": JsonFormatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": _format(settings),
                "stream": "ext://sys.stderr",
            },
            "batches": {
                "()": BatchHandler,
                "formatter": _format(settings),
                "stream": "ext://sys.stderr",
            },
        },
        "loggers": {
            "app": {"level": settings.log_level.upper()},
            access_logger.name: {
                "level": settings.log_level.upper(),
                "handlers": ["batches"],
                "propagate": False,
            },
            # The command itself reports the start.
            "uvicorn": {"level": "WARNING"},
            # Its access log holds paths, and so user keys; `access_logger` replaces it.
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }


def _format(settings: Settings) -> str:
    if settings.log_format == "auto":
        return "line" if sys.stderr.isatty() else "json"
    return settings.log_format
