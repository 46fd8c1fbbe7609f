from typing import Any

import pytest

from model.distributed.reduction import tree_sum


class Now:
    """Computes tasks at once, and notes their names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def submit(self, task: Any, *args: Any, name: str) -> Any:
        self.names.append(name)
        return task(*args)


@pytest.mark.parametrize(
    ("parts", "total"),
    [("a", "a"), ("ab", "(ab)"), ("abcde", "(((ab)(cd))e)"), ("abcdef", "(((ab)(cd))(ef))")],
)
def test_neighbours_are_summed_in_an_order_that_is_fixed(parts: str, total: str) -> None:
    now = Now()
    found = tree_sum(now, list(parts), "sum", lambda a, b: f"({a}{b})")  # type: ignore[arg-type]
    assert found == total
    assert len(set(now.names)) == len(now.names) == len(parts) - 1
