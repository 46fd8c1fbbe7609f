from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import model.prior
from data import Interactions
from model.config import Config
from model.fold_in import fold_in, visible_input
from model.initialise import base_rates
from model.prior import Prior, fit_prior
from model.rbm import RBM, columns
from model.scoring import rank, score_user
from tests.model.planted import planted

DATA = planted(n_users=150)
CONFIG = Config(prior_length=0.8, prior_scale=1.2)


def machine(seed: int = 0, n_hidden: int = 5, scale: float = 0.3) -> RBM:
    rng = np.random.default_rng(seed)
    return RBM(
        W=rng.normal(0, scale, (DATA.n_movies, 2, n_hidden)).astype(np.float32),
        a=rng.normal(-2, 1, (DATA.n_movies, 2)).astype(np.float32),
        b=rng.normal(0, 1, n_hidden).astype(np.float32),
        movie_ids=DATA.movie_ids,
        mean_ratings=float(DATA.ratings_per_user.mean()),
    )


def with_prior(rbm: RBM, data: Interactions = DATA) -> tuple[RBM, Prior]:
    prior = fit_prior(rbm, data, CONFIG)
    return replace(rbm, prior=prior), prior


def moments(rbm: RBM, data: Interactions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, C_w and B, sum by sum."""
    W = rbm.weights.astype(np.float64)
    rows = [W[columns(*data.user(u))] for u in range(data.n_users) if data.ratings_per_user[u]]
    n = np.array([len(user) for user in rows])
    mean = np.concatenate(rows).mean(axis=0)
    theta = [user.mean(axis=0) for user in rows]
    within = sum(
        np.outer(w - t, w - t) for user, t in zip(rows, theta, strict=True) for w in user
    ) / (n.sum() - len(n))
    between = sum(k * np.outer(t - mean, t - mean) for k, t in zip(n, theta, strict=True))
    between = (between - (len(n) - 1) * within) / (n.sum() - (n**2).sum() / n.sum())
    return mean, within, between


@pytest.mark.parametrize("block", [7, 8_192])
def test_the_estimate_is_that_of_the_formula_with_moments_of_the_users(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(model.prior, "BLOCK", block)
    rbm = machine()
    _, prior = with_prior(rbm)
    mean, within, between = moments(rbm, DATA)
    noise = 1.2 * (within + np.trace(within) / 5 * np.eye(5))
    positive, vectors = np.linalg.eigh(np.linalg.solve(np.linalg.cholesky(noise), between) @
        np.linalg.inv(np.linalg.cholesky(noise)).T)  # fmt: skip
    assert len(prior.strength) == (positive > 1e-9).sum()
    root = np.linalg.cholesky(noise) @ vectors
    between = root @ np.diag(np.maximum(positive, 0)) @ root.T  # directions of negative variance: 0
    for n in (1, 3, 400):
        s = np.random.default_rng(n).normal(0, 1, 5)
        theta = mean + between @ np.linalg.solve(between + noise / n, s / n - mean)
        length = max(n, 0.8 * DATA.ratings_per_user.mean())
        np.testing.assert_allclose(prior.hidden_input(n, s), length * theta, rtol=1e-3, atol=1e-3)


def test_without_ratings_the_profile_is_that_of_the_average_user() -> None:
    rbm, prior = with_prior(machine())
    none = np.array([], dtype=int), np.array([], dtype=bool)
    np.testing.assert_array_equal(fold_in(rbm, *none), prior.average_hidden(rbm.b))
    np.testing.assert_allclose(prior.mean, moments(rbm, DATA)[0], rtol=1e-5)


def test_with_proportional_covariances_the_prior_is_pseudo_ratings_of_the_average_user() -> None:
    c, n, H = 20.0, 6, 4
    rng = np.random.default_rng(0)
    A = rng.normal(size=(H, H))
    B = A @ A.T
    L = np.linalg.cholesky(c * B)
    U = np.linalg.inv(L).T  # any basis with Uᵀ C U = I
    none = np.zeros(0, dtype=np.float32)
    mean = rng.normal(size=H).astype(np.float32)
    prior = Prior(mean, U, L, np.full(H, 1 / c), none, none, none, none, 10.0)
    s = rng.normal(size=H)
    expected = 10.0 / (n + c) * (s + c * mean)
    np.testing.assert_allclose(prior.hidden_input(n, s), expected, rtol=1e-6)


def test_many_ratings_outweigh_the_prior() -> None:
    prior = with_prior(machine())[1]
    n, own = 1e7, np.random.default_rng(1).normal(0, 0.1, len(prior.strength))
    s = n * (prior.mean + prior.down @ own)  # as users differ
    np.testing.assert_allclose(prior.hidden_input(n, s), s, rtol=1e-2)


def test_without_ratings_the_inputs_are_exactly_the_base_rates() -> None:
    rbm, prior = with_prior(machine())
    none = np.array([], dtype=int), np.array([], dtype=bool)
    x = visible_input(rbm, fold_in(rbm, *none), 0)
    np.testing.assert_array_equal(x, prior.rates)
    np.testing.assert_array_equal(prior.rates, base_rates(DATA))


def test_without_ratings_movies_are_ranked_by_likes_and_ties_by_movie_id() -> None:
    rbm, _ = with_prior(machine())
    none = np.array([], dtype=int), np.array([], dtype=bool)
    like, given_seen = score_user(rbm, *none)
    likes, _ = DATA.movie_counts()
    assert len(np.unique(likes)) < len(likes)
    assert rank(like, rbm.movie_ids).tolist() == np.lexsort((rbm.movie_ids, -likes)).tolist()
    odds = np.exp(base_rates(DATA).astype(np.float64))
    expected = odds[:, 0] / (1 + odds.sum(axis=1))
    np.testing.assert_allclose(like, expected, rtol=1e-5)
    assert ((given_seen > 0) & (given_seen < 1)).all()


@given(n=st.floats(0, 1e4), more=st.floats(0.1, 100))
def test_the_more_ratings_the_less_is_unknown_of_the_user(n: float, more: float) -> None:
    prior = with_prior(machine())[1]
    assert (prior.shrinkage(n + more) < prior.shrinkage(n)).all()


def test_the_inputs_are_those_of_the_plain_pass_with_the_correction() -> None:
    rbm, prior = with_prior(machine())
    rows, liked = np.array([3, 40, 77]), np.array([True, False, True])
    h = fold_in(rbm, rows, liked)
    t = np.log(prior.profile_length(3) / rbm.mean_ratings)
    plain = (rbm.a + rbm.W @ h + t).astype(np.float64)
    expected = plain + 2 / (3 + 2) * prior.correction
    np.testing.assert_allclose(visible_input(rbm, h, 3), expected, rtol=1e-5, atol=1e-5)


def test_drawn_profiles_lie_around_the_estimate_with_the_spread_of_the_formula() -> None:
    prior = with_prior(machine())[1]
    s, rng = np.ones(5), np.random.default_rng(0)
    drawn = np.array([prior.draw(4, s, rng) for _ in range(20_000)])
    length = float(prior.profile_length(4))
    root = model.prior.DRAWN * length * prior.down * np.sqrt(prior.shrinkage(4))
    error = np.sqrt(np.diag(root @ root.T) / len(drawn))
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - prior.hidden_input(4, s)), 5 * error)
    expected = root @ root.T
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.05 * np.abs(expected).max())


@pytest.mark.parametrize(
    "data",
    [
        Interactions.from_arrays([1], [0], [True], movie_ids=DATA.movie_ids),
        Interactions.from_arrays([1, 2, 3], [0, 1, 2], [True] * 3, movie_ids=DATA.movie_ids),
        Interactions.from_arrays([1, 1], [0, 1], [False] * 2, movie_ids=DATA.movie_ids),
    ],
)
@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_a_handful_of_ratings_gives_a_finite_prior(data: Interactions, scale: float) -> None:
    rbm, prior = with_prior(machine(scale=scale), data)
    for name in ("mean", "up", "down", "strength", "rates", "correction", "like_share"):
        assert np.isfinite(getattr(prior, name)).all()
    assert np.isfinite(score_user(rbm, *data.user(0))).all()
