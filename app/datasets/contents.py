"""What can be exported, and how a file is written."""

from enum import StrEnum


class Content(StrEnum):
    """What can be exported."""

    RATINGS = "ratings"
    MOVIES = "movies"
    USERS = "users"
    EVENTS = "events"
    FEEDBACK = "feedback"
    AUDIT = "audit"
    RECOMMENDATIONS = "recommendations"


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
