"""What is logged, and how: one line per event on standard error, without user keys."""

from typing import Any

from app.config import Settings


def log_config(settings: Settings) -> dict[str, Any]:
    """Give the configuration for `logging.config.dictConfig`, or for uvicorn."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
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
