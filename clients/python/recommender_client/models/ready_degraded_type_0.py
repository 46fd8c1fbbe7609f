from typing import Literal

ReadyDegradedType0 = Literal["database", "model_store", "no_model"]

READY_DEGRADED_TYPE_0_VALUES: set[ReadyDegradedType0] = {
    "database",
    "model_store",
    "no_model",
}


def check_ready_degraded_type_0(value: str) -> ReadyDegradedType0:
    if value in READY_DEGRADED_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {READY_DEGRADED_TYPE_0_VALUES!r}")
