"""How far the ratings have gone from what the served model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """The ratings that a model was trained on: when they were read, how many there were.

    Either is unknown where the card does not say; the number also for a model from another
    database, since it says nothing about the ratings here.
    """

    read_at: datetime | None
    n_ratings: int | None

    @classmethod
    def of(cls, card: Mapping[str, Any], salt: str) -> Origin:
        """Read it from a card; `salt` is that of this database."""
        data = card.get("data", {})
        here = card.get("holdout", {}).get("salt") == salt
        return cls(
            moment(data.get("taken_at") or card.get("created_at")),
            int(data["n_ratings"]) if here and "n_ratings" in data else None,
        )

    def age_s(self) -> float:
        """Seconds since the ratings were read; not a number where nobody knows."""
        return nan if self.read_at is None else (datetime.now(UTC) - self.read_at).total_seconds()

    def ratings_since(self, n_ratings: int) -> float:
        """How many more there are now; not a number where nobody knows."""
        return nan if self.n_ratings is None else n_ratings - self.n_ratings


def moment(text: str | None) -> datetime | None:
    """Read when a card says that something was; None where it does not say so, or no zone."""
    try:
        moment = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None
