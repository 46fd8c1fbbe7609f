from typing import Literal

FeedbackReportByItem = Literal["arm", "experiment", "model", "place", "scenario"]

FEEDBACK_REPORT_BY_ITEM_VALUES: set[FeedbackReportByItem] = {
    "arm",
    "experiment",
    "model",
    "place",
    "scenario",
}


def check_feedback_report_by_item(value: str) -> FeedbackReportByItem:
    if value in FEEDBACK_REPORT_BY_ITEM_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {FEEDBACK_REPORT_BY_ITEM_VALUES!r}"
    )
