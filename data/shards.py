"""A data set as a folder of Parquet files that many machines read, each one only its part.

::

    partition.json            what the ratings come from, the rule of the holdout, all files
    movies.parquet            movie_id int64, rising; movie_key string; likes, dislikes int64
    training-00000.parquet …  user_key string; movie_rows list<int32>, rising; liked list<bool>
    validation.parquet        the same, of the validation users, and
    gate.parquet              of those that a candidate is judged on
    others-00000.parquet …    the same, of held-out users who are not judged

The movies are those that training users rated, and ``movie_rows`` are positions among them; likes
and dislikes count the ratings of training users. `data.partitioning` writes such folders.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data import shared
from data.interactions import Interactions
from data.release import DatasetError
from data.shared import place_of
from data.splitting import Group, HeldOut, hide_ratings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FORMAT", "Movies", "Partition", "Shard", "Source", "load", "load_movies"]

FORMAT = 1
PARTITION, MOVIES = "partition.json", "movies.parquet"
MAX_DESCRIPTION = 1 << 28  # bytes of partition.json: those of a million shards
_USERS_TYPES: dict[str, pa.DataType] = {
    "user_key": pa.string(),
    "movie_rows": pa.list_(pa.int32()),
    "liked": pa.list_(pa.bool_()),
}
_USERS = pa.schema(_USERS_TYPES)
_MOVIES_TYPES: dict[str, pa.DataType] = {
    "movie_id": pa.int64(),
    "movie_key": pa.string(),
    "likes": pa.int64(),
    "dislikes": pa.int64(),
}
_MOVIES = pa.schema(_MOVIES_TYPES)


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of users with all their ratings."""

    file: str
    sha256: str
    n_users: int
    n_ratings: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where the ratings come from.

    Parameters
    ----------
    name : str
        Name of the release or file.
    sha256 : str, optional
        Its checksum.
    taken_at : str
        When it was read, ISO 8601.
    ratings_revision : int, optional
        Of the database, where the ratings come from one.
    """

    name: str
    sha256: str | None
    taken_at: str
    ratings_revision: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Movies:
    """The movies of a partition, with their counts of training users.

    Parameters
    ----------
    ids : int64 array, shape (n_movies,)
        As in a database (`data.movie_keys.movie_id`), rising.
    keys : object array of str, shape (n_movies,)
    likes, dislikes : int64 array, shape (n_movies,)
    """

    ids: NDArray[np.int64]
    keys: NDArray[np.object_]
    likes: NDArray[np.int64]
    dislikes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Partition:
    """What `partition.json` says.

    Parameters
    ----------
    url : str
        The folder: a path, or an address that fsspec knows.
    like_threshold : float
        Ratings of so many stars and more are likes.
    salt : str
        Decides who is held out (`data.splitting.holdout_groups`).
    source : Source
    n_users, n_ratings : int
        Of all users, also those that neither train nor are judged.
    n_unknown : int
        How many of these ratings are of movies that no training user rated.
    movies : Shard
        The file of the movies, of which ``n_users`` and ``n_ratings`` are 0.
    n_movies : int
    training : tuple of Shard
    validation, gate : Shard
        Of users with at least 5 likes, 10,000 at most.
    others : tuple of Shard
        The held-out users who are in neither: they get lists.
    """

    url: str
    like_threshold: float
    salt: str
    source: Source
    n_users: int
    n_ratings: int
    n_unknown: int
    movies: Shard
    n_movies: int
    training: tuple[Shard, ...]
    validation: Shard
    gate: Shard
    others: tuple[Shard, ...] = ()

    @classmethod
    def read(cls, url: str) -> Partition:
        """Read a folder's description.

        Raises
        ------
        DatasetError
            There is none, or it is damaged.
        """
        place = place_of(url, PARTITION)
        try:
            text = shared.read(place, MAX_DESCRIPTION)
        except FileNotFoundError:
            raise DatasetError(
                f"{url} is no partition: it has no {PARTITION} (`recommender partition` writes it)"
            ) from None
        try:
            return _parsed(url, json.loads(text))
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{place} is damaged: {error!r}") from error

    @property
    def users(self) -> tuple[Shard, ...]:
        """All files of users; each user is in one of them."""
        return (*self.training, self.validation, self.gate, *self.others)

    @property
    def n_training_users(self) -> int:
        """Number of users in all shards."""
        return sum(shard.n_users for shard in self.training)

    @property
    def n_training_ratings(self) -> int:
        """Number of ratings in all shards."""
        return sum(shard.n_ratings for shard in self.training)

    def place(self, shard: Shard) -> str:
        """Return path or address of a file, for `load`."""
        return place_of(self.url, shard.file)

    def read_movies(self) -> Movies:
        """Read the movies; raises as `load` does."""
        movies = load_movies(self.place(self.movies), self.movies.sha256)
        if len(movies.ids) != self.n_movies:
            raise DatasetError(f"{self.place(self.movies)} has not {self.n_movies} movies")
        return movies

    def read_shard(self, shard: Shard) -> Interactions:
        """Read users over the rows of the movies; raises as `load` does."""
        return load(self.place(shard), shard.sha256, self.n_movies)

    def held_out(self, group: Group, movie_ids: NDArray[np.int64], *, seed: int = 0) -> HeldOut:
        """Return the validation or gate users as `data.splitting.split_by_salt` does.

        Parameters
        ----------
        group : Group
            Not that of training.
        movie_ids : int64 array, shape (n_movies,)
            `Movies.ids`.
        seed : int
            Decides which ratings are hidden.
        """
        users = self.read_shard(self.gate if group == Group.GATE else self.validation)
        named = Interactions(
            users.indptr, users.movie_rows, users.liked, users.user_keys, movie_ids
        )
        return hide_ratings(named, np.random.default_rng([seed, group]))

    def as_json(self) -> dict[str, Any]:
        """Return the content of partition.json."""
        description = asdict(self)
        del description["url"], description["n_movies"]
        movies = {"file": self.movies.file, "sha256": self.movies.sha256, "n": self.n_movies}
        return {"format": FORMAT, **description, "movies": movies}


def load(url: str, sha256: str, n_movies: int) -> Interactions:
    """Read a file of users: the same arguments give the same result, or an error.

    Parameters
    ----------
    url : str
        Path or address of the file.
    sha256 : str
        Its checksum.
    n_movies : int

    Returns
    -------
    Interactions
        Its ``movie_ids`` are the rows of the movies, from 0 to ``n_movies - 1``.

    Raises
    ------
    DatasetError
        The file is not there, has another checksum, or is no file of users over so many movies.
    """
    table = _table(url, sha256, _USERS)
    rows: Any
    liked: Any
    rows, liked = table["movie_rows"].combine_chunks(), table["liked"].combine_chunks()
    indptr = np.asarray(rows.offsets, dtype=np.int64)
    interactions = Interactions(
        indptr,
        rows.flatten().to_numpy().astype(np.int32, copy=False),
        liked.flatten().to_numpy(zero_copy_only=False),
        np.array(table["user_key"].to_pylist(), dtype=np.str_),
        np.arange(n_movies, dtype=np.int64),
    )
    _check(url, interactions, np.asarray(liked.offsets))
    return interactions


def load_movies(url: str, sha256: str) -> Movies:
    """Read the file of the movies; raises as `load` does."""
    table = _table(url, sha256, _MOVIES)
    ids, likes, dislikes = (table[name].to_numpy() for name in ("movie_id", "likes", "dislikes"))
    if not (np.diff(ids) > 0).all():
        raise DatasetError(f"{url}: its movies do not rise")
    return Movies(ids, np.array(table["movie_key"].to_pylist(), dtype=object), likes, dislikes)


def users_table(interactions: Interactions) -> pa.Table:
    """Return users as the table of a file."""
    offsets = pa.array(interactions.indptr, pa.int32())
    return pa.table(
        [
            pa.array([str(key) for key in interactions.user_keys.tolist()], pa.string()),
            pa.ListArray.from_arrays(offsets, pa.array(interactions.movie_rows, pa.int32())),
            pa.ListArray.from_arrays(offsets, pa.array(interactions.liked, pa.bool_())),
        ],
        schema=_USERS,
    )


def movies_table(movies: Movies) -> pa.Table:
    """Return movies as the table of a file."""
    columns: list[Any] = [movies.ids, movies.keys, movies.likes, movies.dislikes]
    return pa.table(columns, schema=_MOVIES)


def _table(url: str, sha256: str, schema: pa.Schema) -> pa.Table:
    try:
        content = shared.read(url)
    except FileNotFoundError:
        raise DatasetError(f"{url} is not there") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DatasetError(f"{url} is not the file of its partition: SHA-256 {found}, not {sha256}")
    try:
        return pq.read_table(io.BytesIO(content)).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise DatasetError(f"{url} is no file of a partition: {error}") from error


def _check(url: str, users: Interactions, liked_offsets: NDArray[np.int64]) -> None:
    if not np.array_equal(users.indptr, liked_offsets) or len(users.liked) != users.n_ratings:
        raise DatasetError(f"{url}: its users have not as many likes and dislikes as movies")
    rows = users.movie_rows
    if users.n_ratings and not (rows.min() >= 0 and rows.max() < users.n_movies):
        raise DatasetError(f"{url}: a movie is beyond the {users.n_movies} of its partition")
    rises = np.diff(rows) > 0
    rises[users.indptr[1:-1][users.ratings_per_user[1:] > 0] - 1] = True  # a user ends, one begins
    if not rises.all():
        raise DatasetError(f"{url}: the movies of a user do not rise")


def _parsed(url: str, content: dict[str, Any]) -> Partition:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']}, and this version reads {FORMAT}")
    movies = content["movies"]
    partition = Partition(
        url=url,
        like_threshold=float(content["like_threshold"]),
        salt=str(content["salt"]),
        source=Source(**content["source"]),
        n_users=int(content["n_users"]),
        n_ratings=int(content["n_ratings"]),
        n_unknown=int(content["n_unknown"]),
        movies=Shard(movies["file"], movies["sha256"], 0, 0),
        n_movies=int(movies["n"]),
        training=tuple(Shard(**shard) for shard in content["training"]),
        validation=Shard(**content["validation"]),
        gate=Shard(**content["gate"]),
        others=tuple(Shard(**shard) for shard in content["others"]),
    )
    for shard in (partition.movies, *partition.users):
        if "/" in shard.file or shard.file.startswith("."):
            raise ValueError(f"{shard.file!r} is no name of a file")
    return partition
