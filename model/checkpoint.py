"""A training run on disk, which resumes to the same weights, bit for bit.

    <folder>/<run>-<updates>/    one whole checkpoint; it appears by a rename
        W.npy a.npy b.npy          parameters
        velocity_W.npy ...         last update, for the momentum
        kept_W.npy ...             sum over the epochs that are averaged
        state.json                 position, curve, identity of the run, checksums

The random numbers of training are functions of the seed and of their place (`model.philox`), so
the position *is* the state of the generator. No pickle.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from data.durable import new_file, sync_folder
from model.config import Config

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.rbm import RBM

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "digest",
    "identity",
    "kept",
    "notes",
    "read",
    "remove",
    "write",
]

FORMAT = 1
STATE = "state.json"
TEMPORARY = ".unfinished-"
# Locked while files are written or removed; the system releases it when the process ends.
LOCK = ".lock"


class CheckpointError(ValueError):
    """There is no checkpoint to resume from, or it is damaged or of another run."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that the rest of a run depends on.

    Parameters
    ----------
    identity : mapping
        Of the run; see `identity`.
    position : mapping of str to int
        Epochs and batches done, and the counts that go with them.
    curve : list
        One mapping per epoch done.
    arrays : mapping of str to float32 array
    note : mapping
        What its owner wants to know of it later, see `notes`; has no effect on the training.
    """

    identity: Mapping[str, Any]
    position: Mapping[str, int]
    curve: list[dict[str, Any]]
    arrays: Mapping[str, NDArray[np.float32]]
    note: Mapping[str, Any] = field(default_factory=dict)


def identity(
    interactions: Interactions, config: Config, seed: int, start: RBM | None
) -> dict[str, Any]:
    """Everything that determines the weights: ratings, hyper-parameters, seed and warm start.

    User keys and the number of threads are not included: neither changes a bit.
    """
    data = (
        interactions.indptr, interactions.movie_ids, interactions.movie_rows, interactions.liked
    )  # fmt: skip
    return {
        "ratings": digest(*data),
        "seed": seed,
        "start": None if start is None else digest(start.W, start.a, start.b, start.movie_ids),
        "configuration": config.model_dump(),
    }


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; earlier ones are removed once it is durable.

    Parameters
    ----------
    folder : Path
        Created if missing. Holds the checkpoints of one run at a time: the last run to write
        removes those of others.
    checkpoint : Checkpoint

    Returns
    -------
    Path
        The folder of this checkpoint.
    """
    name = f"{_run_name(checkpoint.identity)}-{checkpoint.position['n_updates']:012d}"
    whole, temporary = folder / name, folder / f"{TEMPORARY}{name}"
    with _locked(folder):
        _remove_all(folder, keep=whole.name, only=TEMPORARY)
        if not whole.exists():
            _write_files(temporary, checkpoint)
            temporary.rename(whole)
            sync_folder(folder)
        _remove_all(folder, keep=whole.name)
    return whole


def read(folder: Path, expected: Mapping[str, Any]) -> Checkpoint:
    """Read the newest checkpoint of a run.

    Parameters
    ----------
    folder : Path
    expected : mapping
        `identity` of the run to resume.

    Raises
    ------
    CheckpointError
        There is none; or it belongs to other data, hyper-parameters or another seed, which the
        message names; or a file of it is missing or damaged.
    """
    found = sorted(path for path in folder.glob("*-*") if not path.name.startswith("."))
    if not found:
        raise CheckpointError(f"there is no checkpoint in {folder}")
    own = [path for path in found if path.name.startswith(_run_name(expected))]
    path = own[-1] if own else found[-1]
    state = _read_state(path)
    _refuse_another_run(path, state["identity"], expected)
    arrays = {name: _read_array(path, name, sha256) for name, sha256 in state["files"].items()}
    return Checkpoint(
        state["identity"], state["position"], state["curve"], arrays, state.get("note", {})
    )


def kept(folder: Path) -> set[str]:
    """Names of the checkpoints in a folder, of any run, unfinished ones included."""
    return {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()


def notes(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the notes of the whole checkpoints in a folder, of any run, by their names."""
    found = {}
    for name in sorted(kept(folder)):
        with suppress(CheckpointError):  # unfinished, damaged, or removed since
            found[name] = _read_state(folder / name).get("note", {})
    return found


def remove(folder: Path, names: Collection[str] | None = None) -> None:
    """Remove all checkpoints, of any run, or those of these names."""
    if folder.is_dir():
        with _locked(folder):
            for name in kept(folder) if names is None else kept(folder) & set(names):
                shutil.rmtree(folder / name)


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    folder.mkdir()
    for name, array in checkpoint.arrays.items():
        with new_file(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(array, dtype=np.float32), allow_pickle=False)
    state = {
        "format": FORMAT,
        "identity": checkpoint.identity,
        "position": checkpoint.position,
        "curve": checkpoint.curve,
        "note": checkpoint.note,
        "files": {name: digest(array) for name, array in checkpoint.arrays.items()},
    }
    with new_file(folder / STATE) as file:
        file.write(json.dumps(state, indent=2, allow_nan=False).encode())
    sync_folder(folder)


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    try:
        state = json.loads(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not of format {FORMAT}, which this version reads")
    return state


def _read_array(folder: Path, name: str, sha256: str) -> NDArray[np.float32]:
    path = folder / f"{name}.npy"
    try:
        array: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if digest(array) != sha256:
        raise CheckpointError(f"{path} is damaged: its checksum is another")
    return array


def _refuse_another_run(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Name the first thing in which two runs differ.

    A hyper-parameter that only one version knows is equal where it has its default, which by
    convention gives the weights of before.
    """
    for key, what in (("ratings", "other ratings"), ("start", "another machine to start from")):
        if found[key] != expected[key]:
            raise CheckpointError(f"the checkpoint {path} is of a run on {what}")
    settings = {**_defaults(), **found["configuration"], "seed": found["seed"]}
    wanted = {**_defaults(), **expected["configuration"], "seed": expected["seed"]}
    for name, value in settings.items():
        if name not in wanted:
            raise CheckpointError(f"the checkpoint {path} is of a version that knows {name}")
        if value != wanted[name]:
            raise CheckpointError(
                f"the checkpoint {path} is of a run with {name} {value}, not {wanted[name]}"
            )


def _defaults() -> dict[str, Any]:
    return {name: each.default for name, each in Config.model_fields.items()}


def _remove_all(folder: Path, *, keep: str = "", only: str = "") -> None:
    for path in folder.iterdir():
        if path.is_dir() and path.name != keep and path.name.startswith(only):
            shutil.rmtree(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run_name(of: Mapping[str, Any]) -> str:
    text = json.dumps(of, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest(*arrays: NDArray[Any]) -> str:
    """SHA-256 of types, shapes and bytes."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
