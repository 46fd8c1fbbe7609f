"""A retraining killed at any moment, or cut off from its database, leaves a whole model served."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.config import Settings
from app.db.engine import Database
from app.db.model_versions import active_version
from app.db.tables import model_versions
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import list_runs
from app.training.pipeline import train
from model import artifact
from tests.app.trainings import ENOUGH, people, settings_for, store
from tests.killing import kill_after, moments, start


def train_with(settings: Settings) -> None:
    options = TrainingOptions(hyper_parameters=ENOUGH, publish_anyway=True)
    train(Database(settings.database_url), settings, options, "a test")


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    store(database, people())
    url = database.url.render_as_string(hide_password=False)
    return settings_for(
        tmp_path / "models", database_url=url, training_lease_seconds=2, keep_models=3
    )


def check_models(database: Database, settings: Settings, before: str | None) -> str | None:
    """Every model that is recorded is whole, and one is served once one was; return which."""
    with database.read() as connection:
        active = active_version(connection).version
        recorded = {
            row.version: row.sha256
            for row in connection.execute(select(model_versions.c.version, model_versions.c.sha256))
        }
    for version, sha256 in recorded.items():
        artifact.load(settings.models_dir / version, sha256=sha256)
    assert active is None or active in recorded
    assert before is None or active is not None
    return active


def check_nothing_is_left(database: Database, settings: Settings) -> None:
    """After a run that came to its end there are files of recorded models, and no others."""
    with database.read() as connection:
        recorded = set(connection.execute(select(model_versions.c.version)).scalars())
    found = {path.name for path in settings.models_dir.iterdir() if path.name[0] != "."}
    assert found == recorded
    assert not list(settings.models_dir.glob(".unfinished-*"))
    assert all(run.state.is_final for run in list_runs(database, 100))


def wait_until_free(database: Database) -> None:
    """Wait for the lease of a dead process to end."""
    while any(not run.state.is_final for run in list_runs(database, 1)):
        time.sleep(0.02)


def complete(database: Database, settings: Settings) -> float:
    """Train to the end; how long that takes."""
    process = start(train_with, settings)
    begun = time.monotonic()
    process.join()
    assert process.exitcode == 0
    seconds = time.monotonic() - begun
    assert list_runs(database, 1)[0].state is RunState.PUBLISHED
    check_models(database, settings, before=None)
    check_nothing_is_left(database, settings)
    return seconds


def check_kills(database: Database, settings: Settings, n_kills: int, complete_every: int) -> None:
    complete(database, settings)  # the first one takes longer: nothing is in memory
    seconds = complete(database, settings)
    active = check_models(database, settings, before=None)
    n_killed = 0
    for number, after in enumerate(moments(n_kills, seconds), start=1):
        n_killed += kill_after(after, train_with, settings)
        active = check_models(database, settings, before=active)
        wait_until_free(database)
        active = check_models(database, settings, before=active)
        if number % complete_every == 0:
            complete(database, settings)
    assert n_killed > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_training_killed_at_fifty_moments_leaves_a_whole_model_served(
    database: Database, settings: Settings
) -> None:
    check_kills(database, settings, n_kills=50, complete_every=5)


CUT = text(
    "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


def cut(database: Database) -> int:
    """Cut others off from a database; return how many connections they had."""
    with database.read() as connection:
        return connection.execute(CUT).scalar_one()


def check_cuts(database: Database, settings: Settings, n_cuts: int) -> None:
    """Cut a training off from its database; it ends by itself, and the next one completes.

    It may survive: what is not there is tried again, and most of the time it needs no connection.
    """
    complete(database, settings)
    complete(database, settings)
    before = list_runs(database, 1)[0]
    assert before.finished_at is not None
    seconds = (before.finished_at - before.requested_at).total_seconds()
    active = check_models(database, settings, before=None)
    n_cut = 0
    for after in moments(n_cuts, seconds):
        process = start(train_with, settings)
        while list_runs(database, 1)[0].id == before.id:
            assert process.is_alive()
            time.sleep(0.01)
        time.sleep(after)
        n_cut += cut(database) > 0
        process.join()
        wait_until_free(database)
        active = check_models(database, settings, before=active)
        run = list_runs(database, 1)[0]
        if process.exitcode == 0:
            assert (run.state, run.version) == (RunState.PUBLISHED, active)
        else:
            assert run.state is RunState.FAILED
        complete(database, settings)
        before = list_runs(database, 1)[0]
    assert n_cut > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_training_cut_off_from_its_database_twenty_times_leaves_a_whole_model_served(
    database: Database, settings: Settings
) -> None:
    check_cuts(database, settings, n_cuts=20)
