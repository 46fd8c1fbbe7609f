from typing import Literal

FeedbackResultStatus = Literal[200, 201, 404, 409, 422]

FEEDBACK_RESULT_STATUS_VALUES: set[FeedbackResultStatus] = {
    200,
    201,
    404,
    409,
    422,
}


def check_feedback_result_status(value: int) -> FeedbackResultStatus:
    if value in FEEDBACK_RESULT_STATUS_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {FEEDBACK_RESULT_STATUS_VALUES!r}"
    )
