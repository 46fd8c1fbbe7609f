from typing import Literal

Source = Literal["genres", "new", "popular", "rbm", "similar", "trending"]

SOURCE_VALUES: set[Source] = {
    "genres",
    "new",
    "popular",
    "rbm",
    "similar",
    "trending",
}


def check_source(value: str) -> Source:
    if value in SOURCE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SOURCE_VALUES!r}")
