from dataclasses import replace

import numpy as np
import pytest

from model.fold_in import (
    BLOCK,
    WHOLE,
    Given,
    fold_in,
    hidden_input,
    leave_one_out,
    visible_input,
    visible_inputs,
)
from model.rbm import activity, columns
from tests.model.machines import random_rbm, with_everything

N_MOVIES = 400


def draw_ratings(n_ratings: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_ratings)
    return np.sort(rng.permutation(N_MOVIES)[:n_ratings]), rng.random(n_ratings) < 0.6


@pytest.mark.parametrize("n_ratings", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_folding_in_a_user_is_the_upward_pass_of_the_reference(n_ratings: int) -> None:
    rbm = random_rbm(1, n_movies=N_MOVIES)
    rows, liked = draw_ratings(n_ratings)
    V = np.zeros((1, 2 * N_MOVIES), dtype=np.float32)
    V[0, columns(rows, liked)] = 1
    for block in (BLOCK, WHOLE):
        h = fold_in(rbm, rows, liked, block=block)
        assert h.dtype == np.float32
        np.testing.assert_allclose(h, rbm.hidden_probability(V)[0], rtol=1e-4, atol=1e-6)


def test_up_to_a_block_of_ratings_the_sum_does_not_depend_on_the_block() -> None:
    rbm = random_rbm(2, n_movies=N_MOVIES)
    rows, liked = draw_ratings(BLOCK)
    assert fold_in(rbm, rows, liked).tobytes() == fold_in(rbm, rows, liked, block=WHOLE).tobytes()


def test_the_hidden_input_can_start_from_another_one_and_leaves_it_as_it_is() -> None:
    rbm = random_rbm(3, n_movies=N_MOVIES)
    rated = columns(*draw_ratings(50))
    start = hidden_input(rbm, rated[:20])
    before = start.copy()
    total = hidden_input(rbm, rated[20:], start=start)
    np.testing.assert_allclose(total, hidden_input(rbm, rated), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(start, before)


def test_leaving_one_rating_out_is_folding_in_the_others() -> None:
    rbm = random_rbm(4, n_movies=N_MOVIES)
    rows, liked = draw_ratings(BLOCK + 2)
    parts = list(leave_one_out(rbm, Given(rows, liked)))
    assert [(begin, len(H)) for begin, H in parts] == [(0, BLOCK), (BLOCK, 2)]
    for r, h in enumerate(np.concatenate([H for _, H in parts])):
        others = np.arange(len(rows)) != r
        np.testing.assert_allclose(h, fold_in(rbm, rows[others], liked[others]), atol=1e-5)


def test_the_visible_input_is_that_of_the_reference() -> None:
    rbm = random_rbm(5, n_movies=N_MOVIES)
    h = fold_in(rbm, *draw_ratings(30))
    x = visible_input(rbm, h, 30)
    assert x.dtype == np.float32
    t = np.array([activity(30, rbm.mean_ratings)])
    np.testing.assert_allclose(x, rbm.visible_input(h[np.newaxis], t)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_ratings", [1, 2, BLOCK + 2])
def test_with_a_prior_leaving_one_rating_out_is_folding_in_the_others(
    n_ratings: int, *, weighted: bool
) -> None:
    rbm = with_everything(4, N_MOVIES)
    rows, liked = draw_ratings(n_ratings)
    weights = np.random.default_rng(0).random(n_ratings) if weighted else None
    H = np.concatenate([H for _, H in leave_one_out(rbm, Given(rows, liked, weights))])
    for r, h in enumerate(H):
        others = np.arange(n_ratings) != r
        left = None if weights is None else weights[others]
        expected = fold_in(rbm, rows[others], liked[others], weights=left)
        np.testing.assert_allclose(h, expected, atol=1e-6)


@pytest.mark.parametrize("prior", [False, True])
def test_inputs_of_several_users_are_those_of_each(*, prior: bool) -> None:
    rbm = with_everything(5, N_MOVIES)
    rbm = rbm if prior else replace(rbm, prior=None)
    sizes = (1, 7, 60)
    H = np.stack([fold_in(rbm, *draw_ratings(n)) for n in sizes])
    for n, h, x in zip(sizes, H, visible_inputs(rbm, H, np.array(sizes)), strict=True):
        np.testing.assert_allclose(x, visible_input(rbm, h, n), atol=1e-5)


def test_a_user_without_ratings_has_the_hidden_units_of_the_average_user() -> None:
    rbm = with_everything(6, N_MOVIES)
    assert rbm.prior is not None
    np.testing.assert_array_equal(fold_in(rbm, *draw_ratings(0)), rbm.prior.average_hidden(rbm.b))
