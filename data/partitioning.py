"""Writes a data set of any length as a folder of shards (`data.shards`), one shard in memory.

Three passes: ratings are spilled by the shard of their user, a hash of the key; each shard is put
in order by user and movie, and what training users rated is counted; then the movies are known,
and each shard is written with their rows.
"""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data import shared
from data.interactions import Interactions
from data.progress import Progress, ignore_progress
from data.release import DatasetError
from data.shards import (
    MOVIES,
    PARTITION,
    Movies,
    Partition,
    Shard,
    Source,
    movies_table,
    users_table,
)
from data.shared import local_path, place_of
from data.spill import SortedUsers, Spill
from data.splitting import LARGE, MIN_LIKES, Group, digests, gate_share, groups_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["MAX_HELD_OUT", "Partitioner", "opened", "write"]

MAX_HELD_OUT = 10_000
_NO_IDS = np.empty(0, np.int64)


class _Judged(NamedTuple):
    """A held-out user, by the place of the first rating in the source."""

    first: NDArray[np.int64]
    users: Interactions


@dataclass(slots=True)
class _Counts:
    """Ratings of training users by movie, the movies by rising id."""

    ids: NDArray[np.int64] = field(default_factory=_NO_IDS.copy)
    likes: NDArray[np.int64] = field(default_factory=_NO_IDS.copy)
    dislikes: NDArray[np.int64] = field(default_factory=_NO_IDS.copy)

    def add(self, movie_ids: NDArray[np.int64], liked: NDArray[np.bool_]) -> None:
        """Count ratings."""
        ids = np.union1d(self.ids, movie_ids)
        rows, before = np.searchsorted(ids, movie_ids), np.searchsorted(ids, self.ids)
        likes, dislikes = (np.bincount(rows[k], minlength=len(ids)) for k in (liked, ~liked))
        likes[before] += self.likes
        dislikes[before] += self.dislikes
        self.ids, self.likes, self.dislikes = ids, likes, dislikes


class Partitioner:
    """Takes the ratings block by block, then writes the shards.

    Parameters
    ----------
    url : str
        The folder to write: a path, or an address that fsspec knows.
    salt : str
        Decides who is held out, and the shard of each user.
    n_shards : int
    spill : Path
        A folder for what does not stay in memory.
    latest_wins : bool
        Whether of several ratings of a user and movie the latest is taken; else they are an error.
    """

    def __init__(
        self, url: str, salt: str, n_shards: int, spill: Path, *, latest_wins: bool = False
    ) -> None:
        self.url = url
        self.salt = salt
        self.n_shards = n_shards
        self._spill = Spill(spill, n_shards, latest_wins=latest_wins)
        self._some_users: set[int] = set()  # as many as decide the share that is held out
        self._counts = _Counts()
        self._limits = {group: np.empty(0, np.uint64) for group in (Group.VALIDATION, Group.GATE)}
        self._judged: dict[Group, list[_Judged]] = {group: [] for group in self._limits}
        self._training: list[Shard] = []
        self._others: list[Shard] = []
        self._n_users = self._n_ratings = self._n_unknown = 0

    def add(
        self,
        users: pa.Array[pa.StringScalar],
        movie_ids: NDArray[np.int64],
        liked: NDArray[np.bool_],
        times: NDArray[np.int64] | None = None,
    ) -> None:
        """Add ratings.

        Parameters
        ----------
        users : Arrow array of string, shape (n,)
        movie_ids : int64 array, shape (n,)
        liked : bool array, shape (n,)
        times : int64 array, shape (n,), optional
            Unix seconds.
        """
        coded = users.dictionary_encode()
        hashes = digests(coded.dictionary.to_pylist(), self.salt)
        if len(self._some_users) <= LARGE:
            self._some_users.update(hashes[: LARGE + 1].tolist())
        shards = (hashes % np.uint64(self.n_shards)).astype(np.int64)
        codes = coded.indices.to_numpy()
        self._spill.add(shards[codes], users, movie_ids, liked, times)

    def finish(
        self,
        movie_keys: Mapping[int, object],
        like_threshold: float,
        source: Source,
        progress: Progress = ignore_progress,
    ) -> Partition:
        """Write all files, the description last, and return it.

        Parameters
        ----------
        movie_keys : mapping
            The key of each movie, by its id.
        like_threshold : float
            That the ratings became likes by.
        source : Source
        progress : callable
            Called with the number of shards done, of twice as many.
        """
        self._spill.flush()
        for shard in range(self.n_shards):
            self._count(self._spill.sort(shard))
            progress("sort", shard + 1, self.n_shards)
        movies = self._movies(movie_keys)
        for shard in range(self.n_shards):
            self._write(shard, self._spill.sorted(shard), movies.ids)
            progress("shards", shard + 1, self.n_shards)
        partition = Partition(
            url=self.url,
            like_threshold=like_threshold,
            salt=self.salt,
            source=source,
            n_users=self._n_users,
            n_ratings=self._n_ratings,
            n_unknown=self._n_unknown,
            movies=Shard(MOVIES, _put(self.url, MOVIES, movies_table(movies)), 0, 0),
            n_movies=len(movies.ids),
            training=tuple(self._training),
            validation=self._held_out(Group.VALIDATION, movies.ids),
            gate=self._held_out(Group.GATE, movies.ids),
            others=tuple(self._others),
        )
        description = json.dumps(partition.as_json(), indent=1).encode()
        shared.write(place_of(self.url, PARTITION), description)
        return partition

    def _grouped(self, users: SortedUsers) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
        """Return hash and group of each user."""
        hashes = users.hashes(self.salt)
        return hashes, groups_of(hashes, gate_share(len(self._some_users)))

    def _count(self, users: SortedUsers) -> None:
        """Count the ratings of training users, and find the first of the held-out users."""
        hashes, groups = self._grouped(users)
        training = np.repeat(groups == Group.TRAINING, users.ratings_per_user)
        self._counts.add(users.movie_ids[training], users.liked[training])
        eligible = users.likes_per_user >= MIN_LIKES
        for group, before in self._limits.items():
            found = np.append(before, hashes[(groups == group) & eligible])
            self._limits[group] = np.sort(found)[:MAX_HELD_OUT]

    def _movies(self, keys: Mapping[int, object]) -> Movies:
        counts = self._counts
        if not len(counts.ids):
            raise DatasetError("no user is left to train on: the data set is too small")
        named = np.array([str(keys[movie]) for movie in counts.ids.tolist()], dtype=object)
        return Movies(counts.ids, named, counts.likes, counts.dislikes)

    def _write(self, shard: int, users: SortedUsers, movie_ids: NDArray[np.int64]) -> None:
        hashes, groups = self._grouped(users)
        eligible = users.likes_per_user >= MIN_LIKES
        known = users.over(movie_ids)
        self._n_users += users.n_users
        self._n_ratings += len(users.liked)
        self._n_unknown += len(users.liked) - known.n_ratings
        others = groups != Group.TRAINING
        for group, limit in self._limits.items():
            judged = (groups == group) & eligible & np.isin(hashes, limit)
            self._judged[group].append(_Judged(users.first[judged], known.select_users(judged)))
            others &= ~judged
        training = known.select_users(groups == Group.TRAINING)
        self._training.append(_users(self.url, f"training-{shard:05}.parquet", training))
        if others.any():
            rest = known.select_users(others)
            self._others.append(_users(self.url, f"others-{shard:05}.parquet", rest))

    def _held_out(self, group: Group, movie_ids: NDArray[np.int64]) -> Shard:
        """Write the judged users in the order of the source, whatever the number of shards."""
        judged = self._judged[group]
        users = _joined([part.users for part in judged], movie_ids)
        order = np.argsort(np.concatenate([part.first for part in judged]), kind="stable")
        return _users(self.url, f"{group.name.lower()}.parquet", users.select_users(order))


@contextmanager
def opened(
    url: str, salt: str, n_shards: int, *, latest_wins: bool = False
) -> Iterator[Partitioner]:
    """Open a folder to write a partition; what is spilled lies in it where it is a local one.

    Raises
    ------
    DatasetError
        There is a partition already.
    """
    if shared.exists(place_of(url, PARTITION)):
        raise DatasetError(f"{url} holds a partition already: choose another folder")
    path = local_path(url)
    if path is not None:
        path.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".spill-", dir=path) as spill:
        yield Partitioner(url, salt, n_shards, Path(spill), latest_wins=latest_wins)


def write(
    url: str,
    interactions: Interactions,
    *,
    salt: str,
    n_shards: int,
    like_threshold: float = 4.0,
    source: Source | None = None,
) -> Partition:
    """Write ratings in memory as a partition, and return it; the key of a movie is its id.

    Parameters
    ----------
    url : str
    interactions : Interactions
    salt : str
    n_shards : int
    like_threshold : float
        That the likes come from.
    source : Source, optional
    """
    source = source or Source("ratings in memory", None, "1970-01-01T00:00:00+00:00")
    with opened(url, salt, n_shards) as partitioner:
        keys = pa.array([str(key) for key in interactions.user_keys.tolist()], pa.string())
        partitioner.add(
            keys.take(interactions.user_rows),
            interactions.movie_ids[interactions.movie_rows],
            interactions.liked,
        )
        ids = {movie: movie for movie in interactions.movie_ids.tolist()}
        return partitioner.finish(ids, like_threshold, source)


def _joined(parts: list[Interactions], movie_ids: NDArray[np.int64]) -> Interactions:
    """Return the users of all parts, one part behind the other."""
    sizes = np.concatenate([part.ratings_per_user for part in parts])
    return Interactions(
        np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        np.concatenate([part.movie_rows for part in parts]),
        np.concatenate([part.liked for part in parts]),
        np.concatenate([part.user_keys for part in parts]),
        movie_ids,
    )


def _users(url: str, name: str, users: Interactions) -> Shard:
    return Shard(name, _put(url, name, users_table(users)), users.n_users, users.n_ratings)


def _put(url: str, name: str, table: pa.Table) -> str:
    """Write a table, and return the checksum of its file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue()
    shared.write(place_of(url, name), content)
    return hashlib.sha256(content).hexdigest()
