"""The product of hidden states with W by looked-up sums, against the product of floats."""

import numpy as np
import pytest

from model.binary_product import GROUPS, add_product, aligned, pack_states, subset_sums


@pytest.mark.parametrize("n_hidden", [1, 4, 7, 4 * GROUPS, 4 * GROUPS + 1, 301])
@pytest.mark.parametrize("n_columns", [1, 20])
def test_product_equals_that_of_floats(n_hidden: int, n_columns: int) -> None:
    rng = np.random.default_rng(n_hidden)
    H = (rng.random((30, n_hidden)) < 0.5).astype(np.float32)
    W = rng.standard_normal((n_columns, n_hidden), dtype=np.float32)
    before = rng.standard_normal((30, 20), dtype=np.float32)
    x = before.copy()
    add_product(pack_states(H), W, aligned(16 * GROUPS, 20), x)
    expected = before[:, :n_columns] + H @ W.T
    np.testing.assert_allclose(x[:, :n_columns], expected, rtol=1e-5, atol=1e-5)


def test_a_smaller_block_after_a_larger_one_sees_nothing_of_it() -> None:
    rng = np.random.default_rng(0)
    H = (rng.random((5, 11)) < 0.5).astype(np.float32)
    W = rng.standard_normal((9, 11), dtype=np.float32)
    sums = aligned(16 * GROUPS, 9)
    add_product(pack_states(H), W, sums, np.zeros((5, 9), dtype=np.float32))
    x = np.zeros((5, 9), dtype=np.float32)
    add_product(pack_states(H), W[:2], sums, x)
    np.testing.assert_allclose(x[:, :2], H @ W[:2].T, rtol=1e-5, atol=1e-5)


def test_states_are_packed_four_units_to_a_number() -> None:
    H = np.array([[1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 1, 0]], dtype=np.float32)
    packed = pack_states(H)
    assert packed.shape == (2, GROUPS)
    np.testing.assert_array_equal(packed[:, :2], [[0b1101, 0b10], [0, 1]])
    assert not packed[:, 2:].any()


def test_subset_sums_are_those_of_every_subset_of_four_units() -> None:
    W = np.array([[1, 2, 4, 8, 100], [10, 20, 40, 80, 300]], dtype=np.float32)
    sums = aligned(16, 2)
    subset_sums(W, 0, sums)
    np.testing.assert_array_equal(sums, np.outer(np.arange(16), [1, 10]))


def test_aligned_rows_begin_at_a_line_of_the_cache() -> None:
    for columns in range(16, 400, 48):
        assert aligned(3, columns).ctypes.data % 64 == 0
