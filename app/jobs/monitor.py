"""What each worker of the service does about trainings: their metric, and outdated checkpoints."""

from pathlib import Path

from app.core import metrics
from app.core.polling import Poller
from app.db.engine import Database
from app.jobs.checkpoints import remove_outdated
from app.jobs.schemas import RunState
from app.jobs.service import list_runs

# Trainings take minutes; the documents promise that an outdated checkpoint is gone within a minute.
INTERVAL_S = 20.0
# More failures in a row are shown as so many.
MAX_RUNS = 50


class TrainingMonitor:
    """Polls the training runs, and the folder of checkpoints."""

    def __init__(self, database: Database, models_dir: Path) -> None:
        self._database = database
        self._models_dir = models_dir
        self._poller = Poller("training-monitor", self.poll, INTERVAL_S, "cannot watch trainings")

    def start(self) -> None:
        """Poll now, and from now on."""
        self._poller.start()

    def stop(self) -> None:
        """Stop polling."""
        self._poller.stop()

    def poll(self) -> None:
        """Record how many runs have failed, and remove checkpoints that hold erased users."""
        ended = [run.state for run in list_runs(self._database, MAX_RUNS) if run.state.is_final]
        succeeded = (RunState.PUBLISHED, RunState.REFUSED)
        n = next((i for i, state in enumerate(ended) if state in succeeded), len(ended))
        metrics.training_failures.set(ended[:n].count(RunState.FAILED))
        remove_outdated(self._database, self._models_dir)
