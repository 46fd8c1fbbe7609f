"""Ratings of a log that are passed on block by block, so that they need not fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.columns import Vocabulary
from data.ratings import LogBuilder, no_ratings
from data.release import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.bad_rows import BadRows
    from data.movie_keys import MovieKey
    from data.ratings import LogRules
    from data.salvage import Block

__all__ = ["TakeRatings", "log_builder"]

TakeRatings = Callable[[pd.DataFrame], None]
"""Takes ratings as `data.release.Release` describes them."""


class LogStream(LogBuilder):
    """Checks the blocks as its base does, and passes the ratings of each one on.

    Parameters
    ----------
    take : callable
        Called with the ratings of each block. Rows of one user and movie in different blocks are
        its business.
    label, place, rules, bad_rows, unit
        Of the base.
    """

    def __init__(
        self,
        take: TakeRatings,
        label: str,
        place: Callable[[int], str],
        rules: LogRules,
        bad_rows: BadRows | None = None,
        unit: str = "line",
    ) -> None:
        super().__init__(label, place, rules, bad_rows, unit)
        self._take = take
        self._rated: set[int] = set()  # movie ids

    def extend(self, blocks: Iterable[Block]) -> None:
        """Check and pass on blocks; raises `DatasetError` as the base does, and for events."""
        for block in blocks:
            super().extend([block])
            if not any(map(len, self._columns.get("user", []))):
                continue
            ratings, events = super().finish()
            if events is not None:
                raise DatasetError(
                    f"{self.label} holds events: import them, and read the database instead"
                )
            self._rated.update(np.unique(ratings["movie_id"]).tolist())
            self._users = Vocabulary(self._rules.user)  # those of all blocks may be too many
            self._take(ratings)

    def finish(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Return no ratings: they were passed on."""
        if not self._rated:
            raise DatasetError(f"{self.label} holds no rating")
        return no_ratings(), None

    def keys_of_rated(self, rows: pd.DataFrame) -> list[MovieKey]:
        """Return the key of each movie that was passed on."""
        del rows
        return self.keys_of(np.array(sorted(self._rated), dtype=np.int64))


def log_builder(
    take: TakeRatings | None,
    label: str,
    place: Callable[[int], str],
    rules: LogRules,
    bad_rows: BadRows | None = None,
    unit: str = "line",
) -> LogBuilder:
    """Return what reads a log: into memory, or passing it on."""
    if take is None:
        return LogBuilder(label, place, rules, bad_rows, unit)
    return LogStream(take, label, place, rules, bad_rows, unit)
