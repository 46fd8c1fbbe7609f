"""Contrastive divergence against exact gradients and the enumerated Gibbs kernel."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from model.learning import cd_gradient, contrastive_divergence
from model.rbm import RBM, sigmoid
from tests.model.enumeration import (
    ACTIVITY,
    Array,
    all_visible,
    exact_rbm,
    gibbs_kernel,
    joint,
    statistics,
    tiny_rbm,
)

DATA = 7  # the state that the machine is to learn, any one of the 27


def one_hot(state: int) -> Array:
    return np.eye(len(all_visible()))[state]


def exact_gradient(rbm: RBM) -> tuple[Array, ...]:
    """Positive phase minus enumerated negative phase, for one data state."""
    positive = statistics(rbm, one_hot(DATA))
    negative = statistics(rbm, joint(rbm).sum(axis=1))
    return tuple(p - n for p, n in zip(positive, negative, strict=True))


def expected_cd(rbm: RBM, k: int) -> tuple[Array, ...]:
    """Mean of the CD-k update: the chain is at T^k after k steps."""
    positive = statistics(rbm, one_hot(DATA))
    negative = statistics(rbm, one_hot(DATA) @ np.linalg.matrix_power(gibbs_kernel(rbm), k))
    return tuple(p - n for p, n in zip(positive, negative, strict=True))


def log_probability(rbm: RBM) -> float:
    """log P(v) of the data state, by enumeration."""
    V = all_visible()
    minus_f = -rbm.free_energy(V, np.full(len(V), ACTIVITY))
    return float(minus_f[DATA] - np.logaddexp.reduce(minus_f))


@pytest.mark.parametrize("name", ["W", "a", "b"])
def test_exact_gradient_is_the_slope_of_the_log_likelihood(name: str) -> None:
    rbm = tiny_rbm()
    gradient = dict(zip("Wab", exact_gradient(rbm), strict=True))[name]
    parameter = getattr(rbm, name)
    step = 1e-5
    for index in np.ndindex(parameter.shape):
        shift = np.zeros_like(parameter)
        shift[index] = step
        up = log_probability(replace(rbm, **{name: parameter + shift}))
        down = log_probability(replace(rbm, **{name: parameter - shift}))
        slope = gradient.reshape(parameter.shape)[index]
        assert slope == pytest.approx((up - down) / (2 * step), abs=1e-8)


@pytest.mark.parametrize("k", [1, 3])
def test_mean_update_of_cd_k_is_that_of_the_k_step_gibbs_kernel(k: int) -> None:
    rbm, n = tiny_rbm(), 100_000
    V0 = sparse.csr_array(np.tile(all_visible()[DATA], (n, 1)))
    gradient, _ = contrastive_divergence(
        rbm, V0, np.full(n, ACTIVITY, dtype=np.float32), k, np.random.default_rng(k)
    )
    # Each entry of the negative phase is a mean of n values in [0, 1]: s.e. at most .5 / sqrt(n).
    for computed, expected in zip(gradient, expected_cd(rbm, k), strict=True):
        np.testing.assert_allclose(computed, expected, atol=5 * 0.5 / np.sqrt(n))


def test_bias_of_cd_k_shrinks_as_k_grows() -> None:
    rbm = tiny_rbm()
    exact = exact_gradient(rbm)[0]
    bias = [np.abs(expected_cd(rbm, k)[0] - exact).max() for k in (1, 2, 4, 8, 16)]
    assert bias == sorted(bias, reverse=True)
    assert bias[0] > 1e-3
    assert bias[-1] < 1e-6


def test_each_phase_is_averaged_over_its_own_rows() -> None:
    V0 = sparse.csr_array(np.array([[1.0, 0.0]]))
    Vk = sparse.csr_array(np.array([[0.0, 1.0], [0.0, 1.0]]))
    P0, Pk = np.array([[0.5]]), np.array([[0.2], [0.4]])
    gradient = cd_gradient(V0, P0, Vk, Pk)
    np.testing.assert_allclose(gradient.W, [[0.5], [-0.3]])
    np.testing.assert_allclose(gradient.a, [1, -1])
    np.testing.assert_allclose(gradient.b, [0.2])


def test_classic_machine_learns_from_rated_units_alone() -> None:
    rbm = replace(tiny_rbm(), classic=True)
    V0 = sparse.csr_array(np.array([[1.0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]] * 500))
    gradient, Vk = contrastive_divergence(
        rbm, V0, np.zeros(1000, dtype=np.float32), 1, np.random.default_rng(0)
    )
    assert not gradient.W[2:].any()
    assert not gradient.a[2:].any()
    assert gradient.W[:2].any()
    np.testing.assert_array_equal(np.diff(Vk.indptr), 1)


def test_one_step_worked_by_hand() -> None:
    """Two visible and two hidden units, v0 = (1, 0), h0 = (1, 0) drawn, v1 = (0, 1) drawn.

    Visible units here have two states, so only the like column of each movie takes part. With

        W = [[0.5, -0.3], [0.2, 0.4]]    a = (0.1, -0.1)    b = (0.2, -0.2)    all rates 0.1

    p0 = σ(b + W[0]) = σ(0.7, -0.5) = (0.668188, 0.377541)
    p1 = σ(b + W[1]) = σ(0.4, 0.2)  = (0.598688, 0.549834)   probabilities, not samples

    v0 p0ᵀ = [[0.668188, 0.377541], [0, 0]]     v1 p1ᵀ = [[0, 0], [0.598688, 0.549834]]
    """
    like = [0, 2]  # the like columns of the two movies
    W = np.zeros((2, 2, 2))
    W[:, 0] = [[0.5, -0.3], [0.2, 0.4]]
    rbm = exact_rbm(
        W, np.array([[0.1, 0.0], [-0.1, 0.0]]), np.array([0.2, -0.2]), np.array([1, 2]), 1.0
    )
    V0 = sparse.csr_array(np.array([[1.0, 0, 0, 0]]))
    V1 = sparse.csr_array(np.array([[0.0, 0, 1, 0]]))

    P0, P1 = rbm.hidden_probability(V0), rbm.hidden_probability(V1)
    np.testing.assert_allclose(P0, [[0.668188, 0.377541]], atol=5e-7)
    np.testing.assert_allclose(P1, [[0.598688, 0.549834]], atol=5e-7)
    # downward from h0 = (1, 0): x = a + W[:, 0] = (0.6, 0.1)
    x = rbm.visible_input(np.array([[1.0, 0.0]]), np.zeros(1))[0, :, 0]
    np.testing.assert_allclose(sigmoid(x), [0.645656, 0.524979], atol=5e-7)

    kappa = gamma = eta = 0.1
    gradient = cd_gradient(V0, P0, V1, P1)
    np.testing.assert_allclose(
        W[:, 0] + kappa * gradient.W[like],
        [[0.5668188, -0.2622459], [0.1401312, 0.3450166]],
        atol=5e-8,
    )
    np.testing.assert_allclose(rbm.a[:, 0] + gamma * gradient.a[like], [0.2, -0.2])
    np.testing.assert_allclose(rbm.b + eta * gradient.b, [0.2069500, -0.2172293], atol=5e-8)
