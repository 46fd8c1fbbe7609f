"""Any order and number of blocks gives the same partition; memory holds a shard."""

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data import partitioning, spill
from data.partitioning import opened, write
from data.release import DatasetError
from data.shards import Partition, Source
from data.splitting import Group, digests, holdout_groups
from tests.data.test_shards import SALT, draw, named, ratings_of

SOURCE = Source("drawn", None, "2026-01-01T00:00:00+00:00")


def add(partitioner: partitioning.Partitioner, rows: list[tuple[str, int, bool, int]]) -> None:
    users, movies, liked, times = zip(*rows, strict=True)
    partitioner.add(
        pa.array(users, pa.string()), np.array(movies), np.array(liked), np.array(times)
    )


def written_in_blocks(url: Path, size: int, n_shards: int = 3) -> Partition:
    ratings = draw()
    users, movies = ratings.user_keys[ratings.user_rows], ratings.movie_ids[ratings.movie_rows]
    with opened(str(url), SALT, n_shards) as partitioner:
        for at in range(0, ratings.n_ratings, size):
            part = slice(at, at + size)
            partitioner.add(pa.array(users[part].tolist()), movies[part], ratings.liked[part])
        keys = {movie: movie for movie in ratings.movie_ids.tolist()}
        return partitioner.finish(keys, 4.0, SOURCE)


def test_blocks_and_flushes_change_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = written_in_blocks(tmp_path / "a", 10**6)
    monkeypatch.setattr(spill, "FLUSH", 100)
    in_blocks = written_in_blocks(tmp_path / "b", 37)
    assert in_blocks.as_json() == at_once.as_json()


def test_the_number_of_shards_changes_neither_movies_nor_held_out_users(tmp_path: Path) -> None:
    one, many = (written_in_blocks(tmp_path / str(n), 10**6, n) for n in (1, 7))
    assert (one.movies, one.validation, one.gate) == (many.movies, many.validation, many.gate)
    assert len(many.training) == 7


def test_nothing_but_the_files_is_left(tmp_path: Path) -> None:
    partition = written_in_blocks(tmp_path, 50)
    files = {shard.file for shard in (*partition.users, partition.movies)}
    assert {path.name for path in tmp_path.iterdir()} == {*files, "partition.json"}


def test_what_fails_leaves_no_partition(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(str(tmp_path), SALT, 2):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_partition_is_refused(tmp_path: Path) -> None:
    write(str(tmp_path), draw(), salt=SALT, n_shards=2)
    with (
        pytest.raises(DatasetError, match="holds a partition already"),
        opened(str(tmp_path), SALT, 2),
    ):
        pass


def test_two_ratings_of_a_movie_are_an_error_also_in_different_blocks(tmp_path: Path) -> None:
    with opened(str(tmp_path), SALT, 2) as partitioner:
        add(partitioner, [("ann", 5, True, 1), ("bob", 5, True, 1)])
        add(partitioner, [("ann", 5, True, 2)])
        with pytest.raises(DatasetError, match="user ann rates movie 5 twice"):
            partitioner.finish({5: 5}, 4.0, SOURCE)


def test_the_latest_of_two_ratings_is_taken_and_of_two_at_one_time_the_last(
    tmp_path: Path,
) -> None:
    users = [f"user {n}" for n in range(20)]
    with opened(str(tmp_path), SALT, 2, latest_wins=True) as partitioner:
        add(partitioner, [(user, 5, True, 9) for user in users])
        add(partitioner, [(user, 5, False, 3) for user in users])
        add(partitioner, [(user, 6, True, 3) for user in users])
        add(partitioner, [(user, 6, False, 3) for user in users])
        partition = partitioner.finish({5: 5, 6: 6}, 4.0, SOURCE)
    found = [
        rating
        for shard in partition.users
        for rating in ratings_of(named(partition.read_shard(shard), partition.read_movies().ids))
    ]
    assert sorted(found) == sorted((user, m, m == 5) for user in users for m in (5, 6))
    assert partition.n_ratings == 40


def test_held_out_users_beyond_the_bound_and_those_with_few_likes_get_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write(str(tmp_path / "a"), draw(), salt=SALT, n_shards=2)
    monkeypatch.setattr(partitioning, "MAX_HELD_OUT", 4)
    bounded = write(str(tmp_path / "b"), draw(), salt=SALT, n_shards=2)
    assert (bounded.validation.n_users, bounded.gate.n_users) == (4, 4)
    assert bounded.n_training_users == whole.n_training_users
    left = whole.validation.n_users + whole.gate.n_users - 8
    assert sum(shard.n_users for shard in bounded.others) == left + sum(
        shard.n_users for shard in whole.others
    )
    for group in ("validation", "gate"):
        kept = bounded.read_shard(getattr(bounded, group)).user_keys.tolist()
        everybody = whole.read_shard(getattr(whole, group)).user_keys.tolist()
        hashes = dict(zip(everybody, digests(everybody, SALT).tolist(), strict=True))
        first = sorted(everybody, key=hashes.__getitem__)[:4]
        assert kept == [key for key in everybody if key in first]


def test_a_data_set_without_training_users_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(DatasetError, match="no user is left to train on"),
        opened(str(tmp_path), SALT, 2) as partitioner,
    ):
        partitioner.finish({}, 4.0, SOURCE)


def test_ratings_of_movies_that_no_training_user_rated_are_counted_and_left_out(
    tmp_path: Path,
) -> None:
    ratings = draw()
    groups = split_users(ratings.user_keys.tolist())
    own = [(key, 999, True, 1) for key, group in groups.items() if group != Group.TRAINING]
    with opened(str(tmp_path), SALT, 2) as partitioner:
        add(partitioner, [(user, m, liked, 1) for user, m, liked in ratings_of(ratings)])
        add(partitioner, own)
        keys = {movie: movie for movie in [*ratings.movie_ids.tolist(), 999]}
        partition = partitioner.finish(keys, 4.0, SOURCE)
    assert partition.n_unknown == len(own) > 0
    assert 999 not in partition.read_movies().ids


def split_users(keys: list[str]) -> dict[str, int]:
    return dict(zip(keys, holdout_groups(keys, SALT).tolist(), strict=True))


def test_memory_is_bounded_by_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "FLUSH", 2_000)
    monkeypatch.setattr(partitioning, "MAX_HELD_OUT", 20)
    monkeypatch.setattr(partitioning, "LARGE", 20)
    peaks: dict[int, list[int]] = {1: [], 4: [], 12: []}
    # What is imported at first use, or by another thread, is in one measurement of two at most.
    for place, n_blocks in enumerate((1, 4, 12, 4, 12)):
        rng = np.random.default_rng(0)
        tracemalloc.start()
        with opened(str(tmp_path / str(place)), SALT, n_blocks) as partitioner:
            for block in range(n_blocks):
                users = pa.array([f"{block}:{n // 20}" for n in range(2_000)])
                movies = np.tile(rng.permutation(500)[:20], 100)
                partitioner.add(users, movies, np.ones(2_000, np.bool_))
            partitioner.finish({movie: movie for movie in range(500)}, 4.0, SOURCE)
        peaks[n_blocks].append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert min(peaks[12]) < 1.7 * min(peaks[4])
