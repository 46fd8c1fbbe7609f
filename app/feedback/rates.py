"""Shares of what was shown, with intervals that know that a user's showings are not independent."""

from math import sqrt
from typing import NamedTuple

Z95 = 1.959963984540054  # standard normal quantile of 0.975


class Sums(NamedTuple):
    """Sums over users, who were shown n movies and did something with x of them."""

    users: int
    n: float
    x: float
    nn: float
    xx: float
    xn: float


def rate(sums: Sums) -> tuple[float, float, float]:
    """Return the share x/n and its 95 % interval.

    The variance of a ratio over users is that of the delta method (Deng, Knoblich and Lu 2018,
    "Applying the Delta Method in Metric Analytics", KDD). It gives the number of independent
    showings that would tell as much, and with it Wilson's interval, which stays within 0 to 1 and
    has a width where nobody or everybody did it (Franco, Little, Louis and Slud 2019, "Comparative
    Study of Confidence Intervals for Proportions in Complex Sample Surveys"). There the number is
    that of users.
    """
    share = sums.x / sums.n
    independent = _independent(sums, share)
    middle = share + Z95**2 / (2 * independent)
    half = Z95 * sqrt(share * (1 - share) / independent + (Z95 / (2 * independent)) ** 2)
    scale = 1 + Z95**2 / independent
    return share, max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def _independent(sums: Sums, share: float) -> float:
    squares = sums.xx - 2 * share * sums.xn + share**2 * sums.nn  # Σ (x - share n)²
    if sums.users < 2 or not 0 < share < 1 or squares <= 0:
        return max(sums.users, 1)
    variance = squares * sums.users / ((sums.users - 1) * sums.n**2)
    return min(max(share * (1 - share) / variance, 1.0), sums.n)
