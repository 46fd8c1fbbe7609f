from typing import Literal

BatchRequestMode = Literal["rank", "sample"]

BATCH_REQUEST_MODE_VALUES: set[BatchRequestMode] = {
    "rank",
    "sample",
}


def check_batch_request_mode(value: str) -> BatchRequestMode:
    if value in BATCH_REQUEST_MODE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {BATCH_REQUEST_MODE_VALUES!r}")
