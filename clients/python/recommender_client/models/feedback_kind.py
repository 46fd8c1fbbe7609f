from typing import Literal

FeedbackKind = Literal["clicked", "dismissed", "shown", "watched"]

FEEDBACK_KIND_VALUES: set[FeedbackKind] = {
    "clicked",
    "dismissed",
    "shown",
    "watched",
}


def check_feedback_kind(value: str) -> FeedbackKind:
    if value in FEEDBACK_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FEEDBACK_KIND_VALUES!r}")
