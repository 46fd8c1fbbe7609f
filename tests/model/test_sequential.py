"""Intervals that may be looked at at all times."""

from math import log, pi, sqrt

import numpy as np
import pytest

from model.sequential import (
    MIN_OUTCOMES,
    MIN_USERS,
    TIGHTEST_AT,
    Outcomes,
    interval_of_difference,
    interval_of_rate,
    margin,
    shares_differ,
)


@pytest.mark.parametrize("n", [100, 10_000, 1_000_000])
def test_at_the_margin_the_mixture_of_likelihood_ratios_is_one_over_alpha(n: int) -> None:
    alpha = 0.05
    rho2 = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / TIGHTEST_AT
    total = n * margin(n, alpha)
    drift = np.linspace(-12, 12, 200_001) * sqrt(rho2)
    mixed = np.exp(drift * total - n * drift**2 / 2 - drift**2 / (2 * rho2))
    value = mixed.sum() * (drift[1] - drift[0]) / sqrt(2 * pi * rho2)
    assert value == pytest.approx(1 / alpha, rel=1e-6)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_it_is_tightest_where_it_says(factor: float) -> None:
    assert margin(5000, 0.05, 5000) < margin(5000, 0.05, round(5000 * factor))


def looks(rates: tuple[float, float], rng: np.random.Generator, days: int = 40) -> list[bool]:
    """Tell of each day whether the interval leaves 0 out; 250 users come each day."""
    users = np.array([(250 - n, n) for n in rng.binomial(250, 0.25, days)])
    clicked = rng.binomial(users, rates).cumsum(axis=0)
    users = users.cumsum(axis=0)
    arms = [
        [Outcomes(int(n), int(k)) for n, k in zip(*day, strict=True)]
        for day in zip(users, clicked, strict=True)
    ]
    intervals = [interval_of_difference(control, other, 0.05) for control, other in arms]
    return [each is not None and not each.low <= 0 <= each.high for each in intervals]


def test_equal_arms_are_said_to_differ_in_one_of_twenty_experiments_at_most() -> None:
    rng = np.random.default_rng(0)
    alarms = sum(any(looks((rate, rate), rng)) for rate in (0.02, 0.1, 0.5) for _ in range(100))
    assert alarms <= 0.05 * 300


def test_a_difference_is_found_and_stays_found() -> None:
    rng = np.random.default_rng(0)
    found = [looks((0.1, 0.15), rng) for _ in range(20)]
    assert all(days[-1] for days in found)


def test_an_arm_that_nobody_likes_is_found_although_its_outcomes_do_not_vary() -> None:
    interval = interval_of_difference(Outcomes(1000, 100), Outcomes(1000, 0), 0.05)
    assert interval is not None
    assert interval.high < 0


@pytest.mark.parametrize(
    ("control", "other"),
    [
        (Outcomes(MIN_USERS - 1, 50), Outcomes(5000, 500)),
        (Outcomes(5000, MIN_OUTCOMES - 1), Outcomes(5000, 0)),
        (Outcomes(5000, 5000), Outcomes(5000, 5000 - MIN_OUTCOMES + 1)),
    ],
)
def test_few_users_or_outcomes_have_no_interval(control: Outcomes, other: Outcomes) -> None:
    assert interval_of_difference(control, other, 0.05) is None


def test_the_interval_of_a_rate_stays_within_0_and_1() -> None:
    low = interval_of_rate(Outcomes(150, 20), 0.01)
    high = interval_of_rate(Outcomes(150, 130), 0.01)
    assert low is not None
    assert high is not None
    assert low.low == 0 < 20 / 150 < low.high
    assert high.low < 130 / 150 < 1 == high.high


def test_users_that_are_divided_otherwise_than_by_the_shares_are_noticed() -> None:
    assert not shares_differ([5050, 4950], [0.5, 0.5], 0.01)
    assert shares_differ([5300, 4700], [0.5, 0.5], 0.01)
    assert not shares_differ([900, 4500, 3600], [0.1, 0.5, 0.4], 0.01)
    assert not shares_differ([0, 0], [0.3, 0.3], 0.01)
    assert not shares_differ([17], [1.0], 0.01)


def test_users_that_are_divided_by_the_shares_are_noticed_in_one_of_a_hundred_at_most() -> None:
    rng = np.random.default_rng(0)
    noticed = 0
    for _ in range(200):
        seconds = rng.binomial(100, 0.2, 30).cumsum().tolist()
        totals = range(100, 3100, 100)
        noticed += any(
            shares_differ([total - n, n], [0.4, 0.1], 0.01)
            for total, n in zip(totals, seconds, strict=True)
        )
    assert noticed <= 2


def test_the_bayes_factor_of_two_users_is_that_of_the_formula() -> None:
    # Both in the second arm, whose share is a half: (1/3) / (1/4), and alpha just on both sides.
    factor = (1 / 3) / (1 / 4)
    assert shares_differ([0, 2], [0.5, 0.5], 1 / factor + 1e-9)
    assert not shares_differ([0, 2], [0.5, 0.5], 1 / factor - 1e-9)
