import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics import estimate, ndcg, recall

LOG2_3, LOG2_4 = np.log2(3), 2.0


def row(*hits: int) -> np.ndarray:
    return np.array([hits], dtype=bool)


@pytest.mark.parametrize(
    ("hits", "n_relevant", "k", "expected"),
    [
        ([1, 0, 0, 0], 1, 4, 1.0),
        ([0, 1, 0, 0], 1, 4, 1 / LOG2_3),
        ([0, 0, 0, 0], 3, 4, 0.0),
        ([1, 0, 1, 0], 2, 4, (1 + 1 / LOG2_4) / (1 + 1 / LOG2_3)),
        ([1, 0, 1, 0], 2, 2, 1 / (1 + 1 / LOG2_3)),
        ([1, 1, 0, 0], 9, 2, 1.0),  # more hidden likes than places: the ideal fills the places
    ],
)
def test_ndcg_worked_by_hand(hits: list[int], n_relevant: int, k: int, expected: float) -> None:
    assert ndcg(row(*hits), np.array([n_relevant]), k)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("hits", "n_relevant", "k", "expected"),
    [
        ([1, 0, 1, 0], 4, 4, 2 / 4),
        ([1, 0, 1, 0], 4, 3, 2 / 3),
        ([1, 1, 1, 0], 50, 2, 1.0),
        ([0, 0, 0, 1], 1, 3, 0.0),
    ],
)
def test_recall_worked_by_hand(hits: list[int], n_relevant: int, k: int, expected: float) -> None:
    assert recall(row(*hits), np.array([n_relevant]), k)[0] == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 40), st.integers(1, 30))
def test_metrics_of_a_user_do_not_depend_on_the_other_users(
    hits: list[bool], spare: int, k: int
) -> None:
    k = min(k, len(hits))
    batch = np.array([hits, hits[::-1], [False] * len(hits)])
    n_relevant = np.array([sum(hits) + spare] * 3)
    for metric in (ndcg, recall):
        together = metric(batch, n_relevant, k)
        alone = [metric(batch[i : i + 1], n_relevant[i : i + 1], k)[0] for i in range(3)]
        np.testing.assert_allclose(together, alone)
        assert (together >= 0).all()
        assert (together <= 1 + 1e-12).all()


def test_estimate_is_mean_and_standard_error_of_the_mean() -> None:
    mean, se = estimate(np.array([0.0, 1.0, 0.0, 1.0]))
    assert mean == 0.5
    assert se == pytest.approx(np.sqrt(1 / 3) / 2)


def test_estimate_of_too_few_users_is_no_number() -> None:
    assert np.isnan(estimate(np.array([0.7])).se)
    assert np.isnan(estimate(np.array([])).mean)
