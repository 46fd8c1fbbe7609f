"""One training run in the process that carries it out, with all that keeps it alive."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError

from app.config import Settings
from app.db.engine import Database
from app.jobs import repository
from app.jobs.checkpoints import (
    Checkpoints,
    Resume,
    checkpoint_names,
    remove_checkpoints,
    train_with_checkpoints,
)
from app.jobs.errors import ActiveModelChangedError
from app.jobs.interruption import Interruption
from app.jobs.lease import Lease, hold_lease
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import find_run
from app.registry.removal import discard
from app.store.errors import ModelStoreUnavailableError
from app.store.remote import open_store
from model.training import EpochReport

if TYPE_CHECKING:
    from app.jobs.checkpoints import AnyTrainer

logger = logging.getLogger(__name__)

# Between two attempts to publish while the database is busy or away, and while the store is.
RETRY_S = 1.0
STORE_RETRY_S = 5.0
# A store that is away for longer fails the run, whose checkpoint is kept.
STORE_AWAY_S = 600.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A run held by this process."""

    database: Database
    settings: Settings
    options: TrainingOptions
    checkpoints: Checkpoints
    interruption: Interruption
    lease: Lease

    def fit(self, trainer: AnyTrainer, on_epoch: Callable[[EpochReport], None]) -> float:
        """Train to the end; return the seconds spent before the resumed checkpoint.

        Raises `TrainingStoppedError`, `LeaseLostError`, and what `Trainer` raises.
        """
        seconds_before = train_with_checkpoints(
            trainer,
            self.settings.models_dir,
            self.checkpoints,
            self.interruption,
            on_epoch,
            self.lease.may_write,
        )
        automatic = self.checkpoints.resume is Resume.IF_POSSIBLE
        by = "the next run" if automatic else "`recommender train --resume` with these options"
        if not trainer.finished:
            self.lease.check()
            raise self.interruption.error(
                f"after {len(trainer.curve)} of {trainer.config.n_epochs} epochs; the checkpoint "
                f"is kept: {by} resumes from it"
            )
        self.interruption.when = f"after its training; the checkpoint is kept: {by} publishes it"
        return seconds_before

    def retry_publication(self, attempt: Callable[[], Result]) -> Result:
        """Attempt to publish until it succeeds, and remove the checkpoints.

        Again where another model was activated in the meantime, while the database is busy or away
        as long as the lease lasts, and while the store of the models is away for some minutes.
        """
        names = checkpoint_names(self.settings.models_dir)  # the next run may have its own later
        give_up_at = time.monotonic() + STORE_AWAY_S
        while True:
            try:
                result = attempt()
            except ActiveModelChangedError:
                continue
            except OperationalError as error:
                self._wait_for_database(error)
            except ModelStoreUnavailableError as error:
                if time.monotonic() >= give_up_at:
                    raise
                logger.warning("cannot publish now, trying again: %s", error)
                time.sleep(STORE_RETRY_S)
            else:
                remove_checkpoints(self.settings.models_dir, names)
                self.interruption.when = "after its model was published"
                return result

    def begin_again(self) -> Job:
        """Remove what was trained on ratings that may not be used any more; return a fresh job."""
        self.lease.confirm()
        remove_checkpoints(self.settings.models_dir)
        required = self.checkpoints.resume is Resume.REQUIRED
        resume = Resume.NO if required else self.checkpoints.resume
        return replace(self, checkpoints=replace(self.checkpoints, resume=resume))

    def discard_attempt(self) -> None:
        """Remove the files of an attempt to publish that did not come to its end."""
        with self.database.read() as connection:
            row = repository.find(connection, self.lease.run_id)
        if row is not None and row.version is not None:
            discard(self.database, open_store(self.settings), row.version)

    @contextmanager
    def publication(self) -> Iterator[None]:
        """Publish within the block; an error is none where the publication was committed."""
        try:
            yield
        except DBAPIError:
            # A connection that was lost during the commit does not tell whether there was one.
            if not self._is_finished():
                raise
        except OSError:
            self.lease.confirm()  # a process that has taken the lease removes half-published files
            raise

    def _is_finished(self) -> bool:
        while True:
            try:
                state = find_run(self.database, self.lease.run_id).state
            except OperationalError as error:
                self._wait_for_database(error)
            else:
                return state in {RunState.PUBLISHED, RunState.REFUSED}

    def _wait_for_database(self, error: OperationalError) -> None:
        """Wait a little; raise the error where the lease is not fresh."""
        if not self.lease.is_fresh:
            raise error
        logger.warning("cannot publish now, trying again: %s", error.orig)
        time.sleep(RETRY_S)


@contextmanager
def hold_run(
    database: Database, settings: Settings, run_id: int, checkpoints: Checkpoints | None = None
) -> Iterator[Job]:
    """Hold a queued run within the block; signals interrupt it, an exception ends it.

    Resumes from the checkpoint of a run that was killed, unless `checkpoints` say otherwise.
    """
    with (
        Interruption() as interruption,
        hold_lease(
            database, run_id, settings.training_lease_seconds, interruption.stop_training
        ) as lease,
    ):
        _remove_leftovers(database, settings)
        yield Job(
            database,
            settings,
            find_run(database, run_id).options,
            checkpoints or Checkpoints(resume=Resume.IF_POSSIBLE),
            interruption,
            lease,
        )


def _remove_leftovers(database: Database, settings: Settings) -> None:
    """Remove files of candidates whose runs died before they were recorded as models."""
    with database.read() as connection:
        versions = repository.unregistered_versions(connection)
    for version in versions:
        discard(database, open_store(settings), version)
