"""Models in a remote store; a copy of each that is used is kept on this machine.

<version>/card.json, <version>/W.npy, …   the files of a model, as in a folder of models
.unfinished/<version>@<moment>            there are files of this version, and its row is not yet
                                          committed, or is being deleted

A version names one content for ever, so nothing that is there changes while it is read.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.config import Settings
from app.core.archive import sha256_of
from app.core.remote import MissingObjectError, RemoteError, RemoteFolder, shown
from app.store.copies import Copies
from app.store.errors import ModelStoreUnavailableError
from app.store.folder import Copy, ModelStore
from data.documents import MAX_DOCUMENT_BYTES, parse
from data.durable import new_file, sync_folder
from model.artifact import CARD, ArtifactError
from model.rbm import RBM

# Of the folder of the models: what was there before there was a store stays as it is.
COPIES = ".copies"
MARKS = ".unfinished"
MARK = re.compile(rf"{re.escape(MARKS)}/(?P<version>[^/@]+)@(?P<moment>[0-9]{{8}}T[0-9]{{6}}Z)")
MOMENT = "%Y%m%dT%H%M%SZ"
# No publication, and no removal, takes so long.
UNFINISHED_FOR = timedelta(days=1)

logger = logging.getLogger(__name__)


def open_store(settings: Settings) -> ModelStore:
    """Return the store that the settings name; raises `RemoteError` if its address is wrong."""
    if settings.models_url is None:
        return ModelStore(settings.models_dir)
    remote = RemoteFolder(settings.models_url)
    return RemoteStore(remote, settings.models_dir / COPIES, settings.models_cache_bytes)


class RemoteStore(ModelStore):
    """Models below an address, and copies of them in a folder."""

    is_remote = True

    def __init__(self, remote: RemoteFolder, folder: Path, room: int) -> None:
        super().__init__(folder)
        self.remote = remote
        self.copies = Copies(folder, room)

    def place(self, version: str) -> str:
        """Name the place of a model for people."""
        return f"{shown(self.remote.url).rstrip('/')}/{version}"

    def probe(self, version: str) -> None:
        """Raise `ModelStoreUnavailableError` if the store does not answer."""
        self.copies.trim()
        with _failures(), suppress(MissingObjectError):
            self.remote.size(f"{version}/{CARD}")

    def hold(self, version: str, sha256: str) -> Copy:
        """Return a whole copy of a model, made now if there is none.

        Raises `ArtifactError` if the model is damaged or missing in the store.
        """
        with _failures():
            while True:
                copy = self.copies.find(version)
                if copy is None:
                    made = self.copies.make(
                        version, lambda new: self._download(version, sha256, new)
                    )
                    if made is not None:
                        return made
                elif _is_whole(copy.folder, sha256):
                    return copy
                else:  # it is damaged on this machine
                    copy.close()
                    self.copies.drop(version)

    @contextmanager
    def reading(self, version: str, sha256: str) -> Iterator[Path]:
        """Yield the folder of a copy for the length of the block."""
        with super().reading(version, sha256) as folder:
            yield folder
        self.copies.trim()

    def read(self, version: str, name: str) -> bytes:
        """Return one file of a model; raises `FileNotFoundError`."""
        with suppress(FileNotFoundError):
            return super().read(version, name)
        with _failures(), TemporaryDirectory() as folder:
            try:
                self.remote.download(f"{version}/{name}", Path(folder) / "file")
            except MissingObjectError as error:
                raise FileNotFoundError(str(error)) from error
            return (Path(folder) / "file").read_bytes()

    def exists(self, version: str) -> bool:
        """Tell whether there is a file of this version, whole or not."""
        with _failures():
            return super().exists(version) or bool(self.remote.files(version))

    def is_whole(self, version: str, checksums: Mapping[str, str]) -> bool:
        """Tell whether the files of a model are in the store with these checksums."""
        with _failures():
            try:
                return all(
                    self.remote.sha256(f"{version}/{name}") == sha256
                    for name, sha256 in checksums.items()
                )
            except MissingObjectError:
                return False

    def write(
        self, version: str, rbm: RBM, card: Mapping[str, Any], documents: Mapping[str, str]
    ) -> str:
        """Write a new model into the store, whole or not at all; return its checksum."""
        sha256 = super().write(version, rbm, card, documents)
        try:
            with _failures():
                self._upload(self.folder / version, version)
        except BaseException:
            with suppress(ModelStoreUnavailableError):
                self.discard(version)
            raise
        self.copies.trim()
        return sha256

    def put(self, temporary: Path, version: str) -> None:
        """Upload a complete folder, in place of any files that are there."""
        with _failures():
            self._upload(temporary, version)
        self.copies.drop(version)
        super().put(temporary, version)

    def settled(self, version: str) -> None:
        """Take note that the row of a written model is committed."""
        try:
            with _failures():
                self._unmark(version)
        except ModelStoreUnavailableError as error:
            logger.warning("model %s is published, but stays marked: %s", version, error.reason)

    def discard(self, version: str) -> None:
        """Remove the files of a model that has no row, here and in the store."""
        self.copies.drop(version)
        with _failures():
            for file in self.remote.files(version):
                self.remote.remove(file.name)
            self._unmark(version)

    @contextmanager
    def removing(self, version: str) -> Iterator[Callable[[], None]]:
        """Remove a model whose row is deleted within the block.

        Raises `ModelStoreUnavailableError` before it. Files that cannot be removed after it are
        removed a day later.
        """
        with _failures():
            self._mark(version)
        try:
            yield lambda: None
        except BaseException:
            self.settled(version)
            raise
        try:
            self.discard(version)
        except ModelStoreUnavailableError as error:
            logger.warning("files of the removed model %s stay: %s", version, error.reason)

    @property
    def is_unsettled(self) -> bool:
        """False: files of a model that has a row are never set aside."""
        return False

    def settle(self, is_recorded: Callable[[str], bool]) -> None:
        """Remove files of models that have no row, of processes that were killed."""
        with _failures():
            marked = [MARK.fullmatch(file.name) for file in self.remote.files(MARKS)]
        before = f"{datetime.now(UTC) - UNFINISHED_FOR:{MOMENT}}"
        for version in {m["version"] for m in marked if m and m["moment"] < before}:
            if is_recorded(version):
                self.settled(version)
            else:
                logger.warning("removing %s, which has no row", self.place(version))
                self.discard(version)

    def _upload(self, folder: Path, version: str) -> None:
        """Upload the files of a model, and read them again; the card comes last."""
        checksums = {**_checksums(folder), CARD: _sha256(folder / CARD)}
        self._mark(version)
        for name in checksums:
            self.remote.upload(folder / name, f"{version}/{name}")
        if not self.is_whole(version, checksums):
            raise RemoteError(f"{self.place(version)} is damaged after its upload")

    def _download(self, version: str, sha256: str, folder: Path) -> None:
        """Copy a model into a folder, each file against its checksum."""
        card = f"{version}/{CARD}"
        try:
            if self.remote.size(card) > MAX_DOCUMENT_BYTES:
                raise ArtifactError(f"{self.place(version)}/{CARD} is no card of a model")
            self._download_file(version, CARD, sha256, folder)
            for name, checksum in _checksums(folder).items():
                self._download_file(version, name, checksum, folder)
        except MissingObjectError as error:
            raise ArtifactError(str(error)) from error
        sync_folder(folder)

    def _download_file(self, version: str, name: str, sha256: str, folder: Path) -> None:
        self.remote.download(f"{version}/{name}", folder / name)
        if _sha256(folder / name) != sha256:
            raise ArtifactError(
                f"{self.place(version)}/{name} is damaged: its checksum is not the published one"
            )

    def _mark(self, version: str) -> None:
        with TemporaryDirectory() as folder:
            mark = Path(folder) / "mark"
            with new_file(mark) as file:
                file.write(version.encode())
            self.remote.upload(mark, f"{MARKS}/{version}@{datetime.now(UTC):{MOMENT}}")

    def _unmark(self, version: str) -> None:
        for file in self.remote.files(MARKS):
            if file.name.startswith(f"{MARKS}/{version}@"):
                self.remote.remove(file.name)


@contextmanager
def _failures() -> Iterator[None]:
    """Make one error of what a store, or the disk of the copies, can answer."""
    try:
        yield
    except FileNotFoundError:
        raise
    except MissingObjectError as error:
        raise ModelStoreUnavailableError(str(error)) from error
    except RemoteError as error:
        raise ModelStoreUnavailableError(str(error)) from error
    except OSError as error:
        reason = f"{error.filename or 'its copies'}: {error.strerror}"
        raise ModelStoreUnavailableError(reason) from error


def _is_whole(folder: Path, sha256: str) -> bool:
    """Tell whether all files of a copy have their checksums."""
    try:
        if _sha256(folder / CARD) != sha256:
            return False
        return all(_sha256(folder / name) == each for name, each in _checksums(folder).items())
    except (OSError, ArtifactError):
        return False


def _checksums(folder: Path) -> dict[str, str]:
    """Return the checksums of the files that a card names; it was checked before."""
    try:
        files = dict(parse((folder / CARD).read_bytes())["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder / CARD} is no card of a model") from error
    if any(Path(name).name != name for name in files):
        raise ArtifactError(f"{folder / CARD} names files elsewhere")
    return files


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return sha256_of(file)
