"""Back-ups at a second place: copied, read again, removed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from app.backup import erasures
from app.backup.archive import BackupError
from app.backup.retention import Keep, names_of
from app.core.archive import sha256_of
from app.core.remote import RemoteError, RemoteFolder, shown

# Beside the models: there is room for a back-up, which holds little more than them.
FETCHED = ".fetched-"
NAMES_SHOWN = 5

logger = logging.getLogger(__name__)


def copy(
    folder: Path, remote: RemoteFolder, installation: str, erasure_list: Path, keep: Keep
) -> None:
    """Make a second place hold the back-ups that are kept, and the list of erased users.

    All that are missing there are copied, so that a store that was away misses none.
    """
    with _private():
        erasures.copy(erasure_list, remote)
        there = {file.name: file.size for file in remote.files()}
        theirs = names_of(installation, there)
        ours = names_of(installation, (path.name for path in folder.iterdir()))
        kept = keep.of(ours | theirs)
        for name in sorted(ours & kept):
            if there.get(name) != (folder / name).stat().st_size:
                _copy_file(folder / name, remote)
    for name in sorted(theirs - kept):
        _remove(remote, name)


def prune(folder: Path, installation: str, keep: Keep) -> None:
    """Remove the back-ups of a folder that are not kept."""
    ours = names_of(installation, (path.name for path in folder.iterdir()))
    for name in sorted(ours - keep.of(ours)):
        (folder / name).unlink(missing_ok=True)
        logger.info("back-up removed: %s", folder / name)


@contextmanager
def at_hand(address: str, folder: Path) -> Iterator[Path]:
    """Give the file of a back-up; one of a store with the lists of erased users beside it.

    What is downloaded is in a hidden folder below `folder`, until the end of the block.
    """
    if "://" not in address:
        yield Path(address)
        return
    url, _, name = address.rpartition("/")
    remote = RemoteFolder(url)
    there = [file.name for file in remote.files()]
    if name not in there:
        raise BackupError(f"{shown(address)} is not there; {_offer(there)}")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=FETCHED) as temporary:
        lists = [each for each in there if each.startswith(erasures.PREFIX) and "/" not in each]
        for each in (*lists, name):
            remote.download(each, Path(temporary) / each)
        yield Path(temporary) / name


def _copy_file(path: Path, remote: RemoteFolder) -> None:
    remote.upload(path, path.name)
    with path.open("rb") as file:
        right = remote.sha256(path.name) == sha256_of(file)
    if not right:
        with suppress(RemoteError):
            remote.remove(path.name)
        raise BackupError(f"{path.name} arrived damaged at {shown(remote.url)}")


def _remove(remote: RemoteFolder, name: str) -> None:
    try:
        remote.remove(name)
    except RemoteError as error:  # a bucket may let nobody remove anything
        logger.warning("cannot remove a back-up: %s", error)
    else:
        logger.info("back-up removed from %s: %s", shown(remote.url), name)


@contextmanager
def _private() -> Iterator[None]:
    """Let only this account read what is written, where the second place is a file system."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _offer(names: list[str]) -> str:
    newest = sorted((name for name in names if name.endswith(".tar")), reverse=True)
    return f"the newest are {', '.join(newest[:NAMES_SHOWN])}" if newest else "no back-up is"
