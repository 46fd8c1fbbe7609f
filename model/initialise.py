"""The parameters that training starts from: random ones, or a warm start from an earlier machine.

Initialising sets the visible biases to the popularity of each movie; the weights are small and
random. A warm start copies weights and biases of the movies that both machines have; new movies are
initialised, movies that no longer exist are dropped.

Without a warm start the learning rates fall linearly to 0 over all epochs. A warm start repeats the
last third of that schedule: a third of the epochs, from a third of the rates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from data.totals import Totals
from model.rbm import RBM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.config import Config

__all__ = ["base_rates", "initialise", "warm_config", "warm_start"]

INITIAL_WEIGHT_SCALE = 0.01
# Added to the count of each state of every movie: keeps the logarithm of 0 ratings finite and damps
# that of a few. Measured against 1/2 on ml-latest-small: NDCG@100 + .003.
BIAS_PSEUDO_COUNT = 2.0

# A warm start repeats the last 1 / PART of the schedule.
PART = 3


def base_rates(ratings: Interactions | Totals) -> NDArray[np.float32]:
    """Biases at the log-odds of each state against unseen, shape (n_movies, 2).

    a[i,s] = log((n[i,s] + 2) / (n_users - n[i,L] - n[i,D] + 2)), over the users with a rating.
    """
    totals = Totals.of(ratings)
    likes, dislikes = totals.movie_counts()
    counts = np.stack((likes, dislikes), axis=1) + BIAS_PSEUDO_COUNT
    unseen = totals.n_users - likes - dislikes + BIAS_PSEUDO_COUNT
    return np.log(counts / unseen[:, np.newaxis]).astype(np.float32)


def initialise(ratings: Interactions | Totals, config: Config, seed: int) -> RBM:
    """Biases at the base rates, small random weights: W ~ N(0, 0.01^2), b = 0."""
    totals = Totals.of(ratings)
    shape = (totals.n_movies, 2, config.n_hidden)
    rng = np.random.default_rng(seed)
    return RBM(
        W=rng.standard_normal(shape, dtype=np.float32) * np.float32(INITIAL_WEIGHT_SCALE),
        a=base_rates(totals),
        b=np.zeros(config.n_hidden, dtype=np.float32),
        movie_ids=totals.movie_ids,
        mean_ratings=totals.mean_ratings,
        classic=config.classic,
    )


def warm_config(config: Config) -> Config:
    """Return the schedule of a warm start; see the module's docstring."""
    rates = ("learning_rate_weights", "learning_rate_visible", "learning_rate_hidden")
    shorter = {"n_epochs": max(round(config.n_epochs / PART), 1)}
    return config.model_copy(
        update={**shorter, **{rate: getattr(config, rate) / PART for rate in rates}}
    )


def warm_start(start: RBM, fresh: RBM) -> RBM:
    """Copy the parameters of an earlier machine into a new one.

    Where the mean number of ratings has changed from m to m', t of the same user has changed by
    log(m / m'); the biases compensate, so that the user's P(v | h) stays the same:

        a'[i,s] = a[i,s] + log(m' / m)

    Parameters
    ----------
    start : RBM
        The earlier machine.
    fresh : RBM
        The initialised machine; not changed.

    Returns
    -------
    RBM
        Over the movies of `fresh`, with arrays of its own.

    Raises
    ------
    ValueError
        The hidden units differ in number, or one of the two is classic and the other is not.
    """
    if start.n_hidden != fresh.n_hidden:
        raise ValueError(
            f"the machine to start from has {start.n_hidden} hidden units, "
            f"the configuration says {fresh.n_hidden}"
        )
    if start.classic != fresh.classic:
        kinds = ["classic" if rbm.classic else "not classic" for rbm in (start, fresh)]
        raise ValueError(f"the machine to start from is {kinds[0]}, the new one {kinds[1]}")
    _, rows, start_rows = np.intersect1d(
        fresh.movie_ids, start.movie_ids, assume_unique=True, return_indices=True
    )
    shift = 0.0 if fresh.classic else np.log(fresh.mean_ratings / start.mean_ratings)
    W, a = fresh.W.copy(), fresh.a.copy()
    W[rows] = start.W[start_rows]
    a[rows] = start.a[start_rows] + np.float32(shift)
    return replace(fresh, W=W, a=a, b=np.array(start.b, dtype=np.float32))
