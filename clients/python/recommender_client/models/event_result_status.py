from typing import Literal

EventResultStatus = Literal[200, 201, 404, 409]

EVENT_RESULT_STATUS_VALUES: set[EventResultStatus] = {
    200,
    201,
    404,
    409,
}


def check_event_result_status(value: int) -> EventResultStatus:
    if value in EVENT_RESULT_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENT_RESULT_STATUS_VALUES!r}")
