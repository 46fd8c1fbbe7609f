"""Every sampler against the distribution that it draws from."""

from itertools import islice

import numpy as np
from scipy import sparse, stats

from model.sampling import gibbs_chain, rated_gap, sample_rated, sample_visible
from tests.model.enumeration import ACTIVITY, N_MOVIES, all_visible, gibbs_kernel, joint, tiny_rbm

N = 60_000
# A right sampler fails once in 10,000 seeds; the seeds are fixed.
P_VALUE = 1e-4


def assert_distributed(observed: np.ndarray, expected: np.ndarray) -> None:
    """Chi-square test of counts over all states against their probabilities."""
    assert stats.chisquare(observed, expected * observed.sum()).pvalue > P_VALUE


def states_of(V: sparse.csr_array) -> np.ndarray:
    """Position of each row of V among all states."""
    dense = V.toarray()
    ternary = (dense[:, 0::2] + 2 * dense[:, 1::2]).astype(int)
    return ternary @ (3 ** np.arange(N_MOVIES)[::-1])


def test_all_states_are_numbered_as_the_tests_here_number_them() -> None:
    numbers = states_of(sparse.csr_array(all_visible()))
    np.testing.assert_array_equal(numbers, np.arange(3**N_MOVIES))


def test_visible_states_follow_their_joint_conditional_distribution() -> None:
    rbm, h = tiny_rbm(), np.array([1.0, 0.0])
    V = sample_visible(rbm, np.tile(h, (N, 1)), np.full(N, ACTIVITY), np.random.default_rng(3))
    p = joint(rbm)[:, 2]  # states of h count up in binary: (1, 0) is the third
    assert_distributed(np.bincount(states_of(V), minlength=3**N_MOVIES), p / p.sum())


def test_visible_sampling_survives_inputs_beyond_the_range_of_exp() -> None:
    rbm = tiny_rbm()
    rbm.a[...] = [[500, -500], [-500, 500], [-500, -500]]
    H = np.zeros((50, rbm.n_hidden))
    V = sample_visible(rbm, H, np.zeros(50), np.random.default_rng(4)).toarray()
    np.testing.assert_array_equal(V, np.tile([1, 0, 0, 1, 0, 0], (50, 1)))


def test_classic_reconstruction_keeps_which_movies_are_rated() -> None:
    rbm = tiny_rbm()
    V = sparse.csr_array(np.tile([1.0, 0, 0, 0, 0, 1], (N, 1)))
    H = np.tile([0.0, 1.0], (N, 1))
    drawn = sample_rated(rbm, H, V, np.random.default_rng(5)).toarray().reshape(N, N_MOVIES, 2)
    np.testing.assert_array_equal(drawn.sum(axis=2), np.tile([1, 0, 1], (N, 1)))
    expected = rbm.like_given_seen(H[:1])[0, [0, 2]]
    error = np.sqrt(expected * (1 - expected) / N)
    assert (np.abs(drawn[:, [0, 2], 0].mean(axis=0) - expected) < 5 * error).all()


def test_rated_gap_is_the_difference_of_the_two_inputs() -> None:
    rbm, H = tiny_rbm(), np.array([[0.2, 0.9], [1.0, 0.0]])
    x = rbm.visible_input(H, np.zeros(2))
    gap = rated_gap(rbm, H, np.array([0, 1, 1]), np.array([2, 0, 1]))
    np.testing.assert_allclose(gap, (x[..., 0] - x[..., 1])[[0, 1, 1], [2, 0, 1]])


def test_one_step_of_the_chain_follows_the_gibbs_kernel() -> None:
    rbm, start = tiny_rbm(), 5
    V = sparse.csr_array(np.tile(all_visible()[start], (N, 1)))
    _, drawn = next(gibbs_chain(rbm, V, np.full(N, ACTIVITY), np.random.default_rng(6)))
    counts = np.bincount(states_of(drawn), minlength=3**N_MOVIES)
    assert_distributed(counts, gibbs_kernel(rbm)[start])


def test_a_long_chain_reaches_the_distribution_of_the_machine() -> None:
    rbm = tiny_rbm()
    V = sparse.csr_array((N, 2 * N_MOVIES), dtype=np.float32)
    chain = gibbs_chain(rbm, V, np.full(N, ACTIVITY), np.random.default_rng(7))
    _, last = next(islice(chain, 40, None))
    counts = np.bincount(states_of(last), minlength=3**N_MOVIES)
    assert_distributed(counts, joint(rbm).sum(axis=1))


def test_a_chain_with_clamped_ratings_reaches_their_conditional_distribution() -> None:
    rbm = tiny_rbm(scale=1.5)
    clamped = sparse.csr_array(np.tile([0.0, 0, 0, 1, 0, 0], (N, 1)))  # the second is disliked
    start = sparse.csr_array(np.tile([1.0, 0, 1, 0, 0, 0], (N, 1)))  # which says it is liked
    chain = gibbs_chain(rbm, start, np.full(N, ACTIVITY), np.random.default_rng(8), clamped=clamped)
    _, last = next(islice(chain, 30, None))
    disliked = all_visible()[:, 3] == 1
    counts = np.bincount(states_of(last), minlength=3**N_MOVIES)
    assert counts[~disliked].sum() == 0
    expected = joint(rbm).sum(axis=1)[disliked]
    assert_distributed(counts[disliked], expected / expected.sum())


def test_clamping_one_user_leaves_the_others_free() -> None:
    rbm = tiny_rbm()
    start = sparse.csr_array((N, 2 * N_MOVIES), dtype=np.float32)
    clamped = start.tolil()
    clamped[0, 0] = 1
    chain = gibbs_chain(
        rbm, start, np.full(N, ACTIVITY), np.random.default_rng(9), clamped=clamped.tocsr()
    )
    drawn = [V.toarray() for _, V in islice(chain, 20)]
    assert all(V[0, 0] == 1 and V[0, 1] == 0 for V in drawn)
    counts = np.bincount(states_of(sparse.csr_array(drawn[-1][1:])), minlength=3**N_MOVIES)
    assert_distributed(counts, joint(rbm).sum(axis=1))
