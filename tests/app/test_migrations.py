"""The schema: made and unmade by the migrations alone, the same as the tables of the code."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import (
    Engine,
    MetaData,
    Table,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)

import migrations
from app.db import schema as migrating
from app.db.engine import Database
from app.db.tables import (
    active_model,
    admin_sessions,
    answered_requests,
    api_keys,
    audit_log,
    backups,
    datasets,
    erasures,
    events,
    experiments,
    feedback,
    installation,
    metadata,
    model_versions,
    movies,
    nightly_lists,
    ratings,
    scenario_versions,
    seen_movies,
    shared_counts,
    training_runs,
    users,
)
from data.movie_keys import movie_id
from tests.killing import die_after, run_until_killed

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


# One row for each table, those first that others refer to.
ROWS: dict[Table, dict[str, Any]] = {
    datasets: {"name": "d", "sha256": "0", "imported_at": NOON, "is_public": True},
    users: {"id": 1, "key": "7", "ratings_revision": 1},
    movies: {"id": 1, "title": "Toy Story", "genres": ["Comedy"]},
    ratings: {"user_id": 1, "movie_id": 1, "stars": 4.0, "rated_at": NOON},
    seen_movies: {"user_id": 1, "movie_id": 1, "hidden": True, "seen_at": NOON},
    events: {
        "event_id": "e", "user_id": 1, "movie_id": 1, "kind": "watched", "value": 0.9,
        "occurred_at": NOON,
    },
    model_versions: {
        "version": "v", "state": "published", "card": {}, "sha256": "0", "created_at": NOON,
    },
    api_keys: {"prefix": "p", "sha256": "0", "scopes": ["read"], "name": "", "created_at": NOON},
    erasures: {"erased_at": NOON, "ratings_revision": 1},
    training_runs: {
        "state": "queued", "in_progress": True, "requested_by": "cron", "requested_at": NOON,
        "lease_until": NOON, "options": {}, "progress": {},
    },
    admin_sessions: {"sha256": "0", "key_prefix": "p", "created_at": NOON, "expires_at": NOON},
    shared_counts: {
        "id": 1, "generation": "g", "claimed": "g", "begun_at": NOON, "took_s": 0.1,
        "ratings_revision": 1, "like_threshold": 4.0, "n_users": 1, "counts": b"",
    },
    answered_requests: {
        "key_sha256": "0", "request_sha256": "0", "user_id": 1, "answered_at": NOON, "status": 200,
        "response": b"",
    },
    scenario_versions: {
        "name": "home", "version": 1, "definition": {}, "changed_at": NOON, "changed_by": "cron",
    },
    experiments: {
        "name": "e", "state": "running", "salt": "0", "begun_at": NOON,
        "definition": {"arms": [{"name": name, "share": 0.5} for name in "ab"]},
    },
    feedback: {
        "feedback_id": "f", "user_id": 1, "movie_id": 1, "kind": "shown", "occurred_at": NOON,
        "recorded_ms": 0,
    },
    nightly_lists: {
        "user_id": 1, "scenario": "", "position": 1, "movie_id": 1, "score": 0.5,
        "like_probability": 0.5, "source": "rbm", "recommendation_id": "r", "made_at": NOON,
    },
    backups: {"started_at": NOON, "name": "recommender.tar"},
    audit_log: {"at": NOON, "who": "cron", "action": "user_erased"},
}  # fmt: skip


def fill(database: Database, only: str | None = None) -> None:
    """Put a row into every table that the database has."""
    there = tables(database) if only is None else {only}
    with database.unit_of_work() as connection:
        for table, values in ROWS.items():
            if table.name in there:
                connection.execute(insert(table).values(**values))
        if only is None:
            connection.execute(update(active_model).values(version="v"))


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def schema(engine: Engine) -> dict[str, Any]:
    """Describe all that the database can tell about its tables."""
    inspector = inspect(engine)
    return {
        table: {
            "columns": [
                {**column, "type": repr(column["type"])} for column in inspector.get_columns(table)
            ],
            "key": inspector.get_pk_constraint(table),
            "foreign keys": inspector.get_foreign_keys(table),
            "unique": inspector.get_unique_constraints(table),
            "indexes": inspector.get_indexes(table),
            "checks": sorted(inspector.get_check_constraints(table), key=str),
            "options": inspector.get_table_options(table),
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


@contextmanager
def tables_of_the_code(database: Database) -> Iterator[Engine]:
    """Make the tables of `app.db.tables` beside the migrated ones, without migrations."""
    if database.is_sqlite:
        engine = create_engine("sqlite://")
    else:
        with database.unit_of_work() as connection:
            connection.execute(text("CREATE SCHEMA code"))
        options = {"options": "-c search_path=code"}
        engine = create_engine(database.url, connect_args=options)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_a_new_database_is_behind_until_it_is_upgraded(blank_database: Database) -> None:
    assert migrating.current(blank_database) is None
    assert migrating.is_behind(blank_database)
    migrating.upgrade(blank_database)
    assert migrating.current(blank_database) == migrating.head()
    assert not migrating.is_behind(blank_database)


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    fill(database)
    migrating.upgrade(database)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(ratings)).scalar_one() == 1


def test_the_schema_goes_down_and_up_again_with_rows_in_every_table(database: Database) -> None:
    fill(database)
    migrating.downgrade(database, "base")
    assert tables(database) == {"alembic_version"}
    assert migrating.current(database) is None
    migrating.upgrade(database)
    assert tables(database) == {*metadata.tables, "alembic_version"}
    fill(database)


def test_every_table_has_a_row_to_be_tested_with() -> None:
    single: set[Table] = {installation, active_model}  # filled by the first migration
    assert {table.name for table in {*ROWS, *single}} == set(metadata.tables)


def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return every row of the tables as the database has them, not as the code does."""
    found = MetaData()
    found.reflect(database.engine)
    with database.read() as connection:
        return {
            name: sorted(
                (dict(row) for row in connection.execute(select(table)).mappings()), key=repr
            )
            for name, table in found.tables.items()
            if name != "alembic_version"
        }


def test_each_revision_goes_down_and_up_again_and_keeps_the_rows_of_the_one_before(
    blank_database: Database,
) -> None:
    chain = sorted(path.name[:4] for path in migrating.FOLDER.glob("versions/[0-9]*.py"))
    for before, revision in pairwise(chain):
        migrating.upgrade(blank_database, before)
        fill(blank_database)
        held = rows(blank_database)
        migrating.upgrade(blank_database, revision)
        with_more = rows(blank_database)
        for table, found in held.items():
            kept = [{name: row[name] for name in found[0]} for row in with_more[table]]
            assert kept == found, f"{table}, {before} to {revision}"
        for table in with_more.keys() - held.keys():
            fill(blank_database, only=table)
        migrating.downgrade(blank_database, before)
        assert rows(blank_database) == held
        migrating.downgrade(blank_database, "base")


def marks(database: Database) -> dict[tuple[int, int], bool]:
    with database.read() as connection:
        query = select(ratings.c.user_id, ratings.c.movie_id, ratings.c.from_release)
        return {(user, movie): marked for user, movie, marked in connection.execute(query)}


def fill_with_moments(database: Database) -> None:
    """Give a user of the release, one of another and one of the service three ratings each."""
    with database.unit_of_work() as connection:
        connection.execute(insert(datasets).values(**ROWS[datasets]))
        for user, origin in enumerate(("d", "another", None), start=1):
            connection.execute(
                insert(users).values(
                    id=user, key=str(user), ratings_revision=1, imported_from=origin
                )
            )
        for movie in (1, 2, 3):
            connection.execute(insert(movies).values(id=movie, title="Film", genres=[]))
            for user in (1, 2, 3):
                moment = NOON + timedelta(seconds=movie - 2)
                connection.execute(
                    insert(ratings).values(user_id=user, movie_id=movie, stars=4, rated_at=moment)
                )


@pytest.mark.parametrize("most", [True, False], ids=["most of the release", "few of the release"])
def test_ratings_that_were_there_get_their_mark_by_their_moment_and_later_ones_get_none(
    blank_database: Database, *, most: bool
) -> None:
    migrating.upgrade(blank_database, "0004")
    fill_with_moments(blank_database)
    expected = {(1, 1), (1, 2)}
    if most:
        with blank_database.unit_of_work() as connection:
            connection.execute(delete(users).where(users.c.id == 3))
            connection.execute(delete(ratings).where(ratings.c.user_id > 1))
    held = rows(blank_database)
    migrating.upgrade(blank_database)
    found = marks(blank_database)
    assert {key for key, marked in found.items() if marked} == expected
    assert len(found) == (3 if most else 9)
    with blank_database.unit_of_work() as connection:  # as the version before writes
        connection.execute(insert(movies).values(id=4, title="Film", genres=[]))
        connection.execute(insert(ratings).values(user_id=1, movie_id=4, stars=4.0, rated_at=NOON))
    assert marks(blank_database) == {**found, (1, 4): False}
    with blank_database.unit_of_work() as connection:
        connection.execute(delete(ratings).where(ratings.c.movie_id == 4))
        connection.execute(delete(movies).where(movies.c.id == 4))
    with tables_of_the_code(blank_database) as engine:
        assert schema(blank_database.engine) == schema(engine)
    migrating.downgrade(blank_database, "0004")
    assert rows(blank_database) == held
    migrating.upgrade(blank_database)
    assert marks(blank_database) == found


def test_without_text_keys_their_movies_go_and_what_was_implied(blank_database: Database) -> None:
    migrating.upgrade(blank_database, "0008")
    fill(blank_database)
    held = rows(blank_database)
    migrating.upgrade(blank_database, "0009")
    opinion = {"user_id": 1, "liked": True, "rated_at": NOON}
    with blank_database.unit_of_work() as connection:
        for id_, key in ((movie_id("sku-18"), "sku-18"), (2, None)):
            row: dict[str, Any] = {"id": id_, "key": key, "attributes": {"n": 1}}
            connection.execute(insert(movies).values(title="Film", genres=[], **row))
        connection.execute(insert(ratings).values(movie_id=movie_id("sku-18"), **opinion))
        connection.execute(insert(ratings).values(movie_id=2, implied_by="clicked", **opinion))
    migrating.downgrade(blank_database, "0008")
    found = rows(blank_database)
    assert [row["id"] for row in found.pop("movies")] == [1, 2]
    assert found.items() <= held.items()


def test_the_schema_of_the_next_version_is_served_and_left_alone(database: Database) -> None:
    following = f"{int(migrating.head()) + 1:04d}"
    with database.unit_of_work() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": following})
    assert not migrating.is_behind(database)
    migrating.upgrade(database)
    assert migrating.current(database) == following


def test_the_schema_after_the_next_is_refused(database: Database) -> None:
    """Also the one of a next version that skips a number, to say that this one cannot serve it."""
    beyond = f"{int(migrating.head()) + 2:04d}"
    with database.unit_of_work() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": beyond})
    with pytest.raises(migrating.UnknownRevisionError):
        migrating.is_behind(database)


def test_the_migrated_schema_is_that_of_the_code(database: Database) -> None:
    with tables_of_the_code(database) as engine:
        assert schema(database.engine) == schema(engine)


def test_alembic_finds_nothing_to_migrate(database: Database) -> None:
    with database.unit_of_work() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_a_new_database_has_its_two_single_rows(database: Database) -> None:
    with database.read() as connection:
        counted = connection.execute(
            select(installation.c.id, installation.c.ratings_revision)
        ).all()
        active = connection.execute(
            select(
                active_model.c.id,
                active_model.c.version,
                active_model.c.previous,
                active_model.c.generation,
            )
        ).all()
    assert counted == [(1, 0)]
    assert active == [(1, None, None, 0)]


def test_every_database_draws_a_salt_of_its_own(blank_database: Database) -> None:
    salts = set()
    for _ in range(3):
        migrating.upgrade(blank_database)
        with blank_database.read() as connection:
            salts.add(connection.execute(select(installation.c.holdout_salt)).scalar_one())
        migrating.downgrade(blank_database, "base")
    assert len(salts) == 3
    assert all(len(bytes.fromhex(salt)) == 32 for salt in salts)


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for step in (migrating.upgrade, migrating.is_behind):
        with pytest.raises(migrating.UnknownRevisionError, match=r"'9999'.*newer"):
            step(database)


def test_a_migration_that_fails_leaves_nothing_behind(
    blank_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of disk")

    monkeypatch.setattr(Operations, "bulk_insert", fail)
    with pytest.raises(RuntimeError, match="out of disk"):
        migrating.upgrade(blank_database)
    assert tables(blank_database) == set()


def upgrade_until(url: str, n_tables: int) -> None:
    setattr(Operations, "create_table", die_after(Operations.create_table, n_tables))  # noqa: B010
    migrating.upgrade(Database(url))


@pytest.mark.parametrize("n_tables", [1, 6])
def test_a_migration_that_is_killed_leaves_nothing_behind(
    blank_database: Database, n_tables: int
) -> None:
    url = blank_database.url.render_as_string(hide_password=False)
    run_until_killed(upgrade_until, url, n_tables)
    assert tables(blank_database) == set()
    migrating.upgrade(blank_database)
    fill(blank_database)


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(database: Database) -> None:
    fill(database)
    with database.unit_of_work(alters_schema=True) as connection:
        operations = Operations(MigrationContext.configure(connection))
        # On SQLite this copies the table and drops the old one.
        recreate: Literal["always", "never"] = "always" if database.is_sqlite else "never"
        with operations.batch_alter_table("users", recreate=recreate) as batch:
            batch.alter_column("imported_from", new_column_name="origin")
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM ratings")).scalar_one() == 1
        assert connection.execute(text("SELECT origin FROM users")).all() == [(None,)]


@pytest.fixture
def by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Configure Alembic as its own command does, for a copy of the migrations."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


def test_alembic_works_by_hand_on_the_database_of_the_settings(
    by_hand: Config, tmp_path: Path
) -> None:
    command.upgrade(by_hand, "head")
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    assert not migrating.is_behind(database)
    database.dispose()


def test_alembic_writes_the_next_migration_in_our_form(by_hand: Config) -> None:
    command.upgrade(by_hand, "head")
    script = command.revision(by_hand, "A column more", autogenerate=True)
    assert isinstance(script, Script)
    text = Path(script.path).read_text()
    assert text.startswith('"""A column more."""\n')
    assert text.count("    pass\n") == 2  # nothing to do, in either direction
    command.upgrade(by_hand, "head")
    command.downgrade(by_hand, "0001")


def test_migrations_are_not_written_out_as_sql(by_hand: Config) -> None:
    with pytest.raises(CommandError, match="--sql is not possible"):
        command.upgrade(by_hand, "head", sql=True)


def test_the_migrations_need_neither_a_configuration_file_nor_a_folder(tmp_path: Path) -> None:
    code = (
        "from app.db import schema as migrating; from app.db.engine import Database;"
        "database = Database('sqlite:///x.db'); migrating.upgrade(database);"
        "assert not migrating.is_behind(database)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]
