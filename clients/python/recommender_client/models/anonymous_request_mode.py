from typing import Literal

AnonymousRequestMode = Literal["rank", "sample"]

ANONYMOUS_REQUEST_MODE_VALUES: set[AnonymousRequestMode] = {
    "rank",
    "sample",
}


def check_anonymous_request_mode(value: str) -> AnonymousRequestMode:
    if value in ANONYMOUS_REQUEST_MODE_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {ANONYMOUS_REQUEST_MODE_VALUES!r}"
    )
