from typing import Literal

Reason = Literal["no_known_ratings", "no_model", "no_ratings", "unknown_movie", "unknown_user"]

REASON_VALUES: set[Reason] = {
    "no_known_ratings",
    "no_model",
    "no_ratings",
    "unknown_movie",
    "unknown_user",
}


def check_reason(value: str) -> Reason:
    if value in REASON_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REASON_VALUES!r}")
