"""Ratings on disk, by the shard of their user: first as they come, then by user and movie."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from data.interactions import Interactions
from data.release import DatasetError
from data.splitting import digests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SortedUsers", "Spill"]

# Ratings in memory before they are written: 100 MB with their users' keys.
FLUSH = 1 << 20
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")
_RATINGS_TYPES: dict[str, pa.DataType] = {
    "user": pa.string(),
    "movie_id": pa.int64(),
    "liked": pa.bool_(),
    "time": pa.int64(),
    "place": pa.int64(),
}
_RATINGS = pa.schema(_RATINGS_TYPES)
_USERS_TYPES: dict[str, pa.DataType] = {
    "user": pa.string(),
    "first": pa.int64(),
    "movie_ids": pa.list_(pa.int64()),
    "liked": pa.list_(pa.bool_()),
}
_USERS = pa.schema(_USERS_TYPES)


@dataclass(frozen=True, slots=True, eq=False)
class SortedUsers:
    """The users of a shard with their ratings, by rising movie id.

    Parameters
    ----------
    keys : object array of str, shape (n_users,)
    first : int64 array, shape (n_users,)
        Place of the first rating of each user in the source.
    indptr : int64 array, shape (n_users + 1,)
    movie_ids : int64 array, shape (n_ratings,)
    liked : bool array, shape (n_ratings,)
    """

    keys: NDArray[np.object_]
    first: NDArray[np.int64]
    indptr: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    liked: NDArray[np.bool_]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.keys)

    @property
    def ratings_per_user(self) -> NDArray[np.int64]:
        """Number of ratings of each user."""
        return np.diff(self.indptr)

    @property
    def likes_per_user(self) -> NDArray[np.int64]:
        """Number of likes of each user."""
        return np.diff(np.append(0, np.cumsum(self.liked, dtype=np.int64))[self.indptr])

    def hashes(self, salt: str) -> NDArray[np.uint64]:
        """Return the hash of each user's key."""
        return digests(self.keys.tolist(), salt)

    def over(self, movie_ids: NDArray[np.int64]) -> Interactions:
        """Return the users over these movies, by rising id; other ratings are left out."""
        rows = np.minimum(np.searchsorted(movie_ids, self.movie_ids), len(movie_ids) - 1)
        everything = Interactions(
            self.indptr, rows.astype(np.int32), self.liked, self.keys, movie_ids
        )
        return everything.select_ratings(movie_ids[rows] == self.movie_ids)


class Spill:
    """A folder with a file of ratings for each shard.

    Parameters
    ----------
    folder : Path
    n_shards : int
    latest_wins : bool
        Whether of several ratings of a user and movie the latest is taken; else they are an error.
    """

    def __init__(self, folder: Path, n_shards: int, *, latest_wins: bool) -> None:
        self._folder = folder
        self._n_shards = n_shards
        self._latest_wins = latest_wins
        self._blocks: list[tuple[NDArray[np.int64], pa.RecordBatch]] = []
        self._n_ratings = self._n_waiting = 0

    def add(
        self,
        shards: NDArray[np.int64],
        users: pa.Array[pa.StringScalar],
        movie_ids: NDArray[np.int64],
        liked: NDArray[np.bool_],
        times: NDArray[np.int64] | None,
    ) -> None:
        """Add ratings, each with its shard."""
        places = np.arange(self._n_ratings, self._n_ratings + len(shards))
        times = np.zeros(len(shards), np.int64) if times is None else times
        columns: list[Any] = [users, movie_ids, liked, times, places]
        arrays = [
            pa.array(column, kind) for column, kind in zip(columns, _RATINGS.types, strict=True)
        ]
        self._blocks.append((shards, pa.RecordBatch.from_arrays(arrays, schema=_RATINGS)))
        self._n_ratings += len(shards)
        self._n_waiting += len(shards)
        if self._n_waiting >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory."""
        if not self._blocks:
            return
        shards = np.concatenate([shards for shards, _ in self._blocks])
        ratings = pa.Table.from_batches([batch for _, batch in self._blocks])
        order = np.argsort(shards, kind="stable")
        ends = np.searchsorted(shards[order], np.arange(self._n_shards + 1))
        self._blocks, self._n_waiting = [], 0
        for shard, (begin, end) in enumerate(pairwise(ends)):
            if begin < end:
                self._append(shard, ratings.take(order[begin:end]))

    def sort(self, shard: int) -> SortedUsers:
        """Put the ratings of a shard in order, keep them on disk, and return them.

        Raises
        ------
        DatasetError
            A user rates a movie twice.
        """
        users = self._in_order(pa.Table.from_batches(self._batches(shard), _RATINGS))
        offsets = pa.array(users.indptr, pa.int32())
        columns: list[Any] = [
            pa.array(users.keys, pa.string()),
            pa.array(users.first),
            pa.ListArray.from_arrays(offsets, pa.array(users.movie_ids)),
            pa.ListArray.from_arrays(offsets, pa.array(users.liked)),
        ]
        with pa.ipc.new_file(str(self._sorted(shard)), _USERS, options=_LZ4) as file:
            file.write_batch(pa.RecordBatch.from_arrays(columns, schema=_USERS))
        return users

    def sorted(self, shard: int) -> SortedUsers:
        """Return what `sort` kept, and remove it."""
        with pa.OSFile(str(self._sorted(shard)), "rb") as source:
            batch: Any = pa.ipc.open_file(source).get_batch(0)
        self._sorted(shard).unlink()
        return SortedUsers(
            batch["user"].to_numpy(zero_copy_only=False),
            batch["first"].to_numpy(),
            np.asarray(batch["movie_ids"].offsets, dtype=np.int64),
            batch["movie_ids"].flatten().to_numpy(),
            batch["liked"].flatten().to_numpy(zero_copy_only=False),
        )

    def _ratings(self, shard: int) -> Path:
        return self._folder / f"ratings-{shard:05}.arrow"

    def _sorted(self, shard: int) -> Path:
        return self._folder / f"users-{shard:05}.arrow"

    def _append(self, shard: int, ratings: pa.Table) -> None:
        """Add a stream of its own to the file of a shard, of which few can be open at a time."""
        with (
            self._ratings(shard).open("ab") as file,
            pa.ipc.new_stream(file, _RATINGS, options=_LZ4) as stream,
        ):
            stream.write_table(ratings.combine_chunks())

    def _batches(self, shard: int) -> Iterator[pa.RecordBatch]:
        path = self._ratings(shard)
        if not path.exists():
            return
        with pa.OSFile(str(path), "rb") as source:
            while source.tell() < source.size():
                yield from pa.ipc.open_stream(source)
        path.unlink()

    def _in_order(self, ratings: pa.Table) -> SortedUsers:
        coded = ratings["user"].combine_chunks().dictionary_encode()
        users = coded.indices.to_numpy()
        movies, places = ratings["movie_id"].to_numpy(), ratings["place"].to_numpy()
        order = np.lexsort((ratings["time"].to_numpy(), movies, users))
        repeated = np.append((np.diff(users[order]) == 0) & (np.diff(movies[order]) == 0), False)[
            : len(order)
        ]
        if repeated.any() and not self._latest_wins:
            at = order[int(repeated.argmax()) + 1]
            user = coded.dictionary[int(users[at])].as_py()
            raise DatasetError(f"user {user} rates movie {movies[at]} twice")
        n_users = len(coded.dictionary)
        first = np.full(n_users, np.iinfo(np.int64).max)
        np.minimum.at(first, users, places)
        order = order[~repeated]
        return SortedUsers(
            coded.dictionary.to_numpy(zero_copy_only=False),
            first,
            np.searchsorted(users[order], np.arange(n_users + 1)).astype(np.int64),
            movies[order],
            ratings["liked"].to_numpy()[order],
        )
