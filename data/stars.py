"""Stars from the ratings of any scale."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.release import DatasetError
from data.rules import MAX_STARS, MIN_STARS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.mapping import Mapping

__all__ = ["PLAIN", "StarScale", "number"]

# The database stores stars to so many decimals.
DECIMALS = 4
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def number(text: str) -> float:
    """Return the value of a decimal number, NaN for any other text."""
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


@dataclass(frozen=True, slots=True)
class StarScale:
    r"""How the ratings of a file become stars.

    With a like from :math:`l` on, a scale from :math:`a` to :math:`b` and likes from :math:`t`
    stars on, :math:`[a, l]` is mapped to :math:`[.5, t]` and :math:`[l, b]` to :math:`[t, 5]`, both
    linearly; without :math:`l`, :math:`[a, b]` to :math:`[.5, 5]`. Rounding never crosses
    :math:`t`: :math:`x \ge l` if and only if the stars of :math:`x` are at least :math:`t`.

    Parameters
    ----------
    low, high : float
        The worst and the best rating.
    like_from : float, optional
        The lowest rating that is a like.
    like_threshold : float
        Ratings of so many stars and more are likes.
    """

    low: float = MIN_STARS
    high: float = MAX_STARS
    like_from: float | None = None
    like_threshold: float = MAX_STARS

    @classmethod
    def of(cls, mapping: Mapping, like_threshold: float) -> StarScale:
        """Return the scale that a mapping describes.

        Raises
        ------
        DatasetError
            Every rating is a like already, so `like_from` cannot tell likes from dislikes.
        """
        if mapping.like_from is not None and not MIN_STARS < like_threshold <= MAX_STARS:
            raise DatasetError(f"like_from needs a like threshold above {MIN_STARS} stars")
        return cls(*mapping.bounds, mapping.like_from, like_threshold)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def stars(self, ratings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the stars of each rating, NaN for what is not on the scale.

        Parameters
        ----------
        ratings : float64 array, any shape

        Returns
        -------
        float64 array of the same shape
        """
        on_scale = np.where((ratings >= self.low) & (ratings <= self.high), ratings, np.nan)
        if self.like_from is None:
            if (self.low, self.high) == (MIN_STARS, MAX_STARS):
                return on_scale
            ends = [self.low, self.high], [MIN_STARS, MAX_STARS]
            return np.interp(on_scale, *ends).round(DECIMALS)
        unit = 10.0**DECIMALS
        likes_from = math.ceil(round(self.like_threshold * unit, 6)) / unit
        disliked = np.interp(
            on_scale, [self.low, self.like_from], [MIN_STARS, self.like_threshold]
        ).round(DECIMALS)
        liked = np.full_like(on_scale, MAX_STARS)
        if self.like_from < self.high:
            ends = [self.like_from, self.high], [self.like_threshold, MAX_STARS]
            liked = np.interp(on_scale, *ends).round(DECIMALS)
        stars = np.where(
            on_scale >= self.like_from,
            np.maximum(liked, likes_from),
            np.minimum(disliked, likes_from - 1 / unit),
        )
        return np.where(np.isnan(on_scale), np.nan, stars.round(DECIMALS))


PLAIN = StarScale()
