"""A trained machine as a folder of plain files.

    W.npy          float32 (n_movies, 2, n_hidden)
    a.npy          float32 (n_movies, 2)
    b.npy          float32 (n_hidden,)
    movie_ids.npy  int64   (n_movies,)
    card.json      what the machine is, what it was trained on and how well it does, with the
                   SHA-256 of every other file
    report.html    the same for people, where one was written

No pickle. The arrays are memory-mapped, so that the workers of one host share a single copy.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from model.rbm import RBM, Calibration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "CARD",
    "FORMAT",
    "REPORT",
    "Artifact",
    "ArtifactError",
    "durable",
    "load",
    "load_whole",
    "save",
    "sync_folder",
]

FORMAT = 1
CARD = "card.json"
REPORT = "report.html"
DTYPES = {"W": np.float32, "a": np.float32, "b": np.float32, "movie_ids": np.int64}


class ArtifactError(ValueError):
    """The folder does not hold a whole, undamaged machine; the message names the file."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A machine and its card."""

    rbm: RBM
    card: dict[str, Any]


def save(
    folder: Path, rbm: RBM, card: Mapping[str, Any], documents: Mapping[str, str] | None = None
) -> str:
    """Write the machine into a new folder; every file has reached the disk on return.

    Parameters
    ----------
    folder : Path
        Must not exist; make it under a temporary name and rename it when all is well.
    rbm : RBM
    card : mapping
        JSON values; what loading needs (``format``, ``machine``, ``files``) is added here.
    documents : mapping of str to str, optional
        Further files by name, as text.

    Returns
    -------
    str
        SHA-256 of ``card.json`` in hexadecimal; as the card holds those of the other files, it
        vouches for the whole folder.

    Raises
    ------
    ValueError
        A parameter is not finite.
    """
    arrays: dict[str, NDArray[Any]] = {
        "W": rbm.W,
        "a": rbm.a,
        "b": rbm.b,
        "movie_ids": rbm.movie_ids,
    }
    _refuse_non_finite(arrays)
    folder.mkdir(parents=True)
    for name, array in arrays.items():
        with durable(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(array, dtype=DTYPES[name]), allow_pickle=False)
    for name, text in (documents or {}).items():
        with durable(folder / name) as file:
            file.write(text.encode())
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    whole = {"format": FORMAT, **card, "machine": _machine(rbm), "files": files}
    content = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False).encode()
    with durable(folder / CARD) as file:
        file.write(content)
    sync_folder(folder)
    return hashlib.sha256(content).hexdigest()


def load(folder: Path, *, sha256: str | None = None) -> Artifact:
    """Read a machine, its arrays memory-mapped and read-only.

    Parameters
    ----------
    folder : Path
    sha256 : str, optional
        What `save` returned; given, a card that was changed since is refused as well.

    Returns
    -------
    Artifact

    Raises
    ------
    ArtifactError
        A file is missing, damaged, of another format, or does not fit the others.
    """
    card = _read_card(folder / CARD, sha256)
    arrays = {name: _read_array(folder, name, card["files"]) for name in DTYPES}
    machine = card["machine"]
    shapes = {
        "W": (machine["n_movies"], 2, machine["n_hidden"]),
        "a": (machine["n_movies"], 2),
        "b": (machine["n_hidden"],),
        "movie_ids": (machine["n_movies"],),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ArtifactError(
                f"{folder / name}.npy has shape {arrays[name].shape}, the card says {shape}"
            )
    rbm = RBM(
        **arrays,
        mean_ratings=machine["mean_ratings"],
        classic=machine["classic"],
        calibration=Calibration(**machine["calibration"]),
    )
    return Artifact(rbm, card)


def load_whole(folder: Path, *, sha256: str | None = None) -> Artifact:
    """Read a machine as `load` does, and every other file of its folder against its checksum.

    Raises
    ------
    ArtifactError
        As for `load`; also where the report for people is damaged or missing.
    """
    whole = load(folder, sha256=sha256)
    for name in whole.card["files"].keys() - {f"{array}.npy" for array in DTYPES}:
        _refuse_damaged(folder / name, whole.card["files"])
    return whole


def sync_folder(folder: Path) -> None:
    """Make the names in a folder reach the disk; a rename is safe only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _machine(rbm: RBM) -> dict[str, Any]:
    """Say what makes a machine of the arrays."""
    return {
        "n_movies": rbm.n_movies,
        "n_hidden": rbm.n_hidden,
        "mean_ratings": rbm.mean_ratings,
        "classic": rbm.classic,
        "calibration": rbm.calibration._asdict(),
    }


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """Open a new file whose content has reached the disk when it is closed."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _read_card(path: Path, sha256: str | None) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactError(f"{path} is not the card that was published: its checksum differs")
    try:
        card = json.loads(content)
    except ValueError as error:
        raise ArtifactError(f"{path} is not JSON: {error}") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise ArtifactError(f"{path} has format {found!r}, this version reads {FORMAT}")
    missing = {"machine", "files"} - card.keys()
    if missing:
        raise ArtifactError(f"{path} lacks {', '.join(sorted(missing))}")
    return card


def _read_array(folder: Path, name: str, files: Mapping[str, str]) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    _refuse_damaged(path, files)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if array.dtype != DTYPES[name]:
        raise ArtifactError(f"{path} holds {array.dtype}, not {np.dtype(DTYPES[name])}")
    # A plain view of the map: results of memmap's own arithmetic would be memmaps again.
    return np.asarray(array)


def _refuse_damaged(path: Path, files: Mapping[str, str]) -> None:
    try:
        found = _sha256(path)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if found != files.get(path.name):
        raise ArtifactError(f"{path} is damaged: its checksum is not the card's")


def _refuse_non_finite(arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds a value that is not finite")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
