"""Contrastive divergence: statistics of the data minus those of its reconstruction.

The log-likelihood of the data has the gradient (reference [1], equation 5)

    d log P(v) / d W[i,s,j] = <v[i,s] h[j]> data - <v[i,s] h[j]> machine

whose second mean runs over all states. CD-k replaces it by the state after k steps of a Gibbs
chain that starts at the data.

References
----------
.. [1] G. Hinton. A Practical Guide to Training Restricted Boltzmann Machines. 2010.
       Section 3: h is sampled on the way down, probabilities are used on the way up.
.. [2] G. Montavon, K.-R. Müller. Deep Boltzmann Machines and the Centering Trick. 2012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from model.draws import sample_hidden
from model.sampling import sample_rated, sample_visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = ["Gradient", "cd_gradient", "centred", "contrastive_divergence"]


class Gradient(NamedTuple):
    """Direction of rising likelihood, a mean over users."""

    W: NDArray[np.float32]  # (2 * n_movies, n_hidden)
    a: NDArray[np.float32]  # (2 * n_movies,)
    b: NDArray[np.float32]  # (n_hidden,)


def cd_gradient(
    V0: sparse.csr_array[Any],
    P0: NDArray[np.float32],
    Vk: sparse.csr_array[Any],
    Pk: NDArray[np.float32],
) -> Gradient:
    """Positive minus negative phase, each averaged over its own rows.

        dW = <v0 P(h|v0)> - <vk P(h|vk)>     da = <v0> - <vk>     db = <P(h|v0)> - <P(h|vk)>

    Parameters
    ----------
    V0, Vk : csr_array, shape (n_users, 2 * n_movies)
        Data and reconstruction.
    P0, Pk : float32 array, shape (n_users, n_hidden)
        Hidden probabilities given each.
    """
    # One product for both phases: the rows of the reconstruction enter with a minus.
    signed = sparse.vstack(
        (V0 * np.float32(1 / V0.shape[0]), Vk * np.float32(-1 / Vk.shape[0])), format="csr"
    )
    return Gradient(
        W=signed.T @ np.concatenate((P0, Pk)),
        a=np.asarray(signed.sum(axis=0), dtype=np.float32).reshape(-1),
        b=P0.mean(axis=0) - Pk.mean(axis=0),
    )


def centred(gradient: Gradient, middle: NDArray[np.float32]) -> Gradient:
    """Gradient of the same machine with centred hidden units, h - m [2]_.

    With h - m in place of h in the last term of the energy, the visible biases become
    a' = a + W m, and a weight learns only from the deviation of its unit from the mean:

        dW' = <v0 (P(h|v0) - m)> - <vk (P(h|vk) - m)> = dW - da m     da' = da     db' = db

    A step by ΔW and Δa' is one by ΔW and Δa = Δa' - ΔW m.

    Parameters
    ----------
    gradient : Gradient
    middle : float32 array, shape (n_hidden,)
        m, the mean of P(h|v0) over the batch.
    """
    return gradient._replace(W=gradient.W - np.outer(gradient.a, middle))


def contrastive_divergence(
    rbm: RBM,
    V0: sparse.csr_array[Any],
    t: NDArray[np.float32],
    k: int,
    rng: np.random.Generator,
) -> tuple[Gradient, sparse.csr_array[Any]]:
    """CD-k for one batch of users.

    Parameters
    ----------
    rbm : RBM
    V0 : csr_array, shape (n_users, 2 * n_movies)
    t : float32 array, shape (n_users,)
    k : int
        Gibbs steps, at least 1.
    rng : numpy.random.Generator

    Returns
    -------
    gradient : Gradient
    Vk : csr_array, shape (n_users, 2 * n_movies)
        The reconstruction after k steps.
    """
    P0 = rbm.hidden_probability(V0)
    H = sample_hidden(P0, rng)
    for step in range(k):
        Vk = sample_rated(rbm, H, V0, rng) if rbm.classic else sample_visible(rbm, H, t, rng)
        Pk = rbm.hidden_probability(Vk)
        if step < k - 1:
            H = sample_hidden(Pk, rng)
    return cd_gradient(V0, P0, Vk, Pk), Vk
