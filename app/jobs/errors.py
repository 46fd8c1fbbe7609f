"""Errors about training runs."""

from datetime import UTC, datetime
from pathlib import Path
from signal import Signals

from app.core.errors import AppError

MORE_MEMORY = "give the training more memory, or train fewer hidden units"


class TrainingRunNotFoundError(AppError, status=404):
    """There is no such training run."""

    message = "There is no training run {run_id}."
    sample = {"run_id": 12}


class TrainingInProgressError(AppError, status=409):
    """A training is in progress, and there is one at a time."""

    sample = {
        "run_id": 12,
        "holder": "trainer:4711",
        "requested_by": "key 0b1c6f3fd2a4",
        "requested_at": datetime(2026, 11, 20, 10, 15, tzinfo=UTC),
    }

    def __init__(
        self, run_id: int, holder: str | None, requested_by: str, requested_at: datetime
    ) -> None:
        held = f"held by {holder}" if holder else "not begun yet"
        super().__init__(
            f"Training run {run_id}, asked for by {requested_by} at "
            f"{requested_at:%Y-%m-%d %H:%M:%S} UTC and {held}, is in progress.",
            run_id=run_id,
            holder=holder,
        )


class TrainingError(Exception):
    """There is nothing to train on, or the result may not be published."""


class NoRoomError(TrainingError):
    """The disk of the models folder has too little room for a training."""

    exit_code = 2

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        room = f"this training needs {_mebibytes(needed)}, {_mebibytes(free)} are free"
        super().__init__(f"the disk of the models folder {folder} has too little room: {room}")
        self.reason = f"the disk of the models folder has too little room: {room}"


class OutdatedSnapshotError(TrainingError):
    """The ratings that a training has read may not be used any more."""


class TrainingStoppedError(Exception):
    """A signal stopped the training."""

    def __init__(self, signal_number: int, when: str) -> None:
        super().__init__(f"stopped by {Signals(signal_number).name} {when}")
        self.exit_code = 128 + signal_number  # as a shell reports it


class LeaseLostError(Exception):
    """Another process may be training by now: nothing of this run may be published."""

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"training run {run_id} was given up, since this process gave no sign of life in time"
        )


class RunNotQueuedError(Exception):
    """Another process has started the run, or it has ended."""


class ActiveModelChangedError(Exception):
    """Another model was activated since the candidate was compared with the active one."""


def _mebibytes(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.0f} MiB"
