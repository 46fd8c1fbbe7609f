"""The equations against enumeration of a tiny machine."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from data import Interactions
from model.rbm import RBM, activity, columns, sigmoid, softplus
from tests.model.enumeration import (
    ACTIVITY,
    N_HIDDEN,
    N_MOVIES,
    all_hidden,
    all_visible,
    joint,
    tiny_rbm,
)

V, H = all_visible(), all_hidden()
T = np.full(len(V), ACTIVITY)


@pytest.mark.parametrize("coupled", [False, True])
def test_energy_is_minus_the_logarithm_of_the_joint_probability_up_to_log_z(
    *, coupled: bool
) -> None:
    rbm = tiny_rbm(coupled=coupled)
    energy = np.array([rbm.energy(V, np.tile(h, (len(V), 1)), T) for h in H]).T
    weights = np.exp(-energy)
    np.testing.assert_allclose(weights / weights.sum(), joint(rbm), rtol=1e-12)


@pytest.mark.parametrize("coupled", [False, True])
def test_free_energy_sums_the_hidden_units_out(*, coupled: bool) -> None:
    rbm = tiny_rbm(coupled=coupled)
    weights = np.exp(-rbm.free_energy(V, T))
    np.testing.assert_allclose(weights / weights.sum(), joint(rbm).sum(axis=1), rtol=1e-12)


def test_free_energy_and_energies_share_one_partition_function() -> None:
    rbm = tiny_rbm()
    z_from_free_energy = np.exp(-rbm.free_energy(V, T)).sum()
    z = sum(np.exp(-rbm.energy(V, np.tile(h, (len(V), 1)), T)).sum() for h in H)
    assert z_from_free_energy == pytest.approx(z, rel=1e-12)


@pytest.mark.parametrize("coupled", [False, True])
def test_hidden_probability_is_the_conditional_of_the_joint(*, coupled: bool) -> None:
    rbm = tiny_rbm(coupled=coupled)
    p = joint(rbm)
    conditional = p / p.sum(axis=1, keepdims=True)
    for j in range(N_HIDDEN):
        expected = conditional[:, H[:, j] == 1].sum(axis=1)
        np.testing.assert_allclose(rbm.hidden_probability(V)[:, j], expected, rtol=1e-12)


def test_visible_probability_is_the_conditional_of_the_joint() -> None:
    rbm, p = tiny_rbm(), joint(tiny_rbm())
    conditional = p / p.sum(axis=0, keepdims=True)
    computed = rbm.visible_probability(H, np.full(len(H), ACTIVITY)).reshape(len(H), -1)
    for column in range(2 * N_MOVIES):
        expected = conditional[V[:, column] == 1].sum(axis=0)
        np.testing.assert_allclose(computed[:, column], expected, rtol=1e-12)


def test_with_couplings_visible_probability_is_given_the_states_of_the_other_movies() -> None:
    rbm = tiny_rbm(coupled=True)
    p = dict(zip(map(tuple, V), joint(rbm), strict=True))
    for k, h in enumerate(H):
        everyone = np.tile(h, (len(V), 1))
        computed = rbm.visible_probability(everyone, T, V)
        for v, row in zip(V, computed, strict=True):
            for i in range(N_MOVIES):
                states = np.tile(v, (3, 1))
                states[:, 2 * i : 2 * i + 2] = [[0, 0], [1, 0], [0, 1]]
                weight = np.array([p[tuple(state)][k] for state in states])
                np.testing.assert_allclose(row[i], (weight / weight.sum())[1:], rtol=1e-10)


def test_like_given_seen_conditions_on_having_been_seen() -> None:
    rbm = tiny_rbm()
    p = rbm.visible_probability(H, np.full(len(H), ACTIVITY))
    np.testing.assert_allclose(rbm.like_given_seen(H), p[..., 0] / p.sum(axis=2), rtol=1e-12)


@pytest.mark.parametrize("coupled", [False, True])
def test_energy_gap_is_the_exact_log_odds_against_unseen(*, coupled: bool) -> None:
    rbm = tiny_rbm(coupled=coupled)
    p = dict(zip(map(tuple, V), joint(rbm).sum(axis=1), strict=True))
    for v in V:
        gap = rbm.energy_gap(v, ACTIVITY)
        for i in range(N_MOVIES):
            unseen = v.copy()
            unseen[2 * i : 2 * i + 2] = 0
            for s in range(2):
                chosen = unseen.copy()
                chosen[2 * i + s] = 1
                expected = np.log(p[tuple(chosen)] / p[tuple(unseen)])
                assert gap[i, s] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("coupled", [False, True])
def test_sparse_and_dense_states_give_the_same_numbers(*, coupled: bool) -> None:
    rbm, S = tiny_rbm(coupled=coupled), sparse.csr_array(V)
    H0 = rbm.hidden_probability(V)
    np.testing.assert_allclose(rbm.hidden_probability(S), H0, rtol=1e-14)
    np.testing.assert_allclose(rbm.free_energy(S, T), rbm.free_energy(V, T), rtol=1e-13)
    np.testing.assert_allclose(rbm.energy(S, H0, T), rbm.energy(V, H0, T), rtol=1e-13)


def test_activity_adds_itself_to_the_log_odds_of_having_seen_a_movie() -> None:
    rbm = tiny_rbm()
    low, high = (rbm.visible_input(H, np.full(len(H), t)) for t in (0.0, 1.5))
    np.testing.assert_allclose(high - low, 1.5)


@pytest.mark.parametrize(("n_ratings", "expected"), [(0, -1), (1, -1), (10, 0), (100, 1)])
def test_activity_is_the_log_ratio_to_the_mean(n_ratings: int, expected: float) -> None:
    assert activity(n_ratings, 10.0) == pytest.approx(expected * np.log(10), rel=1e-6)


def test_columns_are_two_per_movie_like_first() -> None:
    assert columns(np.array([0, 4, 4]), np.array([True, True, False])).tolist() == [0, 8, 9]


@given(st.floats(-700, 700))
def test_sigmoid_and_softplus_agree_with_their_definitions_without_overflow(x: float) -> None:
    value = np.array([x])
    assert sigmoid(value)[0] == pytest.approx(1 / (1 + np.exp(-np.longdouble(x))), rel=1e-12)
    assert softplus(value)[0] == pytest.approx(float(np.log1p(np.exp(np.longdouble(x)))), rel=1e-12)


def test_scores_refuses_movies_of_another_vocabulary() -> None:
    interactions = Interactions.from_arrays(["u"], [10], [1])
    with pytest.raises(ValueError, match=r"movie_ids=rbm\.movie_ids"):
        tiny_rbm().scores(interactions)


def test_scores_has_one_row_per_user_and_masks_nothing() -> None:
    rbm = tiny_rbm()
    interactions = Interactions.from_arrays(
        ["u", "w", "u"], [10, 11, 12], [1, 0, 1], movie_ids=rbm.movie_ids
    )
    like, given_seen = rbm.scores(interactions)
    assert like.shape == given_seen.shape == (2, N_MOVIES)
    assert like.dtype == given_seen.dtype == np.float32
    assert ((like > 0) & (like < given_seen)).all()


def test_classic_machine_ranks_by_like_given_seen() -> None:
    rbm: RBM = replace(tiny_rbm(), classic=True)
    like, given_seen = rbm.score_user(np.array([0]), np.array([True]))
    np.testing.assert_array_equal(like, given_seen)
