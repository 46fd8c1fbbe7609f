"""Log-likelihood of the users' ratings, log P(v | t), by annealed importance sampling.

The free energy gives log P(v | t) = -F(v) - log Z(t) but for the partition function, a sum over
3^n_movies 2^n_hidden states. Annealed importance sampling [1]_ estimates it by a walk through
machines between one whose Z is known and the machine itself (equation 16 of [1]_, with W = 0 in
the first machine and the same hidden units in both):

    E_k(v,h)    = - sum_is (a_k[i,s] + t) v[i,s] - β_k b h - β_k v W h
    a_k         = (1 - β_k) a0 + β_k a                 0 = β_0 < β_1 < ... < β_K = 1
    log p*_k(v) = sum_is (a_k[i,s] + t) v[i,s] + sum_j softplus(β_k (b[j] + sum_is v[i,s] W[i,s,j]))

The first machine has the base rates of the movies as biases a0, like `popularity`; its movies are
independent, so exact samples can be drawn from it, and

    log Z_0(t) = n_hidden log 2 + sum_i log(1 + exp(a0[i,L] + t) + exp(a0[i,D] + t))

A chain starts at v ~ p_0 and takes one Gibbs step of machine k for each k. With

    log w = sum_k log p*_k(v_k-1) - log p*_k-1(v_k-1),    Z(t) = Z_0(t) <w>   without bias.

References
----------
.. [1] R. Salakhutdinov, I. Murray. On the Quantitative Analysis of Deep Belief Networks. ICML 2008.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from model.draws import sample_hidden
from model.initialise import base_rates
from model.rbm import activity, columns, sigmoid, softplus
from model.sampling import sample_visible

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.rbm import RBM

__all__ = ["LogLikelihood", "LogPartition", "log_likelihood", "log_partition"]


class LogPartition(NamedTuple):
    """Estimates of log Z(t), each with its standard error."""

    value: NDArray[np.float64]  # (n,)
    error: NDArray[np.float64]  # (n,)


@dataclass(frozen=True, slots=True)
class LogLikelihood:
    """Mean of log P(v | t) over users, in nats per user.

    Parameters
    ----------
    mean : float
    error : float
        Standard error of log Z alone: the error of the mean for these users.
    users_error : float
        Standard error of the mean over users: the error as an estimate for all users; nan for a
        single user.
    base_rates : float
        The same mean under the first machine: W = 0 and the movies' base rates.
    n_users : int
    """

    mean: float
    error: float
    users_error: float
    base_rates: float
    n_users: int


def log_likelihood(
    rbm: RBM,
    interactions: Interactions,
    rng: np.random.Generator,
    *,
    base: NDArray[np.floating] | None = None,
    n_users: int = 50,
    n_chains: int = 20,
    n_steps: int = 1_000,
) -> LogLikelihood:
    """Estimate the mean of log P(v | t) over users, each with their own activity t.

    Of the machine that was trained: without couplings, which are fitted afterwards.

    Parameters
    ----------
    rbm : RBM
    interactions : Interactions
        Over the machine's movies; users without ratings are left out.
    rng : numpy.random.Generator
    base : array, shape (n_movies, 2), optional
        Biases a0 of the machine that the walk begins with; default: the base rates of
        `interactions`. Give those of the training data when judging other users.
    n_users : int
        Users at most, drawn at random; all where there are fewer.
    n_chains : int
        Walks for each number of ratings that occurs, at least 2. The cost is that of
        ``n_users * n_chains * n_steps`` downward passes of one user.
    n_steps : int
        Machines between the two: K. Too few give a large error.

    Raises
    ------
    ValueError
        The machine is classic, which has no probability of unrated movies; its movies are not those
        of the interactions; or there are no ratings.
    """
    rbm.refuse_other_movies(interactions)
    if interactions.n_ratings == 0:
        raise ValueError("there are no ratings to judge the model by")
    a0 = base_rates(interactions) if base is None else np.asarray(base)
    rated = np.flatnonzero(interactions.ratings_per_user)
    if len(rated) > n_users:
        rated = np.sort(rng.choice(rated, n_users, replace=False))
    users = interactions.select_users(rated)
    sizes, which = np.unique(users.ratings_per_user, return_inverse=True)
    t = activity(sizes, rbm.mean_ratings).astype(np.float64)
    partition = log_partition(rbm, t, a0, rng, n_chains=n_chains, n_steps=n_steps)
    V = _visible(users)
    own = -_float64(rbm).free_energy(V, t[which]) - partition.value[which]
    popular = V @ a0.astype(np.float64).reshape(-1) + t[which] * users.ratings_per_user
    popular -= _log_partition_of_movies(a0, t)[which]
    share = np.bincount(which) / users.n_users  # users of one size have one estimate of Z
    return LogLikelihood(
        mean=float(own.mean()),
        error=float(np.sqrt(np.square(share * partition.error).sum())),
        users_error=float(own.std(ddof=1) / np.sqrt(len(own))) if len(own) > 1 else float("nan"),
        base_rates=float(popular.mean()),
        n_users=users.n_users,
    )


def log_partition(
    rbm: RBM,
    t: NDArray[np.floating],
    base: NDArray[np.floating],
    rng: np.random.Generator,
    *,
    n_chains: int = 100,
    n_steps: int = 1_000,
) -> LogPartition:
    """Estimate log Z(t) by annealed importance sampling; see the module's docstring.

    The standard error is that of the mean weight, sd(w) / (<w> sqrt(n_chains)). It is itself an
    estimate, too small where all chains have missed the same states.

    Parameters
    ----------
    rbm : RBM
    t : array, shape (n,)
        Activities.
    base : array, shape (n_movies, 2)
        Biases of the machine that the walks begin with.
    rng : numpy.random.Generator
    n_chains : int
        Walks for each of them, at least 2.
    n_steps : int

    Returns
    -------
    LogPartition
    """
    if rbm.classic:
        raise ValueError("the classic machine has no probability of the movies that are not rated")
    if n_chains < 2 or n_steps < 1:
        raise ValueError(f"2 chains and 1 step are the fewest, not {n_chains} and {n_steps}")
    activities: NDArray[np.float64] = np.asarray(t, dtype=np.float64)
    log_w = _walk(rbm, np.repeat(activities, n_chains), np.asarray(base), rng, n_steps)
    log_w = log_w.reshape(len(t), n_chains)
    largest = log_w.max(axis=1, keepdims=True)
    w = np.exp(log_w - largest)
    first = rbm.n_hidden * np.log(2) + _log_partition_of_movies(base, activities)
    return LogPartition(
        value=first + logsumexp(log_w, axis=1) - np.log(n_chains),
        error=w.std(axis=1, ddof=1) / w.mean(axis=1) / np.sqrt(n_chains),
    )


def _walk(
    rbm: RBM, t: NDArray[np.float64], a0: NDArray[Any], rng: np.random.Generator, n_steps: int
) -> NDArray[np.float64]:
    """log w of one chain for each t, shape (n,)."""
    betas = np.linspace(0, 1, n_steps + 1)
    log_w = np.zeros(len(t))
    shift = (rbm.a - a0).astype(np.float64).reshape(-1)
    # A machine with β W is this one with β h in place of h.
    H = np.zeros((len(t), rbm.n_hidden), dtype=rbm.W.dtype)
    V = sample_visible(replace(rbm, a=a0.astype(rbm.a.dtype)), H, t, rng)
    for before, beta in pairwise(betas):
        received = rbm.hidden_input(V)
        log_w += (beta - before) * (V @ shift)
        log_w += _softplus_sum(beta * received) - _softplus_sum(before * received)
        H = sample_hidden(sigmoid(beta * received), rng)
        between = replace(rbm, a=((1 - beta) * a0 + beta * rbm.a).astype(rbm.a.dtype))
        V = sample_visible(between, rbm.W.dtype.type(beta) * H, t, rng)
    return log_w


def _log_partition_of_movies(a0: NDArray[Any], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """sum_i log(1 + exp(a0[i,L] + t) + exp(a0[i,D] + t)) for each t, shape (n,)."""
    seen = np.logaddexp(*a0.astype(np.float64).T)
    return np.array([softplus(seen + one).sum() for one in t])


def _softplus_sum(x: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = softplus(x).sum(axis=1)
    return total


def _visible(users: Interactions) -> sparse.csr_array[Any]:
    """V, shape (n_users, 2 * n_movies)."""
    ones = np.ones(users.n_ratings)
    entries = (ones, columns(users.movie_rows, users.liked), users.indptr)
    return sparse.csr_array(entries, shape=(users.n_users, 2 * users.n_movies))


def _float64(rbm: RBM) -> RBM:
    """Return the same machine in double precision: log P is a small difference of large numbers."""
    arrays = {name: getattr(rbm, name).astype(np.float64) for name in ("W", "a", "b")}
    return replace(rbm, **arrays, couplings=None)
