"""The files of models, into an archive and out of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path

from app.backup.archive import BLOCK, MODEL_FILE, ArchiveReader, ArchiveWriter
from app.registry import folder
from model import artifact


def pack(writer: ArchiveWriter, models_dir: Path, version: str, sha256: str) -> bool:
    """Put the files of a model into an archive; False, and none of them, where one is not whole."""
    held = models_dir / version
    with ExitStack() as stack:
        try:
            # Opened before any is read: a model may be removed while it is copied.
            files = {artifact.CARD: stack.enter_context((held / artifact.CARD).open("rb"))}
            listed = _listed(files[artifact.CARD], sha256)
            for name in listed:
                files[name] = stack.enter_context((held / name).open("rb"))
            if any(_sha256(files[name]) != expected for name, expected in listed.items()):
                return False
        except (OSError, KeyError, ValueError):
            return False
        for name, file in files.items():
            file.seek(0)
            writer.add(f"models/{version}/{name}", _blocks(file), compress=False)
    return True


@contextmanager
def unpacked(
    reader: ArchiveReader, models_dir: Path, report: Callable[[int], None]
) -> Iterator[list[str]]:
    """Unpack beside their place the models that are not there as a whole; give their names.

    Whatever `put_in_place` has not taken by the end of the block is removed. The caller has the
    lock of the folder.
    """
    versions: list[str] = []
    try:
        for number, version in enumerate(reader.manifest.models, start=1):
            files = reader.model_files(version)
            if not _is_there(reader, models_dir / version, files):
                versions.append(version)
                _unpack(reader, _beside(models_dir, version), files)
            report(number)
        yield versions
    finally:
        for version in versions:
            shutil.rmtree(_beside(models_dir, version), ignore_errors=True)


def put_in_place(models_dir: Path, versions: Iterable[str]) -> None:
    """Give unpacked models their names, in place of what is there under them."""
    for version in versions:
        folder.put_in_place(_beside(models_dir, version), models_dir, version)


def _beside(models_dir: Path, version: str) -> Path:
    return models_dir / f"{folder.TEMPORARY}{version}"


def _unpack(reader: ArchiveReader, target: Path, files: Mapping[str, str]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name, entry in files.items():
        with (target / name).open("xb") as out:
            for chunk in reader.chunks(entry):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    artifact.sync_folder(target)


def _listed(card: BufferedReader, sha256: str) -> dict[str, str]:
    """Read which files a model has, with their checksums, from the card that was published."""
    content = card.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("this is not the card that was published")
    files: dict[str, str] = json.loads(content)["files"]
    if not all(MODEL_FILE.fullmatch(f"models/any/{name}") for name in files):
        raise ValueError("the name of a file leads out of the folder of the model")
    return files


def _is_there(reader: ArchiveReader, final: Path, files: Mapping[str, str]) -> bool:
    try:
        for name, entry in files.items():
            with (final / name).open("rb") as file:
                if _sha256(file) != reader.manifest.files[entry].sha256:
                    return False
    except OSError:
        return False
    return True


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _blocks(file: BufferedReader) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
