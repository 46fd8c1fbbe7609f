"""The state of a training as one vector of float32, in one file per round.

    W  a  b  velocity_W  velocity_a  velocity_b

A file is read and written in blocks, so that neither needs the memory of a second vector.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import fsspec  # type: ignore[import-untyped]
import numpy as np

from data.durable import whole_file
from model.checkpoint import CheckpointError
from model.initialise import INITIAL_WEIGHT_SCALE, base_rates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from data.totals import Totals
    from model.config import Config
    from model.engine import Engine
    from model.rbm import RBM

    Vector = NDArray[np.float32]

__all__ = [
    "File",
    "Layout",
    "check",
    "cut",
    "fetch",
    "first_blocks",
    "read",
    "remove_folder",
    "writer",
]

# Numbers of a block: 64 MiB.
BLOCK = 1 << 24


class File(NamedTuple):
    """A vector on disk: path or address that all workers reach, SHA-256, numbers in it."""

    place: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where W, a and b lie in a vector."""

    n_movies: int
    n_hidden: int

    @property
    def n_parameters(self) -> int:
        """Numbers of W, a and b; the velocities are as many again."""
        return 2 * self.n_movies * (self.n_hidden + 1) + self.n_hidden

    def split(self, vector: Vector) -> tuple[Vector, Vector, Vector]:
        """W (n_movies, 2, n_hidden), a (n_movies, 2) and b (n_hidden,); views."""
        C, J = 2 * self.n_movies, self.n_hidden
        W, a, b = np.split(vector[: self.n_parameters], (C * J, C * J + C))
        return W.reshape(-1, 2, J), a.reshape(-1, 2), b

    def blocks(self) -> list[slice]:
        """Return the parts of a vector in which it is summed and sent, of equal size."""
        return cut(2 * self.n_parameters)

    def put_into(self, engine: Engine, vector: Vector) -> None:
        """Let an engine change a vector in place: parameters and velocities."""
        velocities = self.split(vector[self.n_parameters :])
        engine.velocity_W, engine.velocity_a, engine.velocity_b = (
            velocities[0].reshape(-1, self.n_hidden), velocities[1].reshape(-1), velocities[2],
        )  # fmt: skip

    def vector(self, rbm: RBM) -> Vector:
        """Return the parameters of a machine, with velocities of 0."""
        vector = np.zeros(2 * self.n_parameters, np.float32)
        for own, given in zip(self.split(vector), (rbm.W, rbm.a, rbm.b), strict=True):
            own[...] = given
        return vector


def cut(size: int) -> list[slice]:
    """Cut numbers into blocks of nearly equal size."""
    edges = np.linspace(0, size, -(-size // BLOCK) + 1).astype(int).tolist()
    return [slice(*pair) for pair in pairwise(edges)]


@contextmanager
def writer(place: str) -> Iterator[Writer]:
    """Write a vector; the file appears whole, at the end of the block."""
    with _whole(place) as file:
        yield Writer(place, file)


class Writer:
    """Appends blocks to a file."""

    def __init__(self, place: str, file: IO[bytes]) -> None:
        self._place, self._file = place, file
        self._digest, self._size = hashlib.sha256(), 0

    def add(self, block: Vector) -> None:
        """Append a block."""
        content = np.ascontiguousarray(block).data.cast("B")
        self._file.write(content)
        self._digest.update(content)
        self._size += len(block)

    def done(self) -> File:
        """Return what was written."""
        return File(self._place, self._digest.hexdigest(), self._size)


def read(file: File, part: slice | None = None) -> Vector:
    """Read a vector, or a part of it, whose checksum is then not looked at.

    Raises
    ------
    CheckpointError
        The file is not there, or is damaged.
    """
    begin, end, _ = (part or slice(0, file.size)).indices(file.size)
    vector = np.empty(end - begin, np.float32)
    try:
        with fsspec.open(file.place, "rb") as opened:
            opened.seek(4 * begin)
            _fill(vector, opened)
    except (OSError, EOFError) as error:
        raise CheckpointError(f"{file.place} cannot be read: {error}") from error
    if part is None and hashlib.sha256(vector.data).hexdigest() != file.sha256:
        raise CheckpointError(f"{file.place} is damaged: its checksum is another")
    return vector


_fetching = Lock()
_fetched: dict[File, Any] = {}


def fetch(file: File) -> Vector:
    """Read a vector once in this process, and keep it until another is fetched; not to be changed.

    Raises
    ------
    CheckpointError
        As `read`.
    """
    with _fetching:
        if file not in _fetched:
            _fetched.clear()
            _fetched[file] = read(file)
            _fetched[file].flags.writeable = False
        vector: Vector = _fetched[file]
        return vector


def check(file: File) -> None:
    """Refuse a file that is not there or is damaged, by `CheckpointError`."""
    found = hashlib.sha256()
    for part in cut(file.size):
        found.update(read(file, part).data)
    if found.hexdigest() != file.sha256:
        raise CheckpointError(f"{file.place} is damaged: its checksum is another")


def remove_folder(folder: str) -> None:
    """Remove a folder that may be there."""
    filesystem, path = fsspec.core.url_to_fs(folder)
    if filesystem.exists(path):
        filesystem.rm(path, recursive=True)


@contextmanager
def _whole(place: str) -> Iterator[IO[bytes]]:
    """Open a file to write that appears whole: on a disk by a rename, in a store by its nature."""
    filesystem, path = fsspec.core.url_to_fs(place)
    if "file" in filesystem.protocol:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with whole_file(Path(path)) as file:
            yield file
    else:
        with filesystem.open(path, "wb") as file:
            yield file


def _fill(vector: Vector, file: IO[bytes]) -> None:
    rest = vector.data.cast("B")
    while len(rest):
        found = file.readinto(rest)  # type: ignore[attr-defined]
        if not found:
            raise EOFError("it ends too early")
        rest = rest[found:]


def first_blocks(totals: Totals, config: Config, seed: int) -> Iterator[Vector]:
    """Yield the vector that `model.initialise.initialise` draws, in blocks."""
    layout = Layout(totals.n_movies, config.n_hidden)
    rng = np.random.default_rng(seed)
    per_movie = 2 * config.n_hidden
    for begin in range(0, totals.n_movies, max(BLOCK // per_movie, 1)):
        n = min(max(BLOCK // per_movie, 1), totals.n_movies - begin)
        drawn = rng.standard_normal(n * per_movie, dtype=np.float32)
        yield drawn * np.float32(INITIAL_WEIGHT_SCALE)
    yield base_rates(totals).reshape(-1)
    for part in [config.n_hidden, *(each.stop - each.start for each in cut(layout.n_parameters))]:
        yield np.zeros(part, np.float32)
