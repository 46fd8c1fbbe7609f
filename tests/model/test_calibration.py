from dataclasses import replace

import numpy as np
import pytest

from data import Interactions
from data.splitting import HeldOut, first_ratings
from model.calibration import TYPICAL, TYPICAL_WITH_PRIOR, calibrate, fit_logistic
from model.config import Config
from model.metrics import log_loss
from model.prior import fit_prior
from model.rbm import RBM, sigmoid
from tests.model.machines import random_rbm

PRIOR = np.array([1.0, 0.0])


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.5, 0.8), (2.0, -1.0)])
def test_the_weights_behind_the_ratings_are_found_again(weights: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    X = np.stack((rng.normal(0, 1.5, 50_000), np.ones(50_000)), axis=1)
    liked = rng.random(50_000) < sigmoid(X @ np.array(weights))
    assert fit_logistic(X, liked, PRIOR) == pytest.approx(weights, abs=0.06)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_handful_of_ratings_gives_a_finite_answer_near_the_usual_one(n: int) -> None:
    X = np.tile([2.0, 1.0], (n, 1))
    weights = fit_logistic(X, np.ones(n, dtype=bool), PRIOR)
    assert np.abs(weights - PRIOR).max() < 0.5


def generous_and_strict() -> HeldOut:
    """200 users of whom half like nine movies in ten, and half one in ten."""
    rng = np.random.default_rng(1)
    movie_ids = random_rbm(1).movie_ids
    users = np.repeat(np.arange(200), 20)
    movies = np.concatenate([rng.permutation(movie_ids)[:20] for _ in range(200)])
    liked = rng.random(4000) < np.where(users % 2, 0.9, 0.1)
    everything = Interactions.from_arrays(users, movies, liked, movie_ids=movie_ids)
    hidden = rng.random(4000) < 0.5
    return HeldOut(everything.select_ratings(~hidden), everything.select_ratings(hidden))


def test_calibrated_probabilities_have_the_means_of_the_ratings_they_were_fitted_to() -> None:
    held_out = generous_and_strict()
    rbm = random_rbm(1)
    calibrated = calibrate(rbm, held_out)
    rows = held_out.hidden.user_rows
    _, probability = calibrated.scores(held_out.given)
    at_hidden = probability[rows, held_out.hidden.movie_rows]
    for group in (0, 1):
        members = held_out.hidden.user_keys[rows] % 2 == group
        observed = held_out.hidden.liked[members].mean()
        assert at_hidden[members].mean() == pytest.approx(observed, abs=0.05)
    np.testing.assert_array_equal(calibrated.W, rbm.W)


def test_without_validation_users_the_usual_weights_are_kept() -> None:
    rbm = random_rbm(1)
    no_users = Interactions.from_arrays([], np.array([], dtype=int), [], movie_ids=rbm.movie_ids)
    assert calibrate(rbm, HeldOut(no_users, no_users)).calibration == pytest.approx(TYPICAL)


def with_fitted_prior() -> RBM:
    """A machine with weights like those of a trained one."""
    held_out = generous_and_strict()
    rbm = random_rbm(1)
    rbm.W[:] *= np.float32(0.2)
    rbm = replace(rbm, mean_ratings=float(held_out.everything().ratings_per_user.mean()))
    prior = fit_prior(rbm, held_out.everything(), Config())
    return replace(rbm, prior=prior, calibration=TYPICAL_WITH_PRIOR)


def test_with_a_prior_the_user_bias_is_learnt_for_every_number_of_ratings() -> None:
    held_out = generous_and_strict()
    rbm = with_fitted_prior()
    calibrated = calibrate(rbm, held_out)
    assert calibrated.calibration.film == 1.0
    assert calibrated.calibration.shift == 0.0
    assert calibrated.calibration.person > TYPICAL_WITH_PRIOR.person
    for n in (1, 5):
        judged = first_ratings(held_out, n, salt="test")
        loss = {}
        for name, machine in (("before", rbm), ("after", calibrated)):
            _, probability = machine.scores(judged.given)
            p = probability[judged.hidden.user_rows, judged.hidden.movie_rows]
            loss[name] = log_loss(p, judged.hidden.liked).mean()
        assert loss["after"] < loss["before"]


def test_with_a_prior_p_like_given_seen_without_ratings_is_the_movies_share_of_likes() -> None:
    rbm = with_fitted_prior()
    assert rbm.prior is not None
    _, probability = rbm.score_user(np.array([], dtype=int), np.array([], dtype=bool))
    np.testing.assert_allclose(probability, sigmoid(rbm.prior.like_share), rtol=1e-6)


def test_with_a_prior_and_without_validation_users_the_usual_weights_are_kept() -> None:
    rbm = with_fitted_prior()
    no_users = Interactions.from_arrays([], np.array([], dtype=int), [], movie_ids=rbm.movie_ids)
    calibrated = calibrate(rbm, HeldOut(no_users, no_users))
    assert calibrated.calibration == TYPICAL_WITH_PRIOR


def test_with_a_prior_p_like_has_the_mean_of_the_likes_among_the_movies_of_a_list() -> None:
    held_out, rbm = generous_and_strict(), with_fitted_prior()
    assert rbm.prior is not None
    sure = replace(rbm, prior=replace(rbm.prior, rates=rbm.prior.rates + np.float32(2)))
    calibrated = calibrate(sure, held_out)
    judged = first_ratings(held_out, 3, salt="test")
    not_given = np.ones((judged.given.n_users, rbm.n_movies), dtype=bool)
    not_given[judged.given.user_rows, judged.given.movie_rows] = False
    hidden = judged.hidden
    observed = hidden.liked.sum() / not_given.sum()
    before, after = (machine.scores(judged.given)[0][not_given] for machine in (sure, calibrated))
    assert before.mean() > observed + 0.08
    assert abs(after.mean() - observed) < 0.5 * abs(before.mean() - observed)
