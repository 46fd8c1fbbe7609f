"""A retraining killed at any moment, or cut off from its database, leaves a whole model served."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.config import Settings
from app.db.engine import Database
from app.db.model_versions import active_version
from app.db.tables import model_versions
from app.jobs.runs import list_runs
from app.jobs.schemas import RunState
from model import artifact
from tests.app.running import environment
from tests.app.trainings import people, settings_for, store

ROOT = Path(__file__).parents[2]
# For each line that it reads it retrains in a process of its own. Forked, since loading all that a
# training needs takes longer than the training; the parent computes nothing, so that a child finds
# no threads of numba.
TRAINER = """
import os, sys
from app.config import Settings
from app.db.engine import Database
from app.jobs.schemas import TrainingOptions
from app.training.pipeline import train
from tests.app.trainings import ENOUGH

settings = Settings()
options = TrainingOptions(hyper_parameters=ENOUGH, publish_anyway=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        print(os.getpid(), flush=True)
        try:
            train(Database(settings.database_url), settings, options, "a test")
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Trainer:
    """A process that trains when it is told to, in processes that can be killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def begin(self) -> int:
        assert self.process.stdin is not None
        print("train", file=self.process.stdin, flush=True)
        return int(self._read_line())

    def end(self) -> int:
        return int(self._read_line())

    def _read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def trainer(settings: Settings) -> Iterator[Trainer]:
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINER],
        cwd=ROOT,
        env=environment(
            settings, PYTHONPATH=str(ROOT), RECOMMENDER_TRAINING_LEASE_SECONDS="2",
            RECOMMENDER_KEEP_MODELS="3",
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        yield Trainer(process)
    finally:
        process.communicate()


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    store(database, people())
    url = database.url.render_as_string(hide_password=False)
    return settings_for(tmp_path / "models", database_url=url)


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


def complete(database: Database, settings: Settings, training: Trainer) -> float:
    """Train to the end; how long that takes."""
    begun = time.monotonic()
    training.begin()
    assert training.end() == 0
    seconds = time.monotonic() - begun
    assert list_runs(database, 1)[0].state is RunState.PUBLISHED
    check_models(database, settings, before=None)
    check_nothing_is_left(database, settings)
    return seconds


def check_kills(database: Database, settings: Settings, n_kills: int, complete_every: int) -> None:
    moments = random.Random()  # noqa: S311 - any moments do
    n_killed = 0
    with trainer(settings) as training:
        complete(database, settings, training)  # the first one takes longer: nothing is in memory
        seconds = complete(database, settings, training)
        active = check_models(database, settings, before=None)
        for number in range(n_kills):
            pid = training.begin()
            # Spread over the whole time and a little longer, at random within each part.
            time.sleep((number + moments.random()) / n_kills * 1.1 * seconds)
            with suppress(ProcessLookupError):  # it has come to its end
                os.kill(pid, signal.SIGKILL)
            n_killed += training.end() == -signal.SIGKILL
            active = check_models(database, settings, before=active)
            wait_until_free(database)
            active = check_models(database, settings, before=active)
            if number % complete_every == complete_every - 1:
                complete(database, settings, training)
    assert n_killed > 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_killed_training_leaves_a_whole_model_served(
    database: Database, settings: Settings
) -> None:
    check_kills(database, settings, n_kills=3, complete_every=3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_training_killed_at_fifty_moments_leaves_a_whole_model_served(
    database: Database, settings: Settings
) -> None:
    check_kills(database, settings, n_kills=50, complete_every=5)


CUT = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def check_cuts(database: Database, settings: Settings, n_cuts: int) -> None:
    """Cut a training off from its database; it ends by itself, and the next one completes."""
    moments = random.Random()  # noqa: S311 - any moments do
    n_failed = 0
    with trainer(settings) as training:
        complete(database, settings, training)
        seconds = complete(database, settings, training)
        active = check_models(database, settings, before=None)
        for number in range(n_cuts):
            training.begin()
            time.sleep((number + moments.random()) / n_cuts * seconds)
            database.dispose()
            try:
                with database.read() as connection:
                    connection.execute(CUT)
            except DBAPIError:
                database.dispose()
            n_failed += training.end() != 0
            active = check_models(database, settings, before=active)
            wait_until_free(database)
            complete(database, settings, training)
    assert n_failed > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_training_cut_off_from_its_database_twenty_times_leaves_a_whole_model_served(
    database: Database, settings: Settings
) -> None:
    check_cuts(database, settings, n_cuts=20)
