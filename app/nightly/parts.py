"""Finished parts of lists in a folder, so that a run that was killed goes on behind them."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app.nightly.errors import ListsInProgressError
from data.durable import sync_folder, whole_file

STATE, LOCK, WHOLE = "state.json", "lock", "whole"
# After so long a run begins anew: the first lists would be too old beside the last.
MAX_AGE_S = 12 * 3600.0


class Parts:
    """Files named by the last user whose list they hold; they are whole or not there."""

    def __init__(self, folder: Path, state: Mapping[str, Any], *, resumed: bool) -> None:
        self.folder = folder
        self.state = state  # as it was when the first part was begun
        self.resumed = resumed

    @property
    def files(self) -> list[Path]:
        """Return the parts in the order of the users."""
        return sorted(self.folder.glob("part-*"))

    @property
    def last(self) -> int:
        """Return the last user who is done, 0 before the first."""
        return max((int(path.name.removeprefix("part-")) for path in self.files), default=0)

    def add(self, last: int, write: Callable[[BinaryIO], None]) -> None:
        """Write a part."""
        with whole_file(self.folder / f"part-{last:020d}") as file:
            write(file)

    def finish(self, write: Callable[[BinaryIO], None], path: Path) -> None:
        """Write the whole file, and put it in its place.

        The state goes before: a run that is killed in between makes all lists again, and none
        takes parts that were used already.
        """
        with whole_file(self.folder / WHOLE) as file:
            write(file)
        self.forget()
        (self.folder / WHOLE).replace(path)
        sync_folder(path.parent)

    def forget(self) -> None:
        """Let no later run go on with these parts."""
        (self.folder / STATE).unlink()
        sync_folder(self.folder)


@contextmanager
def opened(folder: Path, state: Mapping[str, Any], must_equal: tuple[str, ...]) -> Iterator[Parts]:
    """Open the folder: with its parts if its state is equal in these names, else empty.

    It is removed when its state was forgotten, and stays when the block fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ListsInProgressError(folder) from None
        found = _state(folder / STATE)
        goes_on = found is not None and all(found.get(name) == state[name] for name in must_equal)
        if not goes_on:
            _clear(folder)
            with whole_file(folder / STATE) as file:
                file.write(json.dumps({**state, "begun": time.time()}).encode())
        try:
            yield Parts(folder, found if found and goes_on else state, resumed=goes_on)
        finally:
            if not (folder / STATE).exists():
                shutil.rmtree(folder)


def _state(path: Path) -> dict[str, Any] | None:
    """Read the state, None where there is none that a run may go on with."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return found if 0 <= time.time() - found["begun"] < MAX_AGE_S else None


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != LOCK:
            path.unlink()
