"""Rounded weights bound the products with the exact ones."""

from dataclasses import replace

import numpy as np
import pytest

from model.coarse import BLOCK, LEVELS, coarse
from model.list_kernels import upper_products
from model.rbm import LIKE


def draw_weights(seed: int, n_movies: int, n_hidden: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    W = rng.normal(0, rng.exponential(0.1, (n_movies, 1, 1)), (n_movies, 2, n_hidden))
    return W.astype(np.float32)


def test_a_level_is_the_nearest_and_the_largest_weight_has_the_last_one() -> None:
    W = draw_weights(0, 50, 30)
    rounded = coarse(W)
    off = np.abs(W[:, LIKE] - rounded.levels * rounded.step[:, np.newaxis])
    assert (off <= 0.5001 * rounded.step[:, np.newaxis]).all()
    assert (np.abs(rounded.levels).max(axis=1) == LEVELS).all()


@pytest.mark.parametrize("n_hidden", [1, 7, 64, 300])
def test_no_product_is_above_its_bound(n_hidden: int) -> None:
    W, rng = draw_weights(1, 400, n_hidden), np.random.default_rng(2)
    changes = rng.normal(0, 1, (20, n_hidden)).astype(np.float32)
    rounded, bounds = coarse(W), np.empty((20, 400), dtype=np.float32)
    upper_products(rounded.levels, rounded.step, rounded.error, changes, bounds)
    exact = changes.astype(np.float64) @ W[:, LIKE].astype(np.float64).T
    # Stored as float32, which `model.lists` allows for.
    assert (bounds.astype(np.float64) + np.abs(bounds) * 2.0**-24 >= exact).all()
    close = np.abs(changes).sum(axis=1)[:, np.newaxis] * rounded.step
    assert (bounds - exact <= 1.1 * close).all()


def test_a_movie_without_weights_has_none() -> None:
    rounded = coarse(np.zeros((3, 2, 5), dtype=np.float32))
    assert not rounded.levels.any()
    assert not rounded.error.any()


def test_blocks_do_not_change_the_result() -> None:
    W = draw_weights(3, BLOCK + 5, 4)
    whole, part = coarse(W), coarse(W[BLOCK:])
    np.testing.assert_array_equal(whole.levels[BLOCK:], part.levels)
    np.testing.assert_array_equal(whole.error[BLOCK:], part.error)
    assert whole.covers(W)


@pytest.mark.parametrize("name", ["levels", "step", "error"])
def test_weights_that_are_rounded_wrongly_are_recognised(name: str) -> None:
    W = draw_weights(4, 20, 10)
    changed = getattr(coarse(W), name).copy()
    changed[7] = changed[7] // 2 if name == "levels" else changed[7] * np.float32(0.9)
    assert not replace(coarse(W), **{name: changed}).covers(W)
