"""What is logged, and how: one event per line on standard error, without user keys."""

import asyncio
import json
import logging
import random
import sys
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from app.config import Settings

# Requests; everything else is written at once.
access_logger = logging.getLogger("recommender.access")
# How long the line of a request may wait for others.
BATCH_S = 0.05

# Of the request that is being answered; what a worker thread logs for it has it too.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """Draw an id: a name, not a secret, for which asking the system would take too long."""
    return f"{random.getrandbits(64):016x}"


class LineFormatter(logging.Formatter):
    """One line of text per event, for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (its name in logging)
        """Put the id of the request behind the message."""
        line = super().formatMessage(record)
        id_ = request_id.get()
        return f"{line} [{id_}]" if id_ else line


class JsonFormatter(logging.Formatter):
    """One JSON object per event, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the event with its fields."""
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
    """Writes what comes within `BATCH_S` at once, since a write costs as much as a kept answer.

    For the lines of requests, which come from the event loop; `write_pending` writes the last.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line; the first one of a batch has it written soon."""
        try:
            self._lines.append(self.format(record) + self.terminator)
        except Exception:
            self.handleError(record)
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(BATCH_S, self.flush)
            except RuntimeError:  # no event loop, so nothing to wait for
                self.flush()

    def flush(self) -> None:
        """Write all lines that are kept."""
        lines, self._lines = self._lines, []
        # Nobody reads it any more: the service need not stop for that.
        with suppress(OSError, ValueError):
            if lines:
                self.stream.write("".join(lines))
            super().flush()


def write_pending() -> None:
    """Write the lines that still wait: the service ends."""
    for handler in access_logger.handlers:
        handler.flush()


def log_config(settings: Settings) -> dict[str, Any]:
    """Give the configuration for `logging.config.dictConfig`, or for uvicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": LineFormatter},
            "json": {"()": JsonFormatter},
        },
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
            # What uvicorn says of a healthy start is said by the command.
            "uvicorn": {"level": "WARNING"},
            # Its own access log holds paths, and so user keys; ours takes its place.
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }


def _format(settings: Settings) -> str:
    if settings.log_format == "auto":
        return "line" if sys.stderr.isatty() else "json"
    return settings.log_format
