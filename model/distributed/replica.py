"""The work of a replica: pure functions, which a worker may run again in place of another."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from distributed import get_worker

from model.distributed.parameters import File, Layout, fetch
from model.distributed.plan import Plan, key_of
from model.engine import Engine, compute_threads
from model.rbm import RBM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.config import Config
    from model.distributed.users import Kept

__all__ = ["Round", "Trained", "block", "counts", "train_round"]

# Two threads of a worker that run the kernels at once would only be in each other's way.
_kernels = Lock()


@dataclass(frozen=True, slots=True)
class Round:
    """What a replica needs to know besides its users and the totals of all."""

    number: int
    replica: int
    parameters: File
    plan: Plan
    config: Config
    seed: int


class Trained(NamedTuple):
    """What a replica has changed in a round.

    `difference` are blocks of its change of the vector, times n_users.
    """

    n_users: int
    n_ratings: int
    n_missed: int  # ratings that their reconstruction misses
    difference: list[NDArray[np.float32]]


def train_round(users: Interactions, kept: Kept, work: Round) -> Trained:
    """Take the steps of a round, from the parameters that all replicas begin with.

    Parameters
    ----------
    users : Interactions
        Of this replica.
    kept : Kept
    work : Round
    """
    totals = kept.totals
    layout = Layout(totals.n_movies, work.config.n_hidden)
    steps = work.plan.steps(work.number)
    batches = work.plan.batches(
        np.flatnonzero(users.ratings_per_user), steps, work.seed, work.replica
    )
    with _kernels:
        start = fetch(work.parameters)
        own = start.copy()
        threads = _threads()
        machine = RBM(
            *layout.split(own), totals.movie_ids, totals.mean_ratings, work.config.classic
        )
        key = key_of(work.seed, work.replica)
        engine = Engine(users, machine, work.config, seed=key, threads=threads, totals=totals)
        layout.put_into(engine, own)
        missed = 0
        with compute_threads(threads):
            for step, batch in enumerate(batches, start=steps.first):
                if len(batch):  # this replica has few users
                    engine.n_updates = step
                    missed += engine.update(batch, decay=1 - step / steps.n)
        chosen = np.concatenate(batches)
        own -= start
        own *= np.float32(len(chosen))
    n_ratings = int(users.ratings_per_user[chosen].sum())
    return Trained(len(chosen), n_ratings, missed, [own[block] for block in layout.blocks()])


def _threads() -> int:
    """Return the threads of the worker that runs this; they change no bit."""
    return max(1, min(get_worker().state.nthreads, numba.get_num_threads()))


def counts(trained: Trained) -> tuple[int, int, int]:
    """Users, ratings and missed ratings of a replica's round."""
    return trained[:3]


def block(trained: Trained, place: int) -> NDArray[np.float32]:
    """Return a block of a replica's difference."""
    return trained.difference[place]
