"""A round: hands out the work, waits for it, and sums what comes back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.distributed import replica
from model.distributed.reduction import tree_sum
from model.distributed.users import is_done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Future
    from numpy.typing import NDArray

    from model.config import Config
    from model.distributed.parameters import File, Layout
    from model.distributed.plan import Plan
    from model.distributed.users import Users

    Work = dict[int, Future[replica.Trained]]  # by replica

__all__ = ["Rounds"]

# A replica that takes this many times as long as the half that were first is late.
LATE = 1.5


@dataclass(slots=True)
class Rounds:
    """Trains one round after the other.

    Parameters
    ----------
    users : Users
    plan : Plan
    config : Config
    seed : int
    lag : bool
        Whether a slow replica may hand in its work one round later.
    late : dict
        Work of the round before that is still to come, by replica.
    """

    users: Users
    plan: Plan
    config: Config
    seed: int
    lag: bool
    late: Work

    @property
    def n_rounds(self) -> int:
        """Rounds of the whole training."""
        return self.plan.n_epochs * self.plan.rounds_per_epoch

    def train(
        self, number: int, parameters: File, layout: Layout
    ) -> tuple[NDArray[np.int64], Iterator[NDArray[np.float32]]]:
        """Train a round.

        Parameters
        ----------
        number : int
            Of the round, from 0.
        parameters : File
            What it begins with.
        layout : Layout
            Of the parameters.

        Returns
        -------
        counts : int64 array, shape (3,)
            Users, ratings and missed ratings.
        change : iterator of float32 array
            Blocks of what is to be added to the vector.
        """
        trained = self.in_time(number, self._work(number, parameters))
        n_blocks = len(layout.blocks())
        sums = [self._sum(trained, number, block) for block in range(n_blocks)]
        counts = self._counts(trained, number)
        share = np.float32(1 / max(int(counts[0]), 1))
        return counts, (self.users.result(sums.pop(0)) * share for _ in range(n_blocks))

    def _work(self, number: int, parameters: File) -> Work:
        """Submit the work of all replicas but those that are late."""
        work = {}
        for place, users in enumerate(self.users.of_replicas):
            task = replica.Round(number, place, parameters, self.plan, self.config, self.seed)
            work[place] = self.late.get(place) or self.users.submit(
                replica.train_round, users, self.users.kept, task,
                name=f"round-{number}-{place}", near=place,
            )  # fmt: skip
        return work

    def in_time(self, number: int, work: Work) -> Work:
        """Return all work of a round, or all but that of replicas that become late now."""
        due, self.late = set(self.late), {}
        if not self.lag or number == self.n_rounds - 1:
            return work
        everything, started = list(work.values()), time.monotonic()
        self.users.wait_for(everything, -(-len(work) // 2))
        half = time.monotonic() - started
        self.users.wait_for(everything, len(work), seconds=(LATE - 1) * half)
        self.users.wait_for([work[place] for place in due], len(due))
        self.late = {place: each for place, each in work.items() if not is_done(each)}
        return {place: each for place, each in work.items() if place not in self.late}

    def _sum(self, trained: Work, number: int, block: int) -> Future[Any]:
        name = f"round-{number}-block-{block}"
        parts = [
            self.users.submit(replica.block, each, block, name=f"{name}-of-{place}")
            for place, each in trained.items()
        ]
        return tree_sum(self.users, parts, f"{name}-sum")

    def _counts(self, trained: Work, number: int) -> NDArray[np.int64]:
        counts = [
            self.users.submit(replica.counts, each, name=f"round-{number}-counts-{place}")
            for place, each in trained.items()
        ]
        return np.sum(self.users.gather(counts), axis=0, dtype=np.int64)
