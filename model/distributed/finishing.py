"""Prior, couplings and calibration of a machine whose training users are on the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data import shared
from model.couplings import Couplings, coupled_movies, couplings_of, gram_of_likes
from model.distributed.parameters import fetch, writer
from model.distributed.reduction import tree_sum
from model.engine import compute_threads
from model.finish import Fits, finish_with
from model.prior import Prior, UserMoments, mean_weight, prior_of, user_moments

if TYPE_CHECKING:
    import numpy as np
    from distributed import Future
    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut
    from model.distributed.parameters import File
    from model.distributed.trainer import DistributedTrainer
    from model.distributed.users import Kept
    from model.rbm import RBM

__all__ = ["finish"]


def finish(trainer: DistributedTrainer, validation: HeldOut | None) -> RBM:
    """Finish the machine of a training as `model.finish.finish` does, which says what that is.

    The moments of the prior and XᵀX of the couplings are one map-reduce each.
    """
    return trainer.users.insist("finishing", lambda: _finished(trainer, validation))


def _finished(trainer: DistributedTrainer, validation: HeldOut | None) -> RBM:
    grams: list[Future[NDArray[np.float32]]] = []

    def couplings(l2: float) -> Couplings:
        if not grams:
            grams.append(_gram(trainer))
        users, neighbours = trainer.users, trainer.config.coupling_neighbours
        fitted: Couplings = users.result(
            users.submit(_couplings, grams[0], users.kept, l2, neighbours, name=f"couplings-{l2}")
        )
        return fitted

    fits = Fits(lambda rbm: _prior(trainer, rbm), couplings)
    return finish_with(fits, trainer.rbm(), validation, trainer.config)


def _prior(trainer: DistributedTrainer, rbm: RBM) -> Prior:
    users, place = trainer.users, shared.place_of(trainer.folder, "finished.f32")
    with writer(place) as file:
        file.add(rbm.W.reshape(-1))
    mean = mean_weight(rbm.weights, users.totals)
    parts = users.each(_moments, "moments", file.done(), mean)
    sums = tree_sum(users, parts, "moments-sum", UserMoments.plus)
    moments = users.result(sums)
    shared.remove(place)
    return prior_of(rbm, users.totals, moments, trainer.config)


def _gram(trainer: DistributedTrainer) -> Future[NDArray[np.float32]]:
    users = trainer.users
    parts = users.each(_gram_of, "gram", users.kept)
    return tree_sum(users, parts, "gram-sum")


def _moments(users: Interactions, W: File, mean: NDArray[np.float64]) -> UserMoments:
    with compute_threads(1):
        return user_moments(fetch(W).reshape(-1, len(mean)), users, mean)


def _gram_of(users: Interactions, kept: Kept) -> NDArray[np.float32]:
    return gram_of_likes(users, coupled_movies(kept.totals))


def _couplings(gram: NDArray[np.float32], kept: Kept, l2: float, neighbours: int) -> Couplings:
    with compute_threads(1):
        return couplings_of(gram.copy(order="F"), kept.totals, l2, neighbours)
