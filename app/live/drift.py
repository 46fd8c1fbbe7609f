"""How much the ratings have changed since the served model was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """When the training of a model read the ratings, and how many there were.

    Both are None if the card does not tell; the number also for a model from another database.
    """

    read_at: datetime | None
    n_ratings: int | None

    @classmethod
    def of(cls, card: Mapping[str, Any], salt: str) -> Origin:
        """Read it from a card; `salt` is the holdout salt of this database."""
        data = card.get("data", {})
        here = card.get("holdout", {}).get("salt") == salt
        return cls(
            moment(data.get("taken_at") or card.get("created_at")),
            int(data["n_ratings"]) if here and "n_ratings" in data else None,
        )

    def age_s(self) -> float:
        """Seconds since the ratings were read, NaN if unknown."""
        return nan if self.read_at is None else (datetime.now(UTC) - self.read_at).total_seconds()

    def ratings_since(self, n_ratings: int) -> float:
        """How many more ratings there are now, NaN if unknown."""
        return nan if self.n_ratings is None else n_ratings - self.n_ratings


def moment(text: str | None) -> datetime | None:
    """Read a moment of a card, None if it is missing or without time zone."""
    try:
        moment = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None
