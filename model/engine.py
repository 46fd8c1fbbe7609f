"""One update of contrastive divergence by the kernels: parameters, velocities and buffers.

The same computation as `model.learning.contrastive_divergence` and `model.learning.centred`
followed by a gradient step; the symbols are those of `model.rbm`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numba
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from model import kernels
from model.rbm import activity, columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.totals import Totals
    from model.config import Config
    from model.rbm import RBM

__all__ = ["Engine", "compute_threads", "l2_per_column"]


@contextmanager
def compute_threads(n: int) -> Iterator[None]:
    """Let the kernels run on `n` threads and every BLAS product on the one that calls it.

    Waiting BLAS threads would slow the kernels down. The BLAS setting applies to the whole process
    until the context ends.

    Raises
    ------
    ValueError
        `n` is less than 1, or more than the cores or ``NUMBA_NUM_THREADS``.
    """
    before = numba.get_num_threads()
    numba.set_num_threads(n)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        numba.set_num_threads(before)


class Engine:
    """Applies updates to the parameters of a machine, in place.

    Parameters
    ----------
    interactions : Interactions
        Training data.
    rbm : RBM
        Its arrays W, a and b are changed by `update`.
    config : Config
    seed : int
        Key of the random numbers; modulo 2^64.
    threads : int
    totals : Totals, optional
        Of all ratings, where `interactions` are a part of them; they scale the weight decay.
    """

    def __init__(
        self,
        interactions: Interactions,
        rbm: RBM,
        config: Config,
        *,
        seed: int,
        threads: int,
        totals: Totals | None = None,
    ) -> None:
        with compute_threads(threads):
            pass  # refuse an invalid number now, not at the first update
        self.rbm, self.config, self.threads = rbm, config, threads
        # Memory that is not touched before it is used.
        self.velocity_W: NDArray[np.float32] = np.zeros(rbm.weights.shape, np.float32)
        self.velocity_a = np.zeros_like(rbm.a.reshape(-1))
        self.velocity_b = np.zeros_like(rbm.b)
        self.n_updates = 0
        self._seed = np.uint64(seed % 2**64)
        self._indptr = interactions.indptr
        self._columns = columns(interactions.movie_rows, interactions.liked)
        self._t = activity(interactions.ratings_per_user, rbm.mean_ratings)
        self._l2 = l2_per_column(totals or interactions, config)
        self._buffers_for = 0

    def update(self, users: NDArray[np.int64], decay: float) -> int:
        """Ascend one step for a batch; returns how many ratings its reconstruction misses.

        Parameters
        ----------
        users : int64 array, shape (n,)
            Rows of the interactions.
        decay : float
            What the learning rates are multiplied by.
        """
        n, k = len(users), self.config.cd_steps
        if n > self._buffers_for:
            self._make_buffers(n)
        rbm, W = self.rbm, self.rbm.weights
        data = kernels.Ratings(self._indptr, self._columns, users)
        drawn = kernels.Ratings(self._drawn_indptr, self._drawn_columns, np.arange(n))
        P, H = self._P[: 2 * n], self._H[:n]
        Pk = P[:n]
        kernels.upward(data, W, rbm.b, Pk)
        for gibbs_step in range(k):
            step = 2 * (self.n_updates * k + gibbs_step)
            kernels.draw_hidden(Pk, self._seed, np.uint64(step), H)
            self._downward(H, data, drawn, np.uint64(step + 1))
            Pk = P[n:]
            kernels.upward(drawn, W, rbm.b, Pk)
        right = kernels.transpose(data, drawn, self._touched)
        self._ascend(P, decay)
        self.n_updates += 1
        n_ratings = int((self._indptr[users + 1] - self._indptr[users]).sum())
        return n_ratings - int(right)

    def _downward(
        self, H: NDArray[np.float32], data: kernels.Ratings, drawn: kernels.Ratings, step: np.uint64
    ) -> None:
        """Draw ratings from P(v | h) into `drawn`; in the classic machine of the rated movies."""
        n, rbm = len(H), self.rbm
        W, a = rbm.weights, rbm.a.reshape(-1)
        if self.config.classic:
            draws = kernels.Draws(self._places[:n], self._counts[:n, :1], rbm.n_movies)
            kernels.downward_rated(H, W, a, data, self._seed, step, draws)
        else:
            draws = kernels.Draws(self._places[:n], self._counts[:n], kernels.BLOCK)
            t = self._t[data.users]
            kernels.downward(H, W, a, t, self._seed, step, self.threads, draws)
        kernels.pack(draws, drawn)

    def _ascend(self, P: NDArray[np.float32], decay: float) -> None:
        config, rbm, n = self.config, self.rbm, len(P) // 2
        momentum = np.float32(config.momentum)
        rate_W, rate_a, rate_b = (
            np.float32(rate * decay)
            for rate in (
                config.learning_rate_weights,
                config.learning_rate_visible,
                config.learning_rate_hidden,
            )
        )
        in_data, in_draws = P[:n].mean(axis=0), P[n:].mean(axis=0)
        kernels.ascend(
            self._touched, kernels.Hidden(P, in_data),
            kernels.Rates(rate_W, rate_a, momentum), self._l2,
            rbm.weights, self.velocity_W, rbm.a.reshape(-1), self.velocity_a,
        )  # fmt: skip
        self.velocity_b *= momentum
        self.velocity_b += rate_b * (in_data - in_draws)
        rbm.b[...] += self.velocity_b

    def _make_buffers(self, n: int) -> None:
        """Allocate buffers for n users; the system commits only the pages that are written."""
        n_movies, n_hidden = self.rbm.n_movies, self.rbm.n_hidden
        n_blocks = -(-n_movies // kernels.BLOCK)
        self._P = np.empty((2 * n, n_hidden), dtype=np.float32)
        self._H = np.empty((n, n_hidden), dtype=np.float32)
        self._places = np.empty((n, n_movies), dtype=np.int32)
        self._counts = np.empty((n, n_blocks), dtype=np.int32)
        self._drawn_indptr = np.empty(n + 1, dtype=np.int64)
        self._drawn_columns = np.empty(n * n_movies, dtype=np.int32)
        self._touched = kernels.Touched(
            np.empty(2 * n_movies + 1, dtype=np.int64), np.empty(2 * n * n_movies, dtype=np.int32)
        )
        self._buffers_for = n


def l2_per_column(ratings: Interactions | Totals, config: Config) -> NDArray[np.float32]:
    """l2 (ratings of the movie / mean) ** exponent, for each column of V, shape (2 * n_movies,)."""
    likes, dislikes = ratings.movie_counts()
    n_ratings = np.maximum(likes + dislikes, 1)
    scale = (n_ratings / n_ratings.mean()) ** config.l2_popularity_exponent
    return np.repeat(config.l2 * scale, 2).astype(np.float32)
