"""Recency: movies that are liked lately rise in personal lists; a setting, off by default."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.config import Settings
from app.live.counts import Counts
from model.recency import recency_shift


class Recency(NamedTuple):
    """The settings of recency; `Settings` describes them."""

    weight: float = 0.0
    share: float = 0.05
    pseudo_likes: float = 1000.0

    @classmethod
    def of(cls, settings: Settings) -> "Recency":
        """Select them from all settings."""
        return cls(settings.recency_weight, settings.recency_share, settings.recency_pseudo_likes)

    @property
    def counted_share(self) -> float:
        """Latest share of the ratings whose likes must be counted, 0 for none."""
        return self.share if self.weight else 0.0

    def shift(self, counts: Counts, movie_ids: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return what is added to x[i,L] of each movie of a model; None if recency is off."""
        if not self.weight or counts.recent_likes is None:
            return None
        recent, always = np.zeros((2, len(movie_ids)), dtype=np.int64)
        _, here, there = np.intersect1d(
            movie_ids, counts.movie_ids, assume_unique=True, return_indices=True
        )
        recent[here], always[here] = counts.recent_likes[there], counts.likes[there]
        return recency_shift(recent, always, strength=self.weight, pseudo_likes=self.pseudo_likes)


OFF = Recency()
