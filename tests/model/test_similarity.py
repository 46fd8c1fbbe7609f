from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.similarity import diversify, like_lengths, similarity
from tests.model.machines import random_rbm


def test_similarity_is_the_shrunk_cosine_of_the_like_weights() -> None:
    rbm = random_rbm(1)
    likes = rbm.W[:, 0].astype(np.float64)
    norms = np.linalg.norm(likes, axis=1)
    scale = norms + np.median(norms)
    expected = likes @ likes[7] / (scale * scale[7])
    np.testing.assert_allclose(
        similarity(rbm, 7, like_lengths(rbm)), expected, rtol=1e-4, atol=1e-6
    )


def test_of_two_movies_in_one_direction_the_one_that_is_better_known_is_more_alike() -> None:
    rbm = random_rbm(2)
    rbm.W[1, 0], rbm.W[2, 0] = rbm.W[0, 0], rbm.W[0, 0] * 0.05
    alike = similarity(rbm, 0, like_lengths(rbm))
    assert alike[1] > 3 * alike[2] > 0


def test_a_machine_of_zeros_finds_nothing_alike() -> None:
    rbm = random_rbm(3)
    rbm.W[:] = 0
    assert not similarity(rbm, 0, like_lengths(rbm)).any()


def reference(alike: np.ndarray, scores: np.ndarray, diversity: float) -> list[int]:
    """Maximal marginal relevance, word for word."""
    left, chosen = list(range(len(scores))), [0]
    left.remove(0)
    while left:
        gains = [
            (1 - diversity) * scores[i] / scores.max()
            - diversity * max(alike[i, k] for k in chosen)
            for i in left
        ]
        chosen.append(left.pop(int(np.argmax(gains))))
    return chosen


@given(seed=st.integers(0, 1000), diversity=st.floats(0.01, 1), limit=st.integers(0, 25))
def test_diversify_is_maximal_marginal_relevance(seed: int, diversity: float, limit: int) -> None:
    rbm = random_rbm(seed)
    rng = np.random.default_rng(seed)
    rows, scores = rng.permutation(40)[:20], np.sort(rng.random(20).astype(np.float32))[::-1]
    lengths = like_lengths(rbm)
    alike = np.array([similarity(rbm, row, lengths)[rows] for row in rows])
    expected = rows[reference(alike, scores, diversity)]
    found = diversify(rbm, rows, scores, diversity, lengths, limit)
    np.testing.assert_array_equal(found, expected[:limit])


def test_without_diversity_the_order_stays() -> None:
    rbm = random_rbm(4)
    rows = np.array([5, 3, 9])
    scores = np.array([0.9, 0.5, 0.5], dtype=np.float32)
    assert diversify(rbm, rows, scores, 0, like_lengths(rbm), 9).tolist() == [5, 3, 9]


def test_more_diversity_gives_less_alike_movies() -> None:
    rbm = random_rbm(6, n_movies=200, n_hidden=4)
    rng = np.random.default_rng(6)
    rows, scores = np.arange(200), np.sort(rng.random(200).astype(np.float32))[::-1]
    lengths = like_lengths(rbm)

    def likeness(diversity: float) -> float:
        chosen = diversify(rbm, rows, scores, diversity, lengths, 10)
        alike = np.array([similarity(rbm, row, lengths)[chosen] for row in chosen])
        return float(alike[~np.eye(10, dtype=bool)].mean())

    values = [likeness(diversity) for diversity in (0, 0.5, 1)]
    assert all(one > other for one, other in pairwise(values))
    assert values[-1] == pytest.approx(min(values))
