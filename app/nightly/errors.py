"""Errors about nightly lists."""

from pathlib import Path


class ListsInProgressError(RuntimeError):
    """Another process makes the same lists."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another process makes these lists ({folder} is locked)")
