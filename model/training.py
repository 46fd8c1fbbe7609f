"""Training: epochs of contrastive divergence with momentum, weight decay and averaging."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from model.config import Config
from model.engine import Engine, compute_threads
from model.monitor import RankingMonitor
from model.rbm import RBM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut

__all__ = ["DivergenceError", "EpochReport", "Trainer", "train"]

INITIAL_WEIGHT_SCALE = 0.01
# Half a rating more of each kind for every movie, so that the logarithm of none is finite.
BIAS_PSEUDO_COUNT = 0.5


class DivergenceError(ArithmeticError):
    """The weights are no longer finite; the message names the epoch."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What one epoch came to.

    Parameters
    ----------
    epoch : int
        From 1.
    n_epochs : int
    reconstruction_error : float
        Share of the ratings that their reconstruction misses: an unbiased estimate of the mean of
        1 - P(v_i = the state given | h), h sampled from the data.
    validation_ndcg : float or None
        NDCG@100 of validation users by `model.monitor`, None without any.
    seconds : float
        Wall time of the epoch, the validation included.
    """

    epoch: int
    n_epochs: int
    reconstruction_error: float
    validation_ndcg: float | None
    seconds: float


def train(interactions: Interactions, config: Config | None = None, *, seed: int = 0) -> RBM:
    """Train an RBM.

    Parameters
    ----------
    interactions : Interactions
        Likes and dislikes; see ``Interactions.from_arrays``.
    config : Config, optional
        Hyper-parameters; default: ``Config.for_data(interactions)``.
    seed : int
        The same data, configuration and seed give the same weights, bit for bit, on the same kind
        of processor with the same libraries; the number of threads does not matter.

    Returns
    -------
    RBM

    Raises
    ------
    ValueError
        There are no ratings.
    DivergenceError
        The learning rates are too high for the data.
    """
    trainer = Trainer(interactions, config, seed=seed)
    for _ in trainer.epochs():
        pass
    return trainer.rbm()


class Trainer:
    """One training run.

    Parameters
    ----------
    interactions : Interactions
        Users without ratings have nothing to teach and are left out.
    config : Config, optional
        Default: ``Config.for_data(interactions)``.
    seed : int
        As for `train`; not negative.
    validation : HeldOut, optional
        Users to follow the ranking on; they have no part in the weights.
    threads : int, optional
        Default: one per core, or as ``NUMBA_NUM_THREADS`` says.

    Raises
    ------
    ValueError
        There are no ratings, or a number is out of its range.
    """

    def __init__(
        self,
        interactions: Interactions,
        config: Config | None = None,
        *,
        seed: int = 0,
        validation: HeldOut | None = None,
        threads: int | None = None,
    ) -> None:
        if interactions.n_ratings == 0:
            raise ValueError("there are no ratings to train on")
        self.config = config or Config.for_data(interactions)
        self.seed = seed
        self.threads = numba.get_num_threads() if threads is None else threads
        self._n_ratings = interactions.n_ratings
        self._users = np.flatnonzero(interactions.ratings_per_user)
        self._parameters = _initial_rbm(interactions, self.config, seed)
        self._engine = Engine(
            interactions, self._parameters, self.config, seed=seed, threads=self.threads
        )
        self._monitor = None if validation is None else RankingMonitor(validation)
        p = self._parameters
        self._sum = tuple(np.zeros_like(array) for array in (p.W, p.a, p.b))
        self._n_summed = 0

    def epochs(self) -> Iterator[EpochReport]:
        """Train, one report after each epoch.

        Raises
        ------
        DivergenceError
            The weights are no longer finite.
        """
        n_epochs = self.config.n_epochs
        first_averaged = n_epochs - round(self.config.averaged_share * n_epochs)
        for epoch in range(n_epochs):
            started = time.perf_counter()
            with compute_threads(self.threads):
                missed = self._epoch(epoch)
                if not np.isfinite(self._parameters.W).all():
                    raise DivergenceError(
                        f"training diverged in epoch {epoch + 1}: lower the rates"
                    )
                if epoch >= first_averaged:
                    self._add_to_mean()
                ndcg = self._monitor.ndcg(self.rbm()) if self._monitor else None
            seconds = time.perf_counter() - started
            yield EpochReport(epoch + 1, n_epochs, missed / self._n_ratings, ndcg, seconds)

    def rbm(self) -> RBM:
        """Return the machine as it stands: the mean of the last epochs, once there is one."""
        p = self._parameters
        if self._n_summed:
            W, a, b = (total / np.float32(self._n_summed) for total in self._sum)
        else:
            W, a, b = p.W.copy(), p.a.copy(), p.b.copy()
        return RBM(W, a, b, p.movie_ids, p.mean_ratings, p.classic)

    def _epoch(self, epoch: int) -> int:
        """Pass over all users once; returns how many ratings their reconstructions miss."""
        batches = self._batches(epoch)
        n_updates = self.config.n_epochs * len(batches)
        missed = 0
        for batch, users in enumerate(batches):
            done = (epoch * len(batches) + batch) / n_updates
            missed += self._engine.update(users, decay=1 - done)
        return missed

    def _batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """Users in the random order of this epoch, in batches of nearly equal size."""
        n_batches = -(-len(self._users) // self.config.batch_size)
        order = np.random.default_rng([self.seed, epoch]).permutation(self._users)
        return np.array_split(order, n_batches)

    def _add_to_mean(self) -> None:
        p = self._parameters
        for total, parameter in zip(self._sum, (p.W, p.a, p.b), strict=True):
            np.add(total, parameter, out=total)
        self._n_summed += 1


def _initial_rbm(interactions: Interactions, config: Config, seed: int) -> RBM:
    """Biases at the log-odds of each state against unseen, small random weights.

    a[i,s] = log((n[i,s] + 1/2) / (n_users - n[i,L] - n[i,D] + 1/2)), W ~ N(0, 0.01^2), b = 0.
    """
    per_user = interactions.ratings_per_user
    n_users = np.count_nonzero(per_user)
    likes, dislikes = interactions.movie_counts()
    counts = np.stack((likes, dislikes), axis=1) + BIAS_PSEUDO_COUNT
    unseen = n_users - likes - dislikes + BIAS_PSEUDO_COUNT
    shape = (interactions.n_movies, 2, config.n_hidden)
    rng = np.random.default_rng(seed)
    return RBM(
        W=rng.standard_normal(shape, dtype=np.float32) * np.float32(INITIAL_WEIGHT_SCALE),
        a=np.log(counts / unseen[:, np.newaxis]).astype(np.float32),
        b=np.zeros(config.n_hidden, dtype=np.float32),
        movie_ids=interactions.movie_ids,
        mean_ratings=float(per_user[per_user > 0].mean()),
        classic=config.classic,
    )
