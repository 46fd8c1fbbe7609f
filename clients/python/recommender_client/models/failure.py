from typing import Literal

Failure = Literal["changed", "database", "disk", "error", "input", "killed", "lost", "memory"]

FAILURE_VALUES: set[Failure] = {
    "changed",
    "database",
    "disk",
    "error",
    "input",
    "killed",
    "lost",
    "memory",
}


def check_failure(value: str) -> Failure:
    if value in FAILURE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FAILURE_VALUES!r}")
