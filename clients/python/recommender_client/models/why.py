from typing import Literal

Why = Literal["excluded", "no_place", "rated", "seen", "shown", "unavailable", "unknown"]

WHY_VALUES: set[Why] = {
    "excluded",
    "no_place",
    "rated",
    "seen",
    "shown",
    "unavailable",
    "unknown",
}


def check_why(value: str) -> Why:
    if value in WHY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WHY_VALUES!r}")
