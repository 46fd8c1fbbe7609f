"""Trains round by round on the workers; the driver holds a block of the parameters at a time."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from data import shared
from model.checkpoint import digest
from model.config import Config
from model.dislikes import weigh_dislikes, weigh_in_place
from model.distributed.measuring import machine, measure
from model.distributed.parameters import (
    File,
    Layout,
    cut,
    first_blocks,
    read,
    remove_folder,
    writer,
)
from model.distributed.plan import Distribution, Plan
from model.distributed.rounds import Rounds
from model.distributed.state import State, epochs_file, round_file
from model.distributed.users import Users
from model.initialise import initialise, warm_start
from model.monitor import MAX_USERS
from model.sanity import MAX_PARAMETER
from model.training import DivergenceError, EpochReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from distributed import Client
    from numpy.typing import NDArray

    from data.shards import Partition
    from data.splitting import HeldOut
    from model.rbm import RBM

__all__ = ["DistributedTrainer"]


class DistributedTrainer:
    """A training on the shards of a partition, which can be stopped after any round and resumed.

    Its interface is that of `model.training.Trainer`; each round is a checkpoint.

    Parameters
    ----------
    client : Client
        Of the workers.
    partition : Partition
        In a folder, or at an address, that all workers reach.
    config : Config, optional
        Default: ``Config.for_users``.
    seed : int
    validation : HeldOut, optional
        Over the movies that `config` keeps; to measure the ranking on.
    start : RBM, optional
        For a warm start.
    distribution : Distribution, optional

    Attributes
    ----------
    plan : Plan
    users : Users
    folder : str
        Of the files of this run.
    note : dict
        Stored with every round; without effect on the training.

    Raises
    ------
    ValueError
        A number is out of its range, or `start` does not fit.
    """

    def __init__(
        self,
        client: Client,
        partition: Partition,
        config: Config | None = None,
        *,
        seed: int = 0,
        validation: HeldOut | None = None,
        start: RBM | None = None,
        distribution: Distribution | None = None,
    ) -> None:
        how = distribution or Distribution()
        n_users = [shard.n_users for shard in partition.training]
        self.config = config or Config.for_users(sum(n_users))
        self.seed = seed
        self.plan = Plan.of(n_users, self.config, how)
        run = _name(partition, self.config, self.plan, seed, start)
        self.folder = shared.place_of(how.folder or shared.place_of(partition.url, "rounds"), run)
        self.note: dict[str, Any] = {}
        self.users = Users(client, partition, self.plan, self.config.min_ratings, run)
        self._rounds = Rounds(self.users, self.plan, self.config, seed, how.lag, {})
        self._layout = Layout(self.users.totals.n_movies, self.config.n_hidden)
        self._validation = validation and validation.first_users(MAX_USERS)
        self._start = start
        self._state: State | None = None
        self._stopped = False

    @property
    def curve(self) -> list[EpochReport]:
        """Reports of all epochs that are done."""
        return self._state.curve if self._state else []

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
        state = self._state = self._state or self._begin()
        while not self.finished:
            started = time.perf_counter()
            while state.round < (len(state.curve) + 1) * self.plan.rounds_per_epoch:
                if self._stopped:
                    return
                self._train_round(state)
            self._keep(state)
            report = self._report(state, started)
            state.curve.append(report)
            state.counts = [0, 0, 0]
            self._write(state)
            yield report

    def stop(self) -> None:
        """Let `epochs` end after the round that is being computed; safe in a signal handler."""
        self._stopped = True

    def rbm(self) -> RBM:
        """Return the machine after the last good epoch, averaged once averaging has begun."""
        state = self._state = self._state or self._begin()
        trained = machine(state.kept, state.n_kept, self.users.totals, self.config)
        weigh_in_place(trained, self.config.dislike_weight)
        return trained

    def save(self, folder: Path) -> None:
        """Do nothing: each round is a checkpoint already, beside the shards."""

    def resume(self, folder: Path | None = None) -> None:  # noqa: ARG002 (as of `Trainer`)
        """Resume from the last round of the same run, to the same weights bit for bit.

        Raises
        ------
        CheckpointError
            There is none, or it is damaged.
        """
        self._state = State.read(self.folder)

    def remove(self) -> None:
        """Remove the files of this run."""
        remove_folder(self.folder)

    def _begin(self) -> State:
        """Write the vector that the first round begins with."""
        self.remove()
        first = _written(round_file(self.folder, 0), self._first())
        state = State(self.folder, first, first)
        self._write(state)
        return state

    def _first(self) -> Iterable[NDArray[np.float32]]:
        totals = self.users.totals
        if self._start is None:
            return first_blocks(totals, self.config, self.seed)
        # Undo the weight of dislikes, to continue from the trained weights.
        start = weigh_dislikes(self._start, 1 / self.config.dislike_weight)
        return [self._layout.vector(warm_start(start, initialise(totals, self.config, self.seed)))]

    def _train_round(self, state: State) -> None:
        def train() -> tuple[File, NDArray[np.int64]]:
            counts, change = self._rounds.train(state.round, state.parameters, self._layout)
            changed = self._changed(state, change)
            return _written(round_file(self.folder, state.round + 1), changed), counts

        state.parameters, counts = self.users.insist(f"round {state.round}", train)
        state.counts = [own + new for own, new in zip(state.counts, counts.tolist(), strict=True)]
        state.round += 1
        self._write(state)

    def _changed(
        self, state: State, change: Iterator[NDArray[np.float32]]
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the blocks of the next vector; refuse weights that have diverged."""
        for part in self._layout.blocks():
            block = read(state.parameters, part) + next(change)
            # nan is not less than anything
            if not max(block.max(), -block.min()) <= MAX_PARAMETER:
                raise DivergenceError(
                    f"training diverged in epoch {len(state.curve) + 1}: lower the learning rates"
                )
            yield block

    def _keep(self, state: State) -> None:
        """Keep the weights after a good epoch: add them to the sum, or replace the last ones."""
        n_epochs, done = self.config.n_epochs, len(state.curve)
        if done <= n_epochs - round(self.config.averaged_share * n_epochs):
            state.kept, state.n_kept = state.parameters, 1
            return
        state.kept = _written(
            epochs_file(self.folder, done + 1),
            (
                read(state.kept, part) + read(state.parameters, part)
                for part in cut(self._layout.n_parameters)
            ),
        )
        state.n_kept += 1

    def _report(self, state: State, started: float) -> EpochReport:
        ndcg, gap = self.users.insist("measuring", lambda: self._measured(state))
        _, n_ratings, n_missed = state.counts
        error, seconds = n_missed / max(n_ratings, 1), time.perf_counter() - started
        return EpochReport(len(state.curve) + 1, self.config.n_epochs, error, ndcg, gap, seconds)

    def _measured(self, state: State) -> tuple[float | None, float | None]:
        if not self._validation:
            return None, None
        figures: tuple[float | None, float | None] = self.users.result(
            self.users.submit(
                measure, self.users.of_replicas[0], self.users.kept, self._validation,
                state.kept, state.n_kept, self.config, name=f"epoch-{len(state.curve)}",
            )
        )  # fmt: skip
        return figures

    def _write(self, state: State) -> None:
        # Work that is late reads the vector of the round before.
        state.write(self.note, keep_old=bool(self._rounds.late))


def _written(place: str, blocks: Iterable[NDArray[np.float32]]) -> File:
    with writer(place) as file:
        for block in blocks:
            file.add(block)
    return file.done()


def _name(partition: Partition, config: Config, plan: Plan, seed: int, start: RBM | None) -> str:
    """Name a run by a hash of everything that determines its weights, where no replica may lag."""
    shards = (partition.movies, *partition.training)
    identity = {
        "ratings": [shard.sha256 for shard in shards],
        "configuration": config.model_dump(),
        "seed": seed,
        "start": None if start is None else digest(start.W, start.a, start.b, start.movie_ids),
        "plan": asdict(plan),
    }
    text = json.dumps(identity, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
