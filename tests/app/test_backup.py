"""Back-ups: what was acknowledged before one is in it, and comes back on either database."""

import shutil
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, select, text, update

from app.backup import artifacts, service
from app.backup.archive import BackupError, open_archive
from app.backup.rows import FORGOTTEN
from app.backup.service import back_up, restore, verify
from app.config import Settings
from app.db import schema as migrating
from app.db.engine import Database
from app.db.tables import installation, metadata, model_versions, movies, ratings, users
from app.ratings.schemas import RatingRequest
from app.ratings.service import RatingService
from app.registry.service import publish as publish_model
from app.store.folder import ModelStore
from data.movie_keys import movie_id
from model import artifact
from tests.app.small_releases import contents
from tests.app.test_migrations import (
    fill,
    fill_with_moments,
    marks,
    schema,
    tables_of_the_code,
)
from tests.app.world import MOMENT, World, activate, make_rbm, publish
from tests.conftest import BACKENDS

# What is restored into is of either kind where rows go from one to the other.
INTO_SQLITE = pytest.mark.parametrize("other_database", ["sqlite"], indirect=True)
SAME_KIND = pytest.mark.parametrize(
    ("database", "other_database"), [(kind, kind) for kind in BACKENDS], indirect=True
)


def state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row that is kept, without the numbers of changes, which are drawn anew."""
    found = {name: rows for name, rows in contents(database).items() if name not in FORGOTTEN}
    found["installation"] = [(id_, salt) for id_, salt, *_ in found["installation"]]
    found["users"] = [(id_, key, origin) for id_, key, _, origin in found["users"]]
    found["audit_log"] = [row for row in found["audit_log"] if "backup_restored" not in row]
    return found


def like(database: Database, user: str, movie_id: int) -> None:
    RatingService(database, 4.0).put(user, movie_id, RatingRequest(liked=True))


def wipe(database: Database, models_dir: Path) -> None:
    """Lose everything."""
    with database.unit_of_work(alters_schema=True) as connection:
        for table in reversed(metadata.sorted_tables):
            table.drop(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    shutil.rmtree(models_dir)


def test_what_was_destroyed_comes_back(
    world: World, connect: Callable[[], TestClient], tmp_path: Path
) -> None:
    pages = ["/recommendations/1", "/recommendations/6?explain=5", "/users/1/ratings", "/movies/10"]
    client = connect()
    before = [client.get(page).json() for page in pages]
    rows = state(world.database)
    back_up(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    wipe(world.database, world.settings.models_dir)
    restore(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    assert state(world.database) == rows
    client = connect()
    after = [client.get(page).json() for page in pages]
    for response in (*before, *after):
        response.pop("next", None)  # it carries the number of the last change
    assert after == before
    assert after[0]["source"] == "rbm"
    assert client.put("/users/new/ratings/10", json={"liked": True}).status_code == 201


def test_a_back_up_goes_from_either_database_to_either(
    database: Database, other_database: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database)
    publish(database, settings.models_dir, "v2", make_rbm(seed=2))
    with database.unit_of_work() as connection:
        connection.execute(insert(users), [{"id": 2**40, "key": "~a.@:+-_", "ratings_revision": 3}])
        connection.execute(insert(movies).values(id=9, title='é~"\\👩‍🚀', genres=["\t'"[1:]]))
        other = {"id": movie_id("жук/1"), "key": "жук/1", "title": "Beetle", "genres": []}
        connection.execute(insert(movies).values(**other, attributes={"n": 1.5, "tags": ["a"]}))
        connection.execute(
            insert(ratings).values(user_id=2**40, movie_id=1, liked=False, rated_at=MOMENT)
        )
        connection.execute(update(ratings).where(ratings.c.user_id == 1).values(from_release=True))
    summary = back_up(database, ModelStore(settings.models_dir), tmp_path / "b.tar")
    assert summary.manifest.models == ["v2"]
    assert summary.manifest.missing_models == ["v"]  # `fill` gives it no files
    restore(other_database, ModelStore(tmp_path / "models of the other"), tmp_path / "b.tar")
    assert state(other_database) == state(database)
    assert marks(other_database) == {(1, 1): True, (2**40, 1): False}
    assert contents(other_database)["admin_sessions"] == []  # sessions that have ended stay so
    assert migrating.current(other_database) == migrating.head()
    artifact.load(tmp_path / "models of the other" / "v2")
    with tables_of_the_code(other_database) as engine:
        assert schema(other_database.engine) == schema(engine)
    # Those who come later get numbers of their own.
    like(other_database, "new", 1)
    with other_database.read() as connection:
        assert connection.scalar(select(users.c.id).where(users.c.key == "new")) == 2**40 + 1


@INTO_SQLITE
def test_a_back_up_is_of_one_moment_although_writes_go_on(
    world: World, connect: Callable[[], TestClient], other_database: Database, tmp_path: Path
) -> None:
    """Two movies are always rated alike, in one transaction, while models are published."""
    client = connect()
    acknowledged: list[int] = []

    def rate(number: int) -> None:
        stars = number % 10 / 2 + 0.5
        alike = [{"movie_id": movie_id, "stars": stars} for movie_id in (10, 20)]
        more = {"movie_id": 10 * (number % 30) + 30, "liked": True}
        response = client.post("/users/writer/ratings", json={"ratings": [*alike, more]})
        assert response.status_code < 300
        acknowledged.append(number)

    def publish_one(seed: int) -> None:
        publish_model(world.database, ModelStore(world.settings.models_dir), make_rbm(seed), {})

    with going_on(rate), going_on(publish_one):
        for number in range(3):
            enough = len(acknowledged) + 4
            while len(acknowledged) < enough:
                time.sleep(0.02)
            known = client.get("/users/writer/ratings").json()["items"]
            target = tmp_path / f"{number}.tar"
            back_up(world.database, ModelStore(world.settings.models_dir), target)
            restore(other_database, ModelStore(tmp_path / "restored"), target, replace=True)
            check_consistent(
                other_database, tmp_path / "restored", {item["movie_id"] for item in known}
            )


@contextmanager
def going_on(work: Callable[[int], None]) -> Iterator[None]:
    """Do something again and again, in a thread; it must not fail."""
    stop = Event()

    def repeat() -> None:
        for number in count():
            work(number)
            if stop.wait(0.005):  # without a pause it would take the time of all other tests
                return

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(repeat)
        try:
            yield
        finally:
            stop.set()
        done.result()


def check_consistent(database: Database, models_dir: Path, known: set[int]) -> None:
    with database.read() as connection:
        query = select(ratings.c.movie_id, ratings.c.stars).join(
            users, users.c.id == ratings.c.user_id
        )
        stars = dict(connection.execute(query.where(users.c.key == "writer")).all())
        models = connection.execute(select(model_versions.c.version, model_versions.c.sha256)).all()
    assert known <= stars.keys()
    assert stars[10] == stars[20]
    for version, sha256 in models:
        artifact.load(models_dir / version, sha256=sha256)


def test_a_model_that_is_removed_while_it_is_copied_is_not_in_the_back_up(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_dir = world.settings.models_dir
    publish(world.database, models_dir, "v0", make_rbm(seed=5), active=False)
    pack = artifacts.pack

    def pruned_meanwhile(*arguments: Any) -> bool:
        if (models_dir / "v0").exists():
            with world.database.unit_of_work() as connection:
                connection.execute(delete(model_versions).where(model_versions.c.version == "v0"))
            shutil.rmtree(models_dir / "v0")
        return pack(*arguments)

    monkeypatch.setattr(artifacts, "pack", pruned_meanwhile)
    manifest = back_up(world.database, ModelStore(models_dir), tmp_path / "b.tar").manifest
    assert (manifest.models, manifest.missing_models) == (["v1"], [])
    assert manifest.tables["model_versions"].rows == 1


@INTO_SQLITE
def test_a_damaged_model_is_named_and_does_not_keep_the_ratings_from_being_saved(
    world: World, other_database: Database, tmp_path: Path
) -> None:
    with (world.settings.models_dir / "v1" / "W.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff")
    manifest = back_up(
        world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar"
    ).manifest
    assert (manifest.models, manifest.missing_models) == ([], ["v1"])
    restore(other_database, ModelStore(tmp_path / "restored"), tmp_path / "b.tar")
    assert state(other_database) == state(world.database)
    assert not (tmp_path / "restored" / "v1").exists()


def test_files_that_are_there_stay_and_damaged_ones_are_mended(
    world: World, tmp_path: Path
) -> None:
    models_dir = world.settings.models_dir
    publish(world.database, models_dir, "v2", make_rbm(seed=2))
    back_up(world.database, ModelStore(models_dir), tmp_path / "b.tar")
    (models_dir / "v1" / "W.npy").write_bytes(b"damaged")
    untouched = (models_dir / "v2").stat().st_ino
    restore(world.database, ModelStore(models_dir), tmp_path / "b.tar", replace=True)
    artifact.load(models_dir / "v1")
    assert (models_dir / "v2").stat().st_ino == untouched
    assert {path.name for path in models_dir.iterdir()} == {"v1", "v2", ".publishing"}


def test_only_an_empty_database_is_filled_unless_told_to_replace(
    world: World, tmp_path: Path
) -> None:
    back_up(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    before = state(world.database)
    like(world.database, "later", 10)
    with pytest.raises(BackupError, match=r"not empty, it has .*users.*--replace"):
        restore(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    assert state(world.database) != before
    restore(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar", replace=True)
    assert state(world.database) == before


def test_a_restore_that_fails_changes_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    like(world.database, "later", 10)
    before = contents(world.database)
    monkeypatch.setattr(service, "_raise_revisions", None)
    with pytest.raises(TypeError):
        restore(
            world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar", replace=True
        )
    assert contents(world.database) == before
    like(world.database, "another", 10)


def test_no_number_of_a_change_means_two_states(
    world: World, connect: Callable[[], TestClient], tmp_path: Path
) -> None:
    back_up(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    numbers = {revision(world.database)}
    for _ in range(2):
        client = connect()
        like(world.database, "1", 400)
        cursor = client.get("/recommendations/1?limit=3").json()["next"]
        handed_out = revision(world.database)
        restore(
            world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar", replace=True
        )
        # A service that ran all the while knows none of its cursors any more.
        again = client.get(f"/recommendations/1?limit=3&cursor={cursor}")
        assert again.status_code == 410
        assert revision(world.database) > handed_out
        numbers |= {handed_out, revision(world.database)}
    assert len(numbers) == 5
    with world.database.read() as connection:
        revisions = set(connection.execute(select(users.c.ratings_revision)).scalars())
    assert revisions == {revision(world.database)}


def revision(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(installation.c.ratings_revision)).scalar_one()


@SAME_KIND
def test_a_back_up_of_an_older_version_is_brought_to_the_newest(
    database: Database, settings: Settings, other_database: Database, tmp_path: Path
) -> None:
    migrating.downgrade(database, "0001")
    fill(database)
    back_up(database, ModelStore(settings.models_dir), tmp_path / "b.tar")
    migrating.upgrade(database)
    migrating.upgrade(other_database)
    restore(other_database, ModelStore(tmp_path / "restored"), tmp_path / "b.tar")
    assert migrating.current(other_database) == migrating.head()
    assert state(other_database) == state(database)
    with tables_of_the_code(other_database) as engine:
        assert schema(other_database.engine) == schema(engine)


@SAME_KIND
def test_ratings_of_an_older_back_up_get_their_marks(
    database: Database, settings: Settings, other_database: Database, tmp_path: Path
) -> None:
    migrating.downgrade(database, "0004")
    fill_with_moments(database)
    back_up(database, ModelStore(settings.models_dir), tmp_path / "b.tar")
    migrating.upgrade(database)
    restore(other_database, ModelStore(tmp_path / "restored"), tmp_path / "b.tar")
    assert marks(other_database) == marks(database)
    assert set(marks(other_database).values()) == {True, False}


def test_a_database_of_another_version_is_neither_backed_up_nor_overwritten(
    world: World, tmp_path: Path
) -> None:
    models_dir, target = world.settings.models_dir, tmp_path / "b.tar"
    back_up(world.database, ModelStore(models_dir), target)
    newer = f"{int(migrating.head()) + 1:04d}"
    with world.database.unit_of_work() as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :newer"), {"newer": newer}
        )
    with pytest.raises(BackupError, match=f"{newer}, made by a newer version"):
        back_up(world.database, ModelStore(models_dir), tmp_path / "c.tar")
    with pytest.raises(BackupError, match=f"{newer}, made by a newer version"):
        restore(world.database, ModelStore(models_dir), target, replace=True)
    assert [path.name for path in tmp_path.glob("*.tar")] == ["b.tar"]


def test_a_database_without_tables_has_nothing_to_back_up(
    blank_database: Database, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="no tables"):
        back_up(blank_database, ModelStore(tmp_path), tmp_path / "b.tar")
    assert not list(tmp_path.glob("*.tar*"))
    assert not list(tmp_path.glob(".b.tar*"))


def test_a_back_up_is_for_this_account_alone_and_overwrites_nothing(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    path = back_up(world.database, ModelStore(world.settings.models_dir), folder).path
    assert list(folder.glob("*.tar")) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(BackupError, match="exists already"):
        back_up(world.database, ModelStore(world.settings.models_dir), path)
    with pytest.raises(BackupError, match=r"cannot write .*nowhere"):
        back_up(
            world.database, ModelStore(world.settings.models_dir), tmp_path / "nowhere" / "b.tar"
        )


def test_a_back_up_that_fails_leaves_nothing_behind(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setattr(service, "_write_table", None)
    with pytest.raises(TypeError):
        back_up(world.database, ModelStore(world.settings.models_dir), folder)
    assert list(folder.iterdir()) == []


def test_a_back_up_is_checked_without_a_database(world: World, tmp_path: Path) -> None:
    made = back_up(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    assert verify(tmp_path / "b.tar") == made
    with open_archive(tmp_path / "b.tar") as reader:
        n_lines = sum(1 for _ in reader.rows("ratings"))
    assert n_lines == made.manifest.tables["ratings"].rows == 4 * 21 + 2


def test_the_revision_of_active_models_comes_back(world: World, tmp_path: Path) -> None:
    models_dir = world.settings.models_dir
    publish(world.database, models_dir, "v2", make_rbm(seed=2))
    back_up(world.database, ModelStore(models_dir), tmp_path / "b.tar")
    activate(world.database, "v1")
    restore(world.database, ModelStore(models_dir), tmp_path / "b.tar", replace=True)
    (row,) = contents(world.database)["active_model"]
    assert row[1:3] == ("v2", "v1")


def test_numbers_grow_even_where_the_clock_was_set_back(world: World, tmp_path: Path) -> None:
    back_up(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar")
    with world.database.unit_of_work() as connection:
        connection.execute(update(installation).values(ratings_revision=2**52))
    restore(world.database, ModelStore(world.settings.models_dir), tmp_path / "b.tar", replace=True)
    assert revision(world.database) == 2**52 + 1
