"""Who trains on what: replicas, batches, rounds, and the keys of the random numbers.

With R replicas, the mean of R steps on b users each is about one step on R b users. So that an
epoch has as many steps as in one process, b is the batch size divided by R where an epoch has few
steps: the quality of a model is then that of one process. Where it has many, b is up to the whole
batch size, since each step has a cost that does not depend on b: reading and writing all weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.config import Config

__all__ = ["Distribution", "Plan", "Steps", "key_of"]

# An epoch of a replica has this many steps or more, unless it would have fewer in one process: four
# times the 25 of the smallest data set that the learning rates of large ones were chosen on.
ENOUGH_STEPS = 100
# Steps of a round, at most: beside so many the time to send and read the parameters, about that of
# ten, is little. Quality was the same with rounds of one step and of an epoch (docs/decisions).
STEPS_PER_ROUND = 400
SHARDS_PER_REPLICA = 4


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a training is spread over workers.

    Parameters
    ----------
    replicas : int, optional
        R. Default: one for four shards.
    local_batches : int, optional
        Steps of a replica in a round, at most. Default: 400, and never more than an epoch.
    lag : bool
        Let a slow replica hand in what it has changed one round later. The bits then depend on who
        was slow.
    folder : str, optional
        Where the files of the rounds are written, which all workers reach. Default: in the
        partition.
    """

    replicas: int | None = None
    local_batches: int | None = None
    lag: bool = False
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a round: from `first` to before `last` of `n`, counted from the first epoch."""

    epoch: int
    first: int
    last: int
    n: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Replicas, steps and rounds of a training.

    Parameters
    ----------
    shards : tuple of tuple of int
        Positions of the shards of each replica.
    n_epochs, steps_per_epoch, rounds_per_epoch : int
    """

    shards: tuple[tuple[int, ...], ...]
    n_epochs: int
    steps_per_epoch: int
    rounds_per_epoch: int

    @classmethod
    def of(cls, n_users: Sequence[int], config: Config, distribution: Distribution) -> Self:
        """Plan the training on shards.

        Parameters
        ----------
        n_users : sequence of int
            Users of each shard.
        config : Config
        distribution : Distribution

        Raises
        ------
        ValueError
            There are not so many shards.
        """
        R = distribution.replicas or max(len(n_users) // SHARDS_PER_REPLICA, 1)
        if not 1 <= R <= len(n_users):
            raise ValueError(f"{R} replicas need as many shards, and there are {len(n_users)}")
        shards = tuple(tuple(range(r, len(n_users), R)) for r in range(R))
        largest = max(sum(n_users[shard] for shard in own) for own in shards)
        batch = np.clip(largest / ENOUGH_STEPS, config.batch_size / R, config.batch_size)
        steps = -(-largest // max(int(batch), 1))
        per_round = distribution.local_batches or STEPS_PER_ROUND
        return cls(shards, config.n_epochs, steps, -(-steps // per_round))

    @property
    def n_replicas(self) -> int:
        """R."""
        return len(self.shards)

    def steps(self, round_number: int) -> Steps:
        """Return the steps of a round, counted from 0; rounds of an epoch are nearly equal."""
        epoch, place = divmod(round_number, self.rounds_per_epoch)
        first, last = (
            epoch * self.steps_per_epoch + self.steps_per_epoch * edge // self.rounds_per_epoch
            for edge in (place, place + 1)
        )
        return Steps(epoch, first, last, self.n_epochs * self.steps_per_epoch)

    def batches(
        self, users: NDArray[np.int64], steps: Steps, seed: int, replica: int
    ) -> list[NDArray[np.int64]]:
        """Users of each step of a round, in the random order of the epoch; nearly equal numbers."""
        order = np.random.default_rng([seed, steps.epoch, replica]).permutation(users)
        of_epoch = np.array_split(order, self.steps_per_epoch)
        begin = steps.epoch * self.steps_per_epoch
        return of_epoch[steps.first - begin : steps.last - begin]


def key_of(seed: int, replica: int) -> int:
    """Return the key of a replica's random numbers, below 2^64."""
    return int(np.random.SeedSequence([seed, replica]).generate_state(1, np.uint64)[0])
