"""The machine that training begins with: from nothing, or from an earlier machine.

A cold start knows how popular each movie is, and no more. For a warm start, where movies have come
and gone since: a movie that both machines know keeps its weights and biases, one that is
new starts as every movie of a cold start does, one that is gone is forgotten.

The rates of a cold start fall linearly to 0 over its epochs. A warm start repeats the last third of
that schedule: a third of the epochs, from a third of the rates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from model.rbm import RBM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.config import Config

__all__ = ["base_rates", "initialise", "warm_config", "warm_start"]

INITIAL_WEIGHT_SCALE = 0.01
# Ratings more of each kind for every movie: the logarithm of none is finite, and that of a few no
# more than they say. Measured against 1/2 on ml-latest-small: NDCG@100 + .003.
BIAS_PSEUDO_COUNT = 2.0

# Part of the cold schedule that a warm start repeats.
PART = 3


def base_rates(interactions: Interactions) -> NDArray[np.float32]:
    """Biases at the log-odds of each state against unseen, shape (n_movies, 2).

    a[i,s] = log((n[i,s] + 2) / (n_users - n[i,L] - n[i,D] + 2)), over the users with a rating.
    """
    n_users = np.count_nonzero(interactions.ratings_per_user)
    likes, dislikes = interactions.movie_counts()
    counts = np.stack((likes, dislikes), axis=1) + BIAS_PSEUDO_COUNT
    unseen = n_users - likes - dislikes + BIAS_PSEUDO_COUNT
    return np.log(counts / unseen[:, np.newaxis]).astype(np.float32)


def initialise(interactions: Interactions, config: Config, seed: int) -> RBM:
    """Biases at the base rates, small random weights: W ~ N(0, 0.01^2), b = 0."""
    per_user = interactions.ratings_per_user
    shape = (interactions.n_movies, 2, config.n_hidden)
    rng = np.random.default_rng(seed)
    return RBM(
        W=rng.standard_normal(shape, dtype=np.float32) * np.float32(INITIAL_WEIGHT_SCALE),
        a=base_rates(interactions),
        b=np.zeros(config.n_hidden, dtype=np.float32),
        movie_ids=interactions.movie_ids,
        mean_ratings=float(per_user[per_user > 0].mean()),
        classic=config.classic,
    )


def warm_config(config: Config) -> Config:
    """Return the schedule for going on from an earlier machine; see the module's docstring."""
    rates = ("learning_rate_weights", "learning_rate_visible", "learning_rate_hidden")
    shorter = {"n_epochs": max(round(config.n_epochs / PART), 1)}
    return config.model_copy(
        update={**shorter, **{rate: getattr(config, rate) / PART for rate in rates}}
    )


def warm_start(start: RBM, fresh: RBM) -> RBM:
    """Put what an earlier machine knows into a new one.

    Where the mean number of ratings has changed from m to m', t of the same person has changed by
    log(m / m'); the biases take the opposite, so that the user's P(v | h) is what it was:

        a'[i,s] = a[i,s] + log(m' / m)

    Parameters
    ----------
    start : RBM
        The earlier machine.
    fresh : RBM
        What a cold start would begin with; not changed.

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
