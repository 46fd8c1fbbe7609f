"""Sums of many futures by a tree, whose order is fixed and whose tasks any worker may run."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Future

    from model.distributed.users import Users

__all__ = ["tree_sum"]


def tree_sum(
    users: Users,
    parts: Sequence[Future[Any]],
    name: str,
    plus: Callable[[Any, Any], Any] = add,
) -> Future[Any]:
    """Sum neighbours, then neighbouring sums, up to one: ((a + b) + (c + d)) + e.

    Parameters
    ----------
    users : Users
        Submits the tasks.
    parts : sequence of Future
        At least one.
    name : str
        Begins the names of the tasks.
    plus : callable
        Adds two values; changes neither.
    """
    level = 0
    while len(parts) > 1:
        level += 1
        parts = [
            users.submit(plus, *pair, name=f"{name}-{level}-{place}") if len(pair) > 1 else pair[0]
            for place, pair in enumerate(parts[i : i + 2] for i in range(0, len(parts), 2))
        ]
    return parts[0]
