import numpy as np
import pytest

from model.recency import recency_shift


def test_the_shift_worked_by_hand() -> None:
    recent, always = np.array([6, 0, 2]), np.array([9, 9, 79])
    share = np.array([10, 10, 80]) / 100
    expected = 0.5 * np.log((recent + 4 * share) / (8 + 4) / share)
    shift = recency_shift(recent, always, strength=0.5, pseudo_likes=4)
    assert shift.dtype == np.float32
    np.testing.assert_allclose(shift, expected, rtol=1e-6)


def test_movies_liked_in_the_same_proportions_as_always_are_not_shifted() -> None:
    always = np.array([99, 199, 299])
    np.testing.assert_allclose(recency_shift((always + 1) // 10, always), 0, atol=1e-6)


def test_without_recent_likes_or_without_strength_nothing_is_shifted() -> None:
    always = np.array([5, 0, 80])
    np.testing.assert_allclose(recency_shift(np.zeros(3, dtype=int), always), 0, atol=1e-6)
    assert (recency_shift(np.array([5, 0, 1]), always, strength=0) == 0).all()


@pytest.mark.parametrize("pseudo_likes", [1.0, 1000.0])
def test_the_lift_has_a_lower_bound(pseudo_likes: float) -> None:
    recent, always = np.array([0, 50]), np.array([10_000, 50])
    shift = recency_shift(recent, always, pseudo_likes=pseudo_likes)
    np.testing.assert_allclose(np.exp(shift[0]), pseudo_likes / (50 + pseudo_likes), rtol=1e-5)
