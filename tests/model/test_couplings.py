from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import model.couplings
from data import Interactions
from model.couplings import fit_couplings
from model.scoring import score_user
from tests.model.machines import random_couplings, random_rbm
from tests.model.planted import planted


def dense(interactions: Interactions, penalty: float) -> np.ndarray:
    X = np.zeros((interactions.n_users, interactions.n_movies))
    X[interactions.user_rows[interactions.liked], interactions.movie_rows[interactions.liked]] = 1
    P = np.linalg.inv(X.T @ X + penalty * np.eye(X.shape[1]))
    S = -P / np.sqrt(np.outer(np.diag(P), np.diag(P)))
    np.fill_diagonal(S, 0)
    return S


@pytest.mark.parametrize("n_users", [60, 400])  # fewer users than the 120 movies, and more
@pytest.mark.parametrize("block", [7, 512])
def test_all_couplings_are_the_partial_correlations(
    monkeypatch: pytest.MonkeyPatch, n_users: int, block: int
) -> None:
    monkeypatch.setattr(model.couplings, "BLOCK", block)
    monkeypatch.setattr(model.couplings, "MIN_LIKES", 0)
    data = planted(n_users=n_users)
    S = fit_couplings(data, 4.0, 1.5, neighbours=1_000).matrix().toarray()
    np.testing.assert_allclose(S, 4.0 * dense(data, 1.5 * np.sqrt(n_users)), atol=1e-5)


def test_a_pair_stays_where_it_is_among_the_strongest_of_either_movie() -> None:
    data = planted(n_users=200)
    whole = dense(data, 2.5 * np.sqrt(200))
    S = fit_couplings(data, 1.0, 2.5, neighbours=5).matrix().toarray()
    np.testing.assert_array_equal(S, S.T)
    assert (np.diag(S) == 0).all()
    own = np.abs(whole) >= np.sort(np.abs(whole), axis=1)[:, [-5]]
    np.testing.assert_array_equal(S != 0, own | own.T)


def test_movies_with_hardly_a_like_and_those_beyond_the_bound_are_not_coupled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model.couplings, "MAX_MOVIES", 30)
    data = planted(n_users=100)
    likes, _ = data.movie_counts()
    coupled = np.diff(fit_couplings(data).indptr) > 0
    assert coupled.sum() == 30
    assert likes[coupled].min() >= np.sort(likes)[-30]
    few = data.select_users(np.arange(4))
    likes, _ = few.movie_counts()
    assert not (np.diff(fit_couplings(few).indptr)[likes < 3]).any()


@pytest.mark.parametrize("n_likes", [0, 1, 3])
def test_data_with_hardly_a_like_have_no_couplings(n_likes: int) -> None:
    data = Interactions.from_arrays(range(3), [5, 5, 5], np.arange(3) < n_likes)
    couplings = fit_couplings(data)
    assert couplings.indptr.tolist() == [0, 0]
    assert len(couplings.values) == len(couplings.indices) == 0
    assert couplings.received(np.array([0])).tolist() == [0.0]


@given(seed=st.integers(0, 1_000), n=st.integers(0, 12))
def test_sums_over_liked_movies_are_those_of_the_matrix(seed: int, n: int) -> None:
    couplings, rng = random_couplings(seed, 30), np.random.default_rng(seed)
    rows, weights = rng.permutation(30)[:n], rng.random(n)
    S = couplings.matrix().toarray()
    np.testing.assert_allclose(couplings.received(rows), S[:, rows].sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(couplings.received(rows, weights), S[:, rows] @ weights, atol=1e-5)
    targets = rng.permutation(30)[:7]
    np.testing.assert_array_equal(couplings.between(targets, rows), S[np.ix_(targets, rows)])


def test_couplings_of_another_strength_are_proportional() -> None:
    data = planted(n_users=80)
    one, four = fit_couplings(data, 1.0), fit_couplings(data, 4.0)
    np.testing.assert_allclose(one.of_strength(4.0).values, four.values, rtol=1e-6)
    assert one.of_strength(4.0).strength == 4.0


def test_a_liked_movie_raises_what_it_is_coupled_with_and_a_disliked_one_nothing() -> None:
    rbm = random_rbm(0)
    S = random_couplings(0, rbm.n_movies)
    coupled = replace(rbm, couplings=S)
    rows = np.array([3, 5])
    liked_first = np.array([True, False])
    before, seen_before = score_user(rbm, rows, liked_first)
    after, seen_after = score_user(coupled, rows, liked_first)
    gain = np.log(after / (1 - after)) - np.log(before / (1 - before))
    np.testing.assert_allclose(gain, S.matrix().toarray()[:, 3], atol=1e-4)
    np.testing.assert_array_equal(seen_after, seen_before)
