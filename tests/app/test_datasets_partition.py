"""The shards of the database and of a file, and the command that writes them."""

import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from app.config import Settings
from app.datasets.partition import partition
from app.datasets.service import import_release, read_release
from app.datasets.snapshot import read_snapshot
from app.db.engine import Database
from app.db.tables import installation
from data.mapping import Mapping
from data.shards import Partition
from data.splitting import Group, split_by_salt
from tests.app.command_line import Run, runner
from tests.data.test_shards import named, ratings_of


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


def all_ratings(found: Partition) -> list[tuple[str, int, bool]]:
    ids = found.read_movies().ids
    shards = [named(found.read_shard(shard), ids) for shard in found.users]
    return sorted(rating for shard in shards for rating in ratings_of(shard))


def test_the_shards_of_the_database_and_of_the_file_it_holds_are_equal(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.datasets.snapshot.CHUNK", 5_000)  # a user is in two of them
    release = read_release(settings, "sample")
    import_release(database, release)
    of_database = partition(database, settings, "db", str(tmp_path / "db"), 3)
    of_file = partition(database, settings, "sample", str(tmp_path / "file"), 3)
    plain, same = of_database.as_json(), of_file.as_json()
    origins = plain.pop("source"), same.pop("source")
    assert plain == same
    assert [origin["sha256"] for origin in origins] == [release.sha256] * 2
    assert [origin["ratings_revision"] for origin in origins] == [1, None]
    snapshot = read_snapshot(database, settings.like_threshold)
    split = split_by_salt(snapshot.interactions, snapshot.holdout_salt, seed=2)
    ids = of_database.read_movies().ids
    assert np.array_equal(ids, split.training.movie_ids)
    found = of_database.held_out(Group.GATE, ids, seed=2)
    assert ratings_of(found.given) == ratings_of(split.test.given)
    assert ratings_of(found.hidden) == ratings_of(split.test.hidden)


def test_keys_that_are_texts_are_kept(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    rows = [f"käufer {n},sku {m},{1 + n % 5}" for n in range(30) for m in range(3)]
    log.write_text("\n".join(["user,movie,rating", *rows]))
    found = partition(database, settings, str(log), str(tmp_path / "shards"), 2)
    movies = found.read_movies()
    assert sorted(movies.keys.tolist()) == ["sku 0", "sku 1", "sku 2"]
    key_of = dict(zip(movies.ids.tolist(), movies.keys.tolist(), strict=True))
    expected = {(f"käufer {n}", f"sku {m}", n % 5 >= 3) for n in range(30) for m in range(3)}
    assert {(user, key_of[movie], liked) for user, movie, liked in all_ratings(found)} == expected


def test_a_mapping_says_that_the_latest_rating_wins(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "log.csv"
    rows = [f"{n},1,{stars},{at}" for stars, at in ((5, 20), (1, 10)) for n in range(30)]
    log.write_text("\n".join(["user,movie,rating,timestamp", *rows]))
    mapping = Mapping(latest_wins=True)
    found = partition(database, settings, str(log), str(tmp_path / "a"), 2, mapping=mapping)
    assert {liked for _, _, liked in all_ratings(found)} == {True}
    assert found.n_ratings == 30


def test_the_command_says_what_it_wrote(run: Run, tmp_path: Path) -> None:
    done = run("partition", "sample", "shards", "--shards", "5")
    assert done.code == 0
    assert done.out.startswith("22,186 ratings of 300 users are in shards: 5 shards of ")
    assert "recommender train --dask ADDRESS --shards shards" in done.out
    assert len(Partition.read(str(tmp_path / "shards")).training) == 5


def test_the_salt_is_the_one_of_the_database(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    found = partition(database, settings, "sample", str(tmp_path / "shards"), 2)
    with database.read() as connection:
        assert connection.execute(select(installation.c.holdout_salt)).scalar_one() == found.salt


def put_log(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere.csv",), "nowhere.csv is not a file"),
        (("log.csv",), "log.csv, line 3: user 1 rates movie 2 again, after line 2"),
        (("db",), "there is no database own.db"),
        (("sample", "--shards", "0"), "Invalid value for '--shards'"),
        (("sample", "--mapping", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_cannot_be_read_is_said_and_leaves_no_partition(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    put_log(tmp_path, "user,movie,rating\n1,2,5\n1,2,4\n")
    done = run("partition", *arguments[:1], "shards", *arguments[1:])
    assert done.code == 2
    assert complaint in done.err
    assert not list(tmp_path.glob("shards/*"))


def test_a_partition_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    assert run("partition", "sample", "shards").code == 0
    before = (tmp_path / "shards" / "partition.json").read_bytes()
    done = run("partition", "sample", "shards")
    assert (done.code, done.err) == (
        2, "recommender: shards holds a partition already: choose another folder\n"
    )  # fmt: skip
    assert (tmp_path / "shards" / "partition.json").read_bytes() == before
    assert json.loads(before)["format"] == 1


def test_an_address_of_a_store_is_a_target(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    target = f"memory:/{tmp_path}"
    found = partition(database, settings, "sample", target, 2)
    assert Partition.read(target) == found
    assert len(all_ratings(found)) == found.n_ratings - found.n_unknown
