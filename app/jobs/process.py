"""Trains in a process of its own."""

import logging
import os
import signal
import subprocess
import sys
from threading import Thread

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core.logging import cause
from app.db.engine import Database
from app.jobs import repository
from app.jobs.errors import MORE_MEMORY
from app.jobs.schemas import Failure, RunState

logger = logging.getLogger(__name__)


def start_process(settings: Settings, run_id: int) -> subprocess.Popen[bytes]:
    """Train in a process that outlives this one, and logs to the same place.

    A thread waits for its end, and records the death of a process that could not do so itself.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program, and a number
        [sys.executable, "-m", "app", "retrain", "--run", str(run_id)],
        env={**os.environ, **settings.as_environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a signal for the service is none for the training
    )
    Thread(target=wait_for, args=(settings, process, run_id), daemon=True).start()
    return process


def wait_for(settings: Settings, process: subprocess.Popen[bytes], run_id: int) -> None:
    """Wait for the end of a training process, and record that of its run if it has not done so."""
    failure, error = _why_dead(process.wait())
    database = Database(settings.database_url)
    try:
        with database.unit_of_work() as connection:
            if repository.end(connection, run_id, RunState.FAILED, error=error):
                repository.add_progress(connection, run_id, failure=failure)
                logger.error("training run %d failed (%s): %s", run_id, failure, error)
    except SQLAlchemyError as problem:
        reason = cause(problem)
        logger.error("cannot record that training run %d has ended: %s", run_id, reason)  # noqa: TRY400
    finally:
        database.dispose()


def _why_dead(code: int) -> tuple[Failure, str]:
    if code >= 0:
        return Failure.LOST, f"the training process ended with {code}; its log may say why"
    name = signal.Signals(-code).name
    why = f"perhaps for lack of memory: {MORE_MEMORY}" if name == "SIGKILL" else "see its log"
    return Failure.KILLED, f"the training process was killed by {name}; {why}"
