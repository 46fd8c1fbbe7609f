"""Training: epochs of contrastive divergence with momentum, weight decay and averaging."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from model import checkpoint
from model.config import Config
from model.dislikes import weigh_dislikes
from model.engine import Engine, compute_threads
from model.finish import finish
from model.initialise import initialise, warm_start
from model.monitor import FreeEnergyMonitor, RankingMonitor
from model.rbm import RBM
from model.sanity import MAX_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut

__all__ = ["DivergenceError", "EpochReport", "Trainer", "train"]


class DivergenceError(ArithmeticError):
    """The weights have diverged; the message names the epoch."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """Result of one epoch.

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
    free_energy_gap : float or None
        Overfitting in nats per user, by `model.monitor`; None without validation users, and for the
        classic machine.
    seconds : float
        Wall time of the epoch, the validation included.
    """

    epoch: int
    n_epochs: int
    reconstruction_error: float
    validation_ndcg: float | None
    free_energy_gap: float | None
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
        With its prior, and with typical settings of couplings and calibration: no users were held
        out to choose them (`model.finish`).

    Raises
    ------
    ValueError
        There are no ratings.
    DivergenceError
        The learning rates are too high for the data.
    """
    if config is not None and config.min_ratings > 1:
        interactions = interactions.rated_movies_only(config.min_ratings)
    trainer = Trainer(interactions, config, seed=seed)
    list(trainer.epochs())
    return finish(trainer.rbm(), interactions, None, trainer.config)


class Trainer:
    """One training run, which can be stopped after any batch and resumed elsewhere.

    Parameters
    ----------
    interactions : Interactions
        Users without ratings are left out.
    config : Config, optional
        Default: ``Config.for_data(interactions)``.
    seed : int
        As for `train`; not negative.
    validation : HeldOut, optional
        Users to measure the ranking on; they do not influence the weights.
    threads : int, optional
        Default: one per core, or as ``NUMBA_NUM_THREADS`` says.
    start : RBM, optional
        An earlier machine for a warm start, over the same or other movies (`model.initialise` has a
        schedule for it). Not changed.

    Attributes
    ----------
    curve : list of EpochReport
        Of all epochs that are done.
    engine : Engine
        Computes the updates; benchmarks time it alone.
    identity : dict
        Everything that determines the weights (`model.checkpoint.identity`).
    note : dict
        Stored with every checkpoint; without effect on the training.

    Raises
    ------
    ValueError
        There are no ratings, a number is out of its range, or `start` does not fit `config`.
    """

    def __init__(
        self,
        interactions: Interactions,
        config: Config | None = None,
        *,
        seed: int = 0,
        validation: HeldOut | None = None,
        threads: int | None = None,
        start: RBM | None = None,
    ) -> None:
        if interactions.n_ratings == 0:
            raise ValueError("there are no ratings to train on")
        self.config = config or Config.for_data(interactions)
        self.seed = seed
        self.threads = numba.get_num_threads() if threads is None else threads
        self.curve: list[EpochReport] = []
        self.identity = checkpoint.identity(interactions, self.config, seed, start)
        self.note: dict[str, Any] = {}
        self._n_ratings = interactions.n_ratings
        self._users = np.flatnonzero(interactions.ratings_per_user)
        fresh = initialise(interactions, self.config, seed)
        if start is None:
            self._rbm = fresh
        else:  # undo the weight of dislikes, to continue from the trained weights
            self._rbm = warm_start(weigh_dislikes(start, 1 / self.config.dislike_weight), fresh)
        self.engine = Engine(interactions, self._rbm, self.config, seed=seed, threads=self.threads)
        self._ranking = self._energies = None
        if validation is not None:
            self._ranking = RankingMonitor(validation)
            self._energies = FreeEnergyMonitor(interactions, validation, fresh.a)
        # Sum over the averaged epochs; before the first of them, the last epoch alone.
        self._kept = tuple(array.copy() for array in self._parameters)
        self._n_kept = 1
        self._batch = self._missed = 0  # of the running epoch
        self._stopped = False

    @property
    def finished(self) -> bool:
        """True when all epochs are done."""
        return len(self.curve) == self.config.n_epochs

    def epochs(self) -> Iterator[EpochReport]:
        """Train the remaining epochs, one report after each; ends early after `stop`.

        Raises
        ------
        DivergenceError
            The weights are not finite or have diverged. `rbm` then returns the last good ones.
        """
        while not self.finished:
            started = time.perf_counter()
            with compute_threads(self.threads):
                if not self._finish_epoch():
                    return
                self._refuse_divergence()
                self._keep()
                trained = self._trained()
                finished = weigh_dislikes(trained, self.config.dislike_weight)
                report = EpochReport(
                    len(self.curve) + 1,
                    self.config.n_epochs,
                    self._missed / self._n_ratings,
                    self._ranking.ndcg(finished) if self._ranking else None,
                    self._energies.gap(trained) if self._energies else None,
                    time.perf_counter() - started,
                )
            self.curve.append(report)
            self._batch = self._missed = 0
            yield report

    def stop(self) -> None:
        """Let `epochs` end after the batch that is being computed; safe in a signal handler."""
        self._stopped = True

    def rbm(self) -> RBM:
        """Return the machine after the last good epoch, averaged once averaging has begun."""
        return weigh_dislikes(self._trained(), self.config.dislike_weight)

    def save(self, folder: Path) -> Path:
        """Write a checkpoint, see `model.checkpoint.write`.

        Raises
        ------
        DivergenceError
            The weights have diverged: there is nothing to resume.
        """
        self._refuse_divergence()
        curve = [asdict(report) for report in self.curve]
        state = checkpoint.Checkpoint(
            self.identity, self._position(), curve, self._arrays(), self.note
        )
        return checkpoint.write(folder, state)

    def resume(self, folder: Path) -> None:
        """Resume from the newest checkpoint in the folder, to the same weights bit for bit.

        Raises
        ------
        CheckpointError
            There is none, it is damaged, or it is of another run.
        """
        state = checkpoint.read(folder, self.identity)
        for name, array in self._arrays().items():
            np.copyto(array, state.arrays[name])
        self.engine.n_updates = state.position["n_updates"]
        self._n_kept = state.position["n_kept"]
        self._batch, self._missed = state.position["batch"], state.position["missed"]
        self.curve = [EpochReport(**report) for report in state.curve]

    def remove(self) -> None:
        """Do nothing: who asks for a checkpoint removes it."""

    def _trained(self) -> RBM:
        """Return the trained machine, before `weigh_dislikes`."""
        W, a, b = (array / np.float32(self._n_kept) for array in self._kept)
        p = self._rbm
        return RBM(W, a, b, p.movie_ids, p.mean_ratings, p.classic)

    @property
    def _parameters(self) -> tuple[NDArray[np.float32], ...]:
        return self._rbm.W, self._rbm.a, self._rbm.b

    def _position(self) -> dict[str, int]:
        return {
            "n_updates": self.engine.n_updates,
            "n_kept": self._n_kept,
            "batch": self._batch,
            "missed": self._missed,
        }

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that changes during training, by name."""
        velocity = self.engine.velocity_W, self.engine.velocity_a, self.engine.velocity_b
        groups = {"": self._parameters, "velocity_": velocity, "kept_": self._kept}
        return {
            prefix + name: array
            for prefix, arrays in groups.items()
            for name, array in zip("Wab", arrays, strict=True)
        }

    def _finish_epoch(self) -> bool:
        """Train on the remaining batches of this epoch; False when stopped before the end."""
        epoch = len(self.curve)
        batches = self._batches(epoch)
        n_updates = self.config.n_epochs * len(batches)
        while self._batch < len(batches):
            if self._stopped:
                return False
            done = (epoch * len(batches) + self._batch) / n_updates
            self._missed += self.engine.update(batches[self._batch], decay=1 - done)
            self._batch += 1
        return True

    def _batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """Users in the random order of this epoch, in batches of nearly equal size."""
        n_batches = -(-len(self._users) // self.config.batch_size)
        order = np.random.default_rng([self.seed, epoch]).permutation(self._users)
        return np.array_split(order, n_batches)

    def _refuse_divergence(self) -> None:
        # nan is not less than anything
        if not all(max(p.max(), -p.min()) <= MAX_PARAMETER for p in self._parameters):
            raise DivergenceError(
                f"training diverged in epoch {len(self.curve) + 1}: lower the learning rates"
            )

    def _keep(self) -> None:
        """Store the weights after a good epoch: add them to the sum, or replace the last ones."""
        n_epochs, done = self.config.n_epochs, len(self.curve)
        first_averaged = n_epochs - round(self.config.averaged_share * n_epochs)
        averaging = done > first_averaged
        for kept, parameter in zip(self._kept, self._parameters, strict=True):
            np.add(kept if averaging else 0, parameter, out=kept)
        self._n_kept += averaging
