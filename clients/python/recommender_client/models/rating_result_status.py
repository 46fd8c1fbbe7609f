from typing import Literal

RatingResultStatus = Literal[200, 201, 404]

RATING_RESULT_STATUS_VALUES: set[RatingResultStatus] = {
    200,
    201,
    404,
}


def check_rating_result_status(value: int) -> RatingResultStatus:
    if value in RATING_RESULT_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RATING_RESULT_STATUS_VALUES!r}")
