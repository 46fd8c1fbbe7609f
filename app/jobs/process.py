"""Trains in a process of its own."""

import logging
import os
import signal
import subprocess
import sys
from threading import Thread

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.db.engine import Database
from app.jobs import repository
from app.jobs.schemas import RunState

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
    Thread(target=_record_death, args=(settings, process, run_id), daemon=True).start()
    return process


def _record_death(settings: Settings, process: subprocess.Popen[bytes], run_id: int) -> None:
    code = process.wait()
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    database = Database(settings.database_url)
    try:
        with database.unit_of_work() as connection:
            error = f"the training process {how}; its log may say why"
            repository.end(connection, run_id, RunState.FAILED, error=error)
    except SQLAlchemyError:
        logger.exception("cannot record that the process of training run %d has ended", run_id)
    finally:
        database.dispose()
