from typing import Literal

Likeness = Literal["genres", "rbm"]

LIKENESS_VALUES: set[Likeness] = {
    "genres",
    "rbm",
}


def check_likeness(value: str) -> Likeness:
    if value in LIKENESS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIKENESS_VALUES!r}")
