"""Scales of charts."""

import math
from typing import NamedTuple


class Scale(NamedTuple):
    """A linear map from data to the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Position of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, n: int = 4) -> list[float]:
    """Give 2 to n + 1 round values, 1, 2 or 5 times a power of ten apart, around [low, high]."""
    span = high - low if high > low else abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / n))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= n:
            break
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]
