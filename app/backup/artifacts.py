"""The files of models, into an archive and out of it."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.backup.archive import ArchiveReader, ArchiveWriter
from app.registry.archive import open_whole
from app.store.folder import ModelStore
from data.durable import new_file, sync_folder
from model.artifact import ArtifactError


def pack(writer: ArchiveWriter, store: ModelStore, version: str, sha256: str) -> bool:
    """Add the files of a model to an archive; False, and none of them, if one is damaged."""
    with ExitStack() as stack:
        try:
            # Opened before any is read: a model may be removed while it is copied.
            with store.reading(version, sha256) as folder:
                files = open_whole(folder, sha256, stack)
        except ArtifactError:
            return False
        for name, (file, checksum) in files.items():
            writer.add(f"models/{version}/{name}", file, checksum)
    return True


@contextmanager
def unpacked(
    reader: ArchiveReader, store: ModelStore, report: Callable[[int], None]
) -> Iterator[list[str]]:
    """Unpack the missing and damaged models beside their final folders; yield their versions.

    What `put_in_place` has not moved by the end of the block is removed. The caller has the lock of
    the folder.
    """
    versions: list[str] = []
    try:
        for number, version in enumerate(reader.manifest.models, start=1):
            files = reader.model_files(version)
            checksums = {name: reader.manifest.files[entry].sha256 for name, entry in files.items()}
            if not store.is_whole(version, checksums):
                versions.append(version)
                _unpack(reader, store.beside(version), files)
            report(number)
        yield versions
    finally:
        for version in versions:
            shutil.rmtree(store.beside(version), ignore_errors=True)


def put_in_place(store: ModelStore, versions: Iterable[str]) -> None:
    """Move unpacked models to their final folders, in place of what is there."""
    for version in versions:
        store.put(store.beside(version), version)


def _unpack(reader: ArchiveReader, target: Path, files: Mapping[str, str]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name, entry in files.items():
        with new_file(target / name) as out:
            out.writelines(reader.chunks(entry))
    sync_folder(target)
