"""How a long job tells how far it is."""

from collections.abc import Callable

__all__ = ["Progress", "ignore_progress"]

Progress = Callable[[str, int, int | None], None]
"""Called with the stage (as ``"download"``), what is done of it, and its total, if known."""


def ignore_progress(_stage: str, _done: int, _total: int | None) -> None:
    """Report nothing."""
