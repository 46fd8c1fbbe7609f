"""The users of a partition on the workers: loaded there, by pure tasks, and never sent there.

Where a worker dies, others load what it held.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from distributed import KilledWorker

from data.interactions import Interactions
from data.shards import load, load_movies
from data.totals import Totals
from model.distributed.cluster import ClusterError, workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client, Future
    from numpy.typing import NDArray

    from data.shards import Partition
    from model.distributed.plan import Plan

__all__ = ["Kept", "Users", "WorkersLostError"]

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

# Of a task that fails, say because a file could not be read just now.
RETRIES = 3
# Of work whose tasks have seen too many workers die.
MAX_BEGINNINGS = 5
# While waiting, between two looks at whether the work is done, and which workers there are.
POLL_S, LOOK_S = 0.01, 2.0


class WorkersLostError(ClusterError):
    """All workers died at once: the scheduler does not hand what they had to those that came."""


class Kept(NamedTuple):
    """The movies of the machine: their rows in the shards, and the totals of all users."""

    rows: NDArray[np.int64]
    totals: Totals


class Users:
    """Submits tasks on the users of each replica.

    Parameters
    ----------
    client : Client
    partition : Partition
    plan : Plan
    min_ratings : int
        Movies with fewer ratings are left out.
    run : str
        Begins the names of all tasks.

    Attributes
    ----------
    totals : Totals
        Of all users, over the movies that are kept.
    kept : Future of Kept
    of_replicas : list of Future of Interactions
    """

    def __init__(
        self, client: Client, partition: Partition, plan: Plan, min_ratings: int, run: str
    ) -> None:
        self.client, self._run = client, run
        self._partition, self._plan, self._min_ratings = partition, plan, min_ratings
        self._n_beginnings = 0
        self._seen: set[str] = set()
        self.load()

    def load(self) -> None:
        """Let the workers load movies and users, anew where that was done before."""
        self._n_beginnings += 1
        self._seen = set(workers(self.client))
        partition = self._partition
        movies = partition.place(partition.movies), partition.movies.sha256
        kept = read_kept(*movies, partition.n_training_users, self._min_ratings)
        self.kept = self._read_kept(movies, partition.n_training_users)
        self.of_replicas = [self._users(number) for number in range(self._plan.n_replicas)]
        self.totals = kept.totals
        if len(kept.rows) < partition.n_movies:  # some users may have no rating left
            n_users = sum(self.gather(self.each(count_users, "n-users")))
            self.totals = replace(kept.totals, n_users=n_users)
            self.kept = self._read_kept(movies, n_users)

    def submit(self, task: Any, *args: Any, name: str, near: int | None = None) -> Future[Any]:
        """Submit a pure task; `near` hints at a worker, the same one for the same number."""
        there = workers(self.client)
        hint: dict[str, Any] = {}
        if near is not None and there:
            hint = {"workers": [there[near % len(there)]], "allow_other_workers": True}
        key = f"{self._run}-{self._n_beginnings}-{name}"
        return self.client.submit(task, *args, key=key, retries=RETRIES, **hint)

    def gather(self, futures: list[Future[Any]]) -> list[Any]:
        """Return the results of small tasks."""
        self.wait_for(futures, len(futures))
        results: list[Any] = self.client.gather(futures)  # type: ignore[no-untyped-call]
        return results

    def result(self, future: Future[Any]) -> Any:
        """Return the result of a task."""
        self.wait_for([future], 1)
        return future.result()

    def wait_for(self, work: list[Future[Any]], n: int, seconds: float | None = None) -> None:
        """Wait until so many tasks are done, or so long.

        Raises
        ------
        WorkersLostError
            None of the workers that were there is left, and others are.
        """
        # Dask's `wait` with a timeout leaves cycles of frames behind, which would keep futures, and
        # so what the workers hold of earlier rounds, until garbage is collected.
        now = time.monotonic()
        end, look = now + (float("inf") if seconds is None else seconds), now + LOOK_S
        while sum(map(is_done, work)) < n and now < end:
            time.sleep(min(POLL_S, end - now))
            now = time.monotonic()
            if now >= look:
                self._look()
                look = now + LOOK_S

    def insist(self, name: str, work: Callable[[], Result]) -> Result:
        """Return what work on these users gives; begin again where it lost too many workers.

        Raises
        ------
        KilledWorker, WorkersLostError
            So it was each time.
        """
        n_failures = 0
        while True:
            try:
                if n_failures:
                    self.load()
                return work()
            except (KilledWorker, WorkersLostError) as error:
                n_failures += 1
                if n_failures == MAX_BEGINNINGS:
                    raise
                logger.warning("%s begins again: %s", name, error)

    def _look(self) -> None:
        there = set(workers(self.client))
        if there and self._seen and there.isdisjoint(self._seen):
            raise WorkersLostError("all workers were lost")
        self._seen = there or self._seen

    def each(self, task: Any, name: str, *args: Any) -> list[Future[Any]]:
        """Submit ``task(users, *args)`` for the users of each replica."""
        return [
            self.submit(task, users, *args, name=f"{name}-{number}", near=number)
            for number, users in enumerate(self.of_replicas)
        ]

    def _read_kept(self, movies: tuple[str, str], n_users: int) -> Future[Any]:
        name = f"movies-of-{n_users}"
        return self.submit(read_kept, *movies, n_users, self._min_ratings, name=name)

    def _users(self, number: int) -> Future[Any]:
        shards = [
            self.submit(
                load,
                self._partition.place(shard),
                shard.sha256,
                self._partition.n_movies,
                name=f"shard-{place}",
                near=number,
            )
            for place in self._plan.shards[number]
            for shard in [self._partition.training[place]]
        ]
        return self.submit(join, self.kept, *shards, name=f"users-{number}", near=number)


def read_kept(place: str, sha256: str, n_users: int, min_ratings: int) -> Kept:
    """Return the movies of a partition that have so many ratings, with their counts."""
    movies = load_movies(place, sha256)
    rows = np.flatnonzero(movies.likes + movies.dislikes >= min_ratings)
    totals = Totals(movies.likes[rows], movies.dislikes[rows], n_users, movies.ids[rows])
    return Kept(rows, totals)


def join(kept: Kept, *shards: Interactions) -> Interactions:
    """Put shards together, over the movies that are kept; the keys of the users are left out."""
    n_ratings = np.cumsum([0] + [shard.n_ratings for shard in shards])
    indptr = [shard.indptr[1:] + begin for shard, begin in zip(shards, n_ratings, strict=False)]
    whole = Interactions(
        np.concatenate([[0], *indptr]).astype(np.int64),
        np.concatenate([shard.movie_rows for shard in shards]),
        np.concatenate([shard.liked for shard in shards]),
        np.arange(sum(shard.n_users for shard in shards)),
        shards[0].movie_ids,
    )
    if len(kept.rows) < whole.n_movies:
        whole = whole.with_movies(kept.rows)
    return replace(whole, movie_ids=kept.totals.movie_ids)


def count_users(users: Interactions) -> int:
    """Return the number of users with a rating."""
    return int(np.count_nonzero(users.ratings_per_user))


def is_done(future: Future[Any]) -> bool:
    """Tell whether a task has ended, well or not."""
    done: bool = future.done()  # type: ignore[no-untyped-call]
    return done
