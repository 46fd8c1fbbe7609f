"""Annealed importance sampling against sums over every state of a small machine."""

from dataclasses import replace

import numpy as np
import pytest

from data import Interactions
from model import train
from model.config import Config
from model.initialise import base_rates
from model.likelihood import log_likelihood, log_partition
from model.rbm import RBM, activity
from tests.model.enumeration import all_hidden, all_visible, joint, tiny_rbm
from tests.model.planted import planted

N_MOVIES = 4
BASE = np.full((N_MOVIES, 2), -0.7)


def exact_log_partition(rbm: RBM, t: float) -> float:
    """log of the sum of exp(-E) over all states."""
    V, H = all_visible(rbm.n_movies), all_hidden(rbm.n_hidden)
    v = np.repeat(V, len(H), axis=0)
    return float(np.logaddexp.reduce(-rbm.energy(v, np.tile(H, (len(V), 1)), np.full(len(v), t))))


@pytest.mark.parametrize("seed", range(3))
def test_the_partition_function_is_the_exact_one_within_its_error(seed: int) -> None:
    rbm, t = tiny_rbm(seed, scale=1.5, n_movies=N_MOVIES), np.array([-0.5, 0.3, 1.0])
    estimate = log_partition(rbm, t, BASE, np.random.default_rng(seed), n_chains=400, n_steps=30)
    exact = np.array([exact_log_partition(rbm, one) for one in t])
    assert (np.abs(estimate.value - exact) < 4 * estimate.error).all()
    assert (estimate.error < 0.05).all()
    assert (estimate.error > 0).all()


def test_the_error_is_the_spread_of_repeated_estimates() -> None:
    rbm, t = tiny_rbm(1, scale=1.5, n_movies=N_MOVIES), np.zeros(300)
    estimate = log_partition(rbm, t, BASE, np.random.default_rng(0), n_chains=50, n_steps=10)
    assert estimate.value.std() == pytest.approx(estimate.error.mean(), rel=0.15)


def test_the_weights_are_unbiased_however_few_the_steps() -> None:
    rbm, t = tiny_rbm(2, n_movies=N_MOVIES), np.array([0.2])
    estimate = log_partition(rbm, t, BASE, np.random.default_rng(0), n_chains=20_000, n_steps=2)
    difference = np.exp(estimate.value[0] - exact_log_partition(rbm, 0.2)) - 1
    assert abs(difference) < 4 * estimate.error[0]


def test_a_machine_without_weights_is_known_exactly() -> None:
    rbm = tiny_rbm(n_movies=N_MOVIES)
    empty = replace(rbm, W=np.zeros_like(rbm.W), b=np.zeros_like(rbm.b))
    estimate = log_partition(
        empty, np.array([0.4]), empty.a, np.random.default_rng(0), n_chains=2, n_steps=1
    )
    assert estimate.value[0] == pytest.approx(exact_log_partition(empty, 0.4), abs=1e-12)
    assert estimate.error[0] == pytest.approx(0, abs=1e-12)


def ratings(rbm: RBM) -> Interactions:
    """Four users over the movies of a tiny machine, with 1 to 4 ratings."""
    users = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
    rows = np.array([1, 0, 3, 0, 1, 2, 0, 1, 2, 3])
    liked = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1, 0])
    return Interactions.from_arrays(users, rbm.movie_ids[rows], liked, movie_ids=rbm.movie_ids)


def test_the_log_likelihood_is_the_exact_one_within_its_error() -> None:
    rbm = tiny_rbm(3, scale=1.2, n_movies=N_MOVIES)
    data = ratings(rbm)
    expected = []
    for row in range(data.n_users):
        movies, liked = data.user(row)
        v = np.zeros(2 * N_MOVIES)
        v[2 * movies + ~liked] = 1
        p = joint(rbm, float(activity(len(movies), rbm.mean_ratings))).sum(axis=1)
        (at,) = np.flatnonzero((all_visible(N_MOVIES) == v).all(axis=1))
        expected.append(np.log(p[at]))
    estimate = log_likelihood(
        rbm, data, np.random.default_rng(4), base=BASE, n_chains=500, n_steps=30
    )
    assert abs(estimate.mean - np.mean(expected)) < 4 * estimate.error
    assert 0 < estimate.error < 0.03
    assert estimate.users_error == pytest.approx(np.std(expected, ddof=1) / 2, abs=0.05)
    assert estimate.n_users == 4


def test_learning_makes_unknown_people_of_the_same_tastes_more_probable() -> None:
    data = planted(510, 40)
    training, others = data.select_users(np.arange(400)), data.select_users(np.arange(400, 500))
    config = Config(
        n_hidden=8, n_epochs=60, batch_size=20, l2=0.001,
        learning_rate_weights=0.1, learning_rate_visible=0.1, learning_rate_hidden=0.1,
    )  # fmt: skip
    estimate = log_likelihood(
        train(training, config), others, np.random.default_rng(0),
        base=base_rates(training), n_users=30, n_chains=10, n_steps=200,
    )  # fmt: skip
    assert estimate.mean > estimate.base_rates + 2
    assert estimate.error < 0.2
    assert estimate.n_users == 30


def test_the_same_generator_gives_the_same_estimate() -> None:
    rbm = tiny_rbm(n_movies=N_MOVIES)
    one, other = (
        log_likelihood(rbm, ratings(rbm), np.random.default_rng(1), n_steps=5) for _ in range(2)
    )
    assert one == other


def test_the_classic_machine_has_no_such_probability() -> None:
    rbm = replace(tiny_rbm(n_movies=N_MOVIES), classic=True)
    with pytest.raises(ValueError, match="classic machine has no probability"):
        log_likelihood(rbm, ratings(rbm), np.random.default_rng(0))


def test_nobody_and_other_movies_are_refused() -> None:
    rbm = tiny_rbm(n_movies=N_MOVIES)
    data = ratings(rbm)
    with pytest.raises(ValueError, match="no ratings"):
        log_likelihood(rbm, data.select_users([]), np.random.default_rng(0))
    with pytest.raises(ValueError, match="not those of the model"):
        log_likelihood(rbm, data.with_movies([1, 2]), np.random.default_rng(0))
    with pytest.raises(ValueError, match="2 chains and 1 step"):
        log_likelihood(rbm, data, np.random.default_rng(0), n_chains=1)
