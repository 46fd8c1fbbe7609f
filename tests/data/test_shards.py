"""A partition is read as it was written, and what is damaged or changed is refused."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.interactions import Interactions
from data.partitioning import write
from data.release import DatasetError
from data.shards import Partition, load
from data.splitting import Group, HeldOut, split_by_salt

SALT = "salt of the tests"


def draw(n_users: int = 120, n_movies: int = 40, seed: int = 0) -> Interactions:
    rng = np.random.default_rng(seed)
    rated = rng.random((n_users, n_movies)) < 0.4
    users, movies = np.nonzero(rated)
    names = np.array([f"user {row}" for row in rng.permutation(n_users)])
    liked = rng.random(len(users)) < 0.6
    return Interactions.from_arrays(
        names[users], 7 * movies + 3, liked, movie_ids=7 * np.arange(n_movies) + 3
    )


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    return write(str(tmp_path), draw(), salt=SALT, n_shards=3)


def ratings_of(interactions: Interactions) -> list[tuple[str, int, bool]]:
    return [
        (str(key), int(interactions.movie_ids[movie]), bool(liked))
        for row, key in enumerate(interactions.user_keys)
        for movie, liked in zip(*interactions.user(row), strict=True)
    ]


def named(users: Interactions, movie_ids: Any) -> Interactions:
    return Interactions(users.indptr, users.movie_rows, users.liked, users.user_keys, movie_ids)


def test_what_is_read_is_what_was_described(partition: Partition) -> None:
    assert Partition.read(partition.url) == partition
    assert len(partition.training) == 3
    assert partition.n_users == 120
    assert sum(shard.n_users for shard in partition.users) == 120


def test_all_shards_together_hold_the_ratings_of_all_users(partition: Partition) -> None:
    movie_ids = partition.read_movies().ids
    found = [
        rating
        for shard in partition.users
        for rating in ratings_of(named(partition.read_shard(shard), movie_ids))
    ]
    assert sorted(found) == sorted(ratings_of(draw()))


def test_training_users_and_movies_are_those_of_one_machine(partition: Partition) -> None:
    split, movies = split_by_salt(draw(), SALT), partition.read_movies()
    shards = [partition.read_shard(shard) for shard in partition.training]
    assert sorted(key for shard in shards for key in shard.user_keys.tolist()) == sorted(
        split.training.user_keys.tolist()
    )
    likes, dislikes = split.training.movie_counts()
    assert movies.ids.tolist() == split.training.movie_ids.tolist()
    assert (movies.likes.tolist(), movies.dislikes.tolist()) == (likes.tolist(), dislikes.tolist())
    assert movies.keys.tolist() == [str(movie) for movie in movies.ids.tolist()]


@pytest.mark.parametrize("group", [Group.VALIDATION, Group.GATE])
def test_held_out_users_are_those_of_one_machine_with_the_same_hidden_ratings(
    partition: Partition, group: Group
) -> None:
    split = split_by_salt(draw(), SALT, seed=5)
    expected: HeldOut = split.test if group == Group.GATE else split.validation
    found = partition.held_out(group, partition.read_movies().ids, seed=5)
    assert ratings_of(found.given) == ratings_of(expected.given)
    assert ratings_of(found.hidden) == ratings_of(expected.hidden)
    assert found.given.n_users > 3


def test_a_folder_without_a_description_is_no_partition(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is no partition: it has no partition\.json"):
        Partition.read(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2, and this version reads 1"),
        ({"training": [{"file": "../x", "sha256": "", "n_users": 1, "n_ratings": 1}]}, "no name"),
        ({"gate": {"file": "gate.parquet"}}, "n_users"),
        ({"movies": 3}, "subscriptable"),
        ({"salt": None, "n_users": "many"}, "many"),
    ],
)
def test_a_damaged_description_is_refused(
    partition: Partition, change: dict[str, Any], reason: str
) -> None:
    path = Path(partition.url, "partition.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DatasetError, match=rf"partition\.json is damaged: .*{reason}"):
        Partition.read(partition.url)


def test_a_changed_or_missing_file_is_refused(partition: Partition) -> None:
    shard = partition.training[0]
    path = Path(partition.place(shard))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DatasetError, match="is not the file of its partition: SHA-256"):
        partition.read_shard(shard)
    path.unlink()
    with pytest.raises(DatasetError, match=r"training-00000\.parquet is not there"):
        partition.read_shard(shard)


GOOD: dict[str, Any] = {
    "user_key": ["a", "b", "c"],
    "movie_rows": [[0, 4], [], [1]],
    "liked": [[True, False], [], [True]],
}


@pytest.fixture
def load_table(tmp_path: Path) -> Callable[..., Interactions]:
    def load_it(**columns: Any) -> Interactions:
        path = tmp_path / "file.parquet"
        pq.write_table(pa.table(GOOD | columns), path)
        return load(str(path), sha256(path.read_bytes()).hexdigest(), 5)

    return load_it


def test_users_without_ratings_keep_their_row(load_table: Callable[..., Interactions]) -> None:
    users = load_table()
    assert users.indptr.tolist() == [0, 2, 2, 3]
    assert users.movie_rows.tolist() == [0, 4, 1]
    assert users.indptr.dtype == np.int64
    assert users.movie_rows.dtype == np.int32
    assert users.movie_ids.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"movie_rows": [[0, 5], [], [1]]}, "a movie is beyond the 5"),
        ({"movie_rows": [[-1, 4], [], [1]]}, "a movie is beyond the 5"),
        ({"movie_rows": [[4, 0], [], [1]]}, "the movies of a user do not rise"),
        ({"movie_rows": [[3, 3], [], [1]]}, "the movies of a user do not rise"),
        ({"liked": [[True], [], [True]]}, "have not as many likes and dislikes as movies"),
        ({"liked": [[True], [False], [True]]}, "have not as many likes and dislikes as movies"),
        ({"movie_rows": [["x", "y"], [], ["z"]]}, "is no file of a partition"),
        ({"further": [1, 2, 3]}, "is no file of a partition"),
    ],
)
def test_arrays_that_make_no_matrix_are_refused(
    load_table: Callable[..., Interactions], columns: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        load_table(**columns)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    path.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"file\.parquet is no file of a partition"):
        load(str(path), sha256(b"nothing").hexdigest(), 5)
