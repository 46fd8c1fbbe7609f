"""The files of models, into an archive and out of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path

from app.backup.archive import BLOCK, MODEL_FILE, ArchiveReader, ArchiveWriter
from app.models import folder
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


def unpack(reader: ArchiveReader, models_dir: Path, version: str) -> None:
    """Make the folder of a model appear as a whole, unless it is there; the caller has the lock."""
    final = models_dir / version
    files = reader.model_files(version)
    if _is_there(reader, final, files):
        return
    temporary = models_dir / f"{folder.TEMPORARY}{version}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        for name, entry in files.items():
            with (temporary / name).open("xb") as out:
                for chunk in reader.chunks(entry):
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
        artifact.sync_folder(temporary)
        folder.put_in_place(temporary, models_dir, version)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


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
