"""The counters of feedback, of which a client cannot make any number."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from app.core import metrics
from app.feedback.identity import Origin

# Combinations of model, scenario and place that a worker counts apart; further ones are `other`.
MAX_SERIES = 300
NONE, OTHER = "none", "other"

_series: set[tuple[str, str, str]] = set()


class _Counted(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def origin(self) -> Origin | None: ...
    @property
    def place(self) -> str | None: ...


class Tally:
    """Feedback of a request, counted once it is committed."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, recorded: Iterable[_Counted]) -> None:
        """Take note of feedback that is recorded."""
        for each in recorded:
            model, scenario, _, _ = each.origin or Origin()
            parts = (model or NONE, scenario or NONE, each.place or NONE)
            self._counts[(each.kind, *parts)] += 1

    def count(self) -> None:
        """Add it to the counters."""
        for (kind, *parts), number in self._counts.items():
            metrics.count_feedback(kind, *_bounded(*parts), number)


def _bounded(model: str, scenario: str, place: str) -> tuple[str, str, str]:
    """Return labels, all `other` where there are too many of them already."""
    labels = (model, scenario, place)
    if labels not in _series and len(_series) < MAX_SERIES:
        _series.add(labels)
    return labels if labels in _series else (OTHER, OTHER, OTHER)
