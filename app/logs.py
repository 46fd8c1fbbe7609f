"""What is logged, and how: one event per line on standard error, without user keys."""

import json
import logging
import os
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from app.config import Settings

# Of the request that is being answered; what a worker thread logs for it has it too.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """Draw an id."""
    return os.urandom(8).hex()


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
        },
        "loggers": {
            "app": {"level": settings.log_level.upper()},
            # What uvicorn says of a healthy start is said by the command.
            "uvicorn": {"level": "WARNING"},
            # Its own access log holds paths, and so user keys; `app.access` takes its place.
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }


def _format(settings: Settings) -> str:
    if settings.log_format == "auto":
        return "line" if sys.stderr.isatty() else "json"
    return settings.log_format
