import numpy as np
import pytest

from data import Interactions
from data.splitting import HeldOut
from model.calibration import calibrate, fit_platt
from model.rbm import sigmoid
from tests.model.test_scoring import random_rbm


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, 0.8), (2.0, -1.0)])
def test_slope_and_intercept_are_found_again(slope: float, intercept: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, 50_000)
    liked = rng.random(50_000) < sigmoid(slope * logits + intercept)
    assert fit_platt(logits, liked) == pytest.approx((slope, intercept), abs=0.06)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_handful_of_ratings_gives_a_finite_answer_near_no_change(n: int) -> None:
    slope, intercept = fit_platt(np.full(n, 2.0), np.ones(n, dtype=bool))
    assert 0.5 < slope < 2
    assert -0.5 < intercept < 0.5


def test_calibrated_probabilities_have_the_mean_of_the_ratings_they_were_fitted_to() -> None:
    rng = np.random.default_rng(1)
    rbm = random_rbm(1)
    users = np.repeat(np.arange(200), 10)
    movies = np.concatenate([rng.permutation(rbm.movie_ids)[:10] for _ in range(200)])
    everything = Interactions.from_arrays(
        users, movies, rng.random(2000) < 0.9, movie_ids=rbm.movie_ids
    )
    hidden = rng.random(2000) < 0.5
    held_out = HeldOut(everything.select_ratings(~hidden), everything.select_ratings(hidden))
    calibrated = calibrate(rbm, held_out)
    _, probability = calibrated.scores(held_out.given)
    at_hidden = probability[held_out.hidden.user_rows, held_out.hidden.movie_rows]
    assert at_hidden.mean() == pytest.approx(held_out.hidden.liked.mean(), abs=0.01)
    np.testing.assert_array_equal(calibrated.W, rbm.W)
