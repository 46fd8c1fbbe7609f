"""Models in a folder: one folder per version, and temporary names for what is incomplete."""

import fcntl
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from app.core.archive import sha256_of
from app.store.errors import VersionTakenError
from data.durable import sync_folder
from model import artifact
from model.rbm import RBM

# Locked while files are written or removed; the system unlocks it when the process ends.
LOCK = ".publishing"
TEMPORARY = ".unfinished-"
REMOVED = ".removed-"


class Copy:
    """The files of a model on this machine, which stay there until it is closed or forgotten."""

    def __init__(self, folder: Path, descriptor: int | None = None) -> None:
        self.folder = folder
        self._release = None if descriptor is None else weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        """Let the files be removed; who has mapped them keeps them."""
        if self._release is not None:
            self._release()


class ModelStore:
    """The models of an installation, by version: written whole, read, removed."""

    # Whether a model may have to be copied from elsewhere before it can be read.
    is_remote = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, version: str) -> str:
        """Name the place of a model for people."""
        return str(self.folder / version)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of this machine from writing or removing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def hold(self, version: str, sha256: str) -> Copy:  # noqa: ARG002 (who reads it checks it)
        """Return the files of a model, for as long as they are read."""
        return Copy(self.folder / version)

    @contextmanager
    def reading(self, version: str, sha256: str) -> Iterator[Path]:
        """Yield the folder of a model for the length of the block."""
        copy = self.hold(version, sha256)
        try:
            yield copy.folder
        finally:
            copy.close()

    def load(self, version: str, sha256: str) -> artifact.Artifact:
        """Read a model; raises `ArtifactError` if it is damaged or missing."""
        with self.reading(version, sha256) as folder:
            return artifact.load(folder, sha256=sha256)

    def read(self, version: str, name: str) -> bytes:
        """Return one file of a model; raises `FileNotFoundError`."""
        return (self.folder / version / name).read_bytes()

    def exists(self, version: str) -> bool:
        """Tell whether there is a file of this version, whole or not."""
        return (self.folder / version).exists()

    def is_whole(self, version: str, checksums: Mapping[str, str]) -> bool:
        """Tell whether the files of a model are there with these checksums."""
        try:
            return all(
                _sha256(self.folder / version / name) == sha256
                for name, sha256 in checksums.items()
            )
        except OSError:
            return False

    def write(
        self, version: str, rbm: RBM, card: Mapping[str, Any], documents: Mapping[str, str]
    ) -> str:
        """Write a new model, whole or not at all; return its checksum.

        Until `settled` says that its row is committed, it counts as unfinished. Raises
        `VersionTakenError` if there is a model of this version.
        """
        with self.locked():
            if (self.folder / version).exists():
                raise VersionTakenError(version)
            self.remove_unfinished()
            temporary = self.beside(version)
            try:
                sha256 = artifact.save(temporary, rbm, card, documents)
                temporary.rename(self.folder / version)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            sync_folder(self.folder)
        return sha256

    def beside(self, version: str) -> Path:
        """Return a temporary folder for a model; the caller has the lock while it is in use."""
        return self.folder / f"{TEMPORARY}{version}"

    def put(self, temporary: Path, version: str) -> None:
        """Move a complete folder to its version, in place of any files that are there."""
        final = self.folder / version
        aside = self.folder / f"{TEMPORARY}damaged-{version}"
        if final.exists():
            final.rename(aside)
        temporary.rename(final)
        sync_folder(self.folder)
        shutil.rmtree(aside, ignore_errors=True)

    def settled(self, version: str) -> None:
        """Take note that the row of a written model is committed."""

    def discard(self, version: str) -> None:
        """Remove the files of a model that has no row."""
        shutil.rmtree(self.folder / version, ignore_errors=True)

    @contextmanager
    def removing(self, version: str) -> Iterator[Callable[[], None]]:
        """Remove a model whose row is deleted within the block; the caller has the lock.

        What the block is given sets the files aside, in the transaction that deletes the row.
        """
        aside = self.folder / f"{REMOVED}{version}"

        def set_aside() -> None:
            with suppress(FileNotFoundError):
                (self.folder / version).rename(aside)

        yield set_aside
        shutil.rmtree(aside, ignore_errors=True)

    @property
    def is_unsettled(self) -> bool:
        """True where a removal is in progress, or was killed."""
        return any(self.folder.glob(f"{REMOVED}*"))

    def settle(self, is_recorded: Callable[[str], bool]) -> None:
        """Finish or undo what killed processes have begun; the caller has the lock."""
        for aside in sorted(self.folder.glob(f"{REMOVED}*")):
            final = self.folder / aside.name.removeprefix(REMOVED)
            if is_recorded(final.name) and not final.exists():
                aside.rename(final)
            else:
                shutil.rmtree(aside, ignore_errors=True)

    def remove_unfinished(self) -> None:
        """Remove what killed processes have left; the caller has the lock."""
        for path in self.folder.glob(f"{TEMPORARY}*"):
            shutil.rmtree(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return sha256_of(file)
