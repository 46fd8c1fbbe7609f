from typing import Literal

FeedbackRequestKind = Literal["clicked", "dismissed", "shown", "watched"]

FEEDBACK_REQUEST_KIND_VALUES: set[FeedbackRequestKind] = {
    "clicked",
    "dismissed",
    "shown",
    "watched",
}


def check_feedback_request_kind(value: str) -> FeedbackRequestKind:
    if value in FEEDBACK_REQUEST_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FEEDBACK_REQUEST_KIND_VALUES!r}")
