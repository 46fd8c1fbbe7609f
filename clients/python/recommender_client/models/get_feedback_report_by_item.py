from typing import Literal

GetFeedbackReportByItem = Literal["arm", "experiment", "model", "place", "scenario"]

GET_FEEDBACK_REPORT_BY_ITEM_VALUES: set[GetFeedbackReportByItem] = {
    "arm",
    "experiment",
    "model",
    "place",
    "scenario",
}


def check_get_feedback_report_by_item(value: str) -> GetFeedbackReportByItem:
    if value in GET_FEEDBACK_REPORT_BY_ITEM_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {GET_FEEDBACK_REPORT_BY_ITEM_VALUES!r}"
    )
