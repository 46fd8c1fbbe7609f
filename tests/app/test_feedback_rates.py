"""Shares with intervals: they take what one user did as dependent."""

from math import sqrt

import numpy as np
import pytest

from app.feedback.rates import Z95, Sums, rate


def sums(n: list[int], x: list[int]) -> Sums:
    shown, done = np.array(n, dtype=float), np.array(x, dtype=float)
    squares = (shown @ shown, done @ done, done @ shown)
    return Sums(len(n), shown.sum(), done.sum(), *squares)


def wilson(share: float, n: float) -> tuple[float, float, float]:
    """The textbook form: the shares that a test at 5 % would not reject."""
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    return share, middle - half, middle + half


def test_showings_of_different_users_count_each() -> None:
    found = rate(sums([1] * 400, [1] * 40 + [0] * 360))
    assert found == pytest.approx(wilson(0.1, 399))  # one less: the variance is estimated


def test_showings_of_a_user_who_always_does_the_same_count_once() -> None:
    found = rate(sums([20] * 50, [20] * 10 + [0] * 40))
    assert found == pytest.approx(wilson(0.2, 49))


@pytest.mark.parametrize("share", [0, 1])
def test_where_nobody_or_everybody_did_it_the_number_of_users_counts(share: int) -> None:
    found = rate(sums([7] * 30, [7 * share] * 30))
    assert found == pytest.approx(wilson(share, 30))
    assert found[2] - found[1] == pytest.approx(Z95**2 / (30 + Z95**2))


def test_one_user_tells_next_to_nothing() -> None:
    share, low, high = rate(sums([1000], [500]))
    assert share == 0.5
    assert high - low > 0.75


def test_users_who_are_all_alike_tell_no_more_than_independent_showings() -> None:
    found = rate(sums([10] * 20, [5] * 20))
    assert found == pytest.approx(wilson(0.5, 20))
    nearly = rate(sums([10] * 20, [5] * 18 + [4, 6]))
    assert nearly == pytest.approx(wilson(0.5, 200))


def test_the_variance_is_that_of_the_ratio_over_samples_of_users() -> None:
    generator = np.random.default_rng(5)
    n = generator.integers(1, 30, 1000)
    x = generator.binomial(n, generator.beta(1, 4, 1000))
    picks = generator.integers(0, 1000, (2000, 1000))  # bootstrap of users
    ratios = x[picks].sum(axis=1) / n[picks].sum(axis=1)
    _, low, high = rate(sums(n.tolist(), x.tolist()))
    assert high - low == pytest.approx(2 * Z95 * ratios.std(), rel=0.05)
