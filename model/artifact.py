"""A trained machine as a folder of plain files.

    W.npy          float32 (n_movies, 2, n_hidden)
    a.npy          float32 (n_movies, 2)
    b.npy          float32 (n_hidden,)
    movie_ids.npy  int64   (n_movies,)
    prior.*.npy, couplings.*.npy   the arrays of `model.prior` and `model.couplings`, where the
                                   machine has them: then the format is 2, otherwise 1
    coarse.*.npy   rounded weights (`model.coarse`), made where a machine with a prior is large;
                   who does not know them reads the rest
    card.json      description of the machine, its training data and its quality, with the
                   SHA-256 of every other file
    report.html    the same as a page, where one was written

No pickle. The arrays are memory-mapped, so that the workers of one host share a single copy.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from data.documents import parse
from data.durable import new_file, sync_folder
from model.card import Machine, read_machine
from model.coarse import MIN_WEIGHTS, Coarse, coarse
from model.couplings import Couplings
from model.prior import Prior
from model.rbm import RBM
from model.sanity import insane_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "CARD",
    "FORMAT",
    "REPORT",
    "Artifact",
    "ArtifactError",
    "load",
    "load_whole",
    "save",
    "save_alone",
]

# Format 2 adds a prior and couplings to format 1, which is still written for a machine without.
FORMAT, PLAIN_FORMAT = 2, 1
CARD = "card.json"
REPORT = "report.html"
DTYPES: dict[str, type[np.number]] = {
    "W": np.float32,
    "a": np.float32,
    "b": np.float32,
    "movie_ids": np.int64,
}
# Optional parts of the machine: name of each array, with its type.
PARTS: dict[str, dict[str, type[np.number]]] = {
    "prior": dict.fromkeys(
        ("mean", "up", "down", "strength", "rates", "correction", "popularity", "like_share"),
        np.float32,
    ),
    "couplings": {"indptr": np.int64, "indices": np.int32, "values": np.float32},
    "coarse": {"levels": np.int8, "step": np.float32, "error": np.float32},
}
# Their values that are no arrays; these are in the card.
NUMBERS: dict[str, tuple[str, ...]] = {
    "prior": ("length",),
    "couplings": ("strength", "l2"),
    "coarse": (),
}


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
        Must not exist; use a temporary name and rename it after success.
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
    if rbm.prior is not None and rbm.W.size >= MIN_WEIGHTS:
        rbm = replace(rbm, coarse=coarse(rbm.W))
    dtypes = _dtypes(rbm)
    arrays = {name: attrgetter(name)(rbm) for name in dtypes}
    _refuse_non_finite(arrays)
    folder.mkdir(parents=True)
    for name, array in arrays.items():
        with new_file(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(array, dtype=dtypes[name]), allow_pickle=False)
    for name, text in (documents or {}).items():
        with new_file(folder / name) as file:
            file.write(text.encode())
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    written = FORMAT if _parts(rbm) else PLAIN_FORMAT
    whole = {"format": written, **card, "machine": _machine(rbm), "files": files}
    content = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False).encode()
    with new_file(folder / CARD) as file:
        file.write(content)
    sync_folder(folder)
    return hashlib.sha256(content).hexdigest()


def save_alone(folder: Path, rbm: RBM) -> None:
    """Write a machine without a card of its own; the folder appears whole or not at all.

    Raises
    ------
    FileExistsError
        There is a file or folder of this name.
    ValueError
        A parameter is not finite.
    """
    if folder.exists() or folder.is_symlink():
        raise FileExistsError(f"{folder} is there already: choose another name, or remove it")
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.unfinished")
    try:
        save(unfinished, rbm, {})
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    sync_folder(folder.parent)


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
        A file is missing, damaged, of another format, or does not fit the others; or the machine
        cannot be served (`model.sanity`).
    """
    card, machine = _read_card(folder / CARD, sha256)
    n_movies, n_hidden = machine.n_movies, machine.n_hidden
    shapes = {
        "W": (n_movies, 2, n_hidden),
        "a": (n_movies, 2),
        "b": (n_hidden,),
        "movie_ids": (n_movies,),
    }
    arrays = {
        name: _read_array(folder, name, DTYPES[name], shape, card["files"])
        for name, shape in shapes.items()
    }
    rbm = RBM(
        **arrays,
        mean_ratings=machine.mean_ratings,
        classic=machine.classic,
        calibration=machine.calibrated(),
        prior=_read_prior(folder, card["files"], machine),
        couplings=_read_couplings(folder, card["files"], machine),
        coarse=_read_coarse(folder, card["files"], machine),
    )
    problems = insane_parameters(rbm)
    if problems:
        raise ArtifactError(f"{folder / CARD} cannot be served: its parameter {problems[0]}")
    return Artifact(rbm, card)


def load_whole(folder: Path, *, sha256: str | None = None) -> Artifact:
    """Read a machine as `load` does, and every other file of its folder against its checksum.

    Raises
    ------
    ArtifactError
        As for `load`; also where the report is damaged or missing, or rounded weights are not those
        of the machine.
    """
    whole = load(folder, sha256=sha256)
    if whole.rbm.coarse is not None and not whole.rbm.coarse.covers(whole.rbm.W):
        raise ArtifactError(f"{folder / CARD} cannot be served: its weights are rounded wrongly")
    for name in whole.card["files"].keys() - {f"{array}.npy" for array in _dtypes(whole.rbm)}:
        _refuse_damaged(folder / name, whole.card["files"])
    return whole


def _machine(rbm: RBM) -> dict[str, Any]:
    """Return the values that a machine needs besides the arrays."""
    calibration = rbm.calibration._asdict()
    if rbm.prior is None:
        for name in ("length", "like_slope", "like_shift"):
            calibration.pop(name)  # without effect, and unknown to readers of format 1
    values: dict[str, Any] = {
        "n_movies": rbm.n_movies,
        "n_hidden": rbm.n_hidden,
        "mean_ratings": rbm.mean_ratings,
        "classic": rbm.classic,
        "calibration": calibration,
    }
    for part in _parts(rbm):
        numbers = {name: float(getattr(getattr(rbm, part), name)) for name in NUMBERS[part]}
        values[part] = {**numbers, "size": _size(rbm, part)}
    return values


def _parts(rbm: RBM) -> list[str]:
    """Name the optional parts that the machine has."""
    return [part for part in PARTS if getattr(rbm, part) is not None]


def _size(rbm: RBM, part: str) -> int:
    """Directions of the prior, or number of couplings: what other shapes do not say."""
    if part == "prior" and rbm.prior is not None:
        return len(rbm.prior.strength)
    if part == "couplings" and rbm.couplings is not None:
        return len(rbm.couplings.values)
    return 0


def _dtypes(rbm: RBM) -> dict[str, type[np.number]]:
    """Return the type of every array of the machine, by the name of its file."""
    parts = {f"{part}.{name}": t for part in _parts(rbm) for name, t in PARTS[part].items()}
    return {**DTYPES, **parts}


def _read_prior(folder: Path, files: Mapping[str, str], machine: Machine) -> Prior | None:
    stored = machine.prior
    if stored is None:
        return None
    n_movies, n_hidden, size = machine.n_movies, machine.n_hidden, stored.size
    shapes = {
        "mean": (n_hidden,),
        "up": (n_hidden, size),
        "down": (n_hidden, size),
        "strength": (size,),
        "rates": (n_movies, 2),
        "correction": (n_movies, 2),
        "popularity": (n_movies,),
        "like_share": (n_movies,),
    }
    return Prior(**_read_part(folder, files, "prior", shapes), length=stored.length)


def _read_couplings(folder: Path, files: Mapping[str, str], machine: Machine) -> Couplings | None:
    stored = machine.couplings
    if stored is None:
        return None
    shapes = {
        "indptr": (machine.n_movies + 1,), "indices": (stored.size,), "values": (stored.size,),
    }  # fmt: skip
    arrays = _read_part(folder, files, "couplings", shapes)
    return Couplings(**arrays, strength=stored.strength, l2=stored.l2)


def _read_coarse(folder: Path, files: Mapping[str, str], machine: Machine) -> Coarse | None:
    if machine.coarse is None:
        return None
    n_movies = machine.n_movies
    shapes: dict[str, tuple[int, ...]] = {
        "levels": (n_movies, machine.n_hidden), "step": (n_movies,), "error": (n_movies,),
    }  # fmt: skip
    return Coarse(**_read_part(folder, files, "coarse", shapes))


def _read_part(
    folder: Path, files: Mapping[str, str], part: str, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[Any]]:
    return {
        name: _read_array(folder, f"{part}.{name}", PARTS[part][name], shape, files)
        for name, shape in shapes.items()
    }


def _read_card(path: Path, sha256: str | None) -> tuple[dict[str, Any], Machine]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactError(f"{path} is not the card that was published: its checksum differs")
    try:
        card = parse(content)
    except ValueError as error:
        raise ArtifactError(f"{path} is no card of a model: {error}") from error
    found = card.get("format")
    if found not in (PLAIN_FORMAT, FORMAT):
        raise ArtifactError(f"{path} has format {found!r:.60}, this version reads 1 and {FORMAT}")
    missing = {"machine", "files"} - card.keys()
    if missing:
        raise ArtifactError(f"{path} lacks {', '.join(sorted(missing))}")
    if not isinstance(card["files"], dict):
        raise ArtifactError(f"{path} has no list of files")
    try:
        return card, read_machine(card["machine"])
    except ValueError as error:
        raise ArtifactError(f"{path} describes no machine: {error}") from error


def _read_array(
    folder: Path,
    name: str,
    dtype: type[np.number],
    shape: tuple[int, ...],
    files: Mapping[str, str],
) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    _refuse_damaged(path, files)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # a header is parsed as Python, and raises nearly anything
        raise ArtifactError(f"{path} is no array: {type(error).__name__}") from error
    if array.dtype != dtype:
        raise ArtifactError(f"{path} holds {array.dtype}, not {np.dtype(dtype)}")
    if array.shape != shape:
        raise ArtifactError(f"{path} has shape {array.shape}, the card says {shape}")
    if not array.flags.c_contiguous:
        raise ArtifactError(f"{path} is in column order")
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
        # Both are nan where any value is; `isfinite` of all would take a byte for each.
        if not np.isfinite([array.min(initial=0), array.max(initial=0)]).all():
            raise ValueError(f"{name} holds a value that is not finite")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
