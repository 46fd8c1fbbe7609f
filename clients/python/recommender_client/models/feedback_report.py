from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.feedback_report_by_item import (
    FeedbackReportByItem,
    check_feedback_report_by_item,
)

if TYPE_CHECKING:
    from ..models.feedback_row import FeedbackRow


T = TypeVar("T", bound="FeedbackReport")


@_attrs_define
class FeedbackReport:
    """What came of all lists of a time.

    Attributes:
        since (datetime.datetime):
        until (datetime.datetime):
        by (list[FeedbackReportByItem]):
        rows (list[FeedbackRow]): Those with most shown first, 1,000 at most
    """

    since: datetime.datetime
    until: datetime.datetime
    by: list[FeedbackReportByItem]
    rows: list[FeedbackRow]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        since = self.since.isoformat()

        until = self.until.isoformat()

        by = []
        for by_item_data in self.by:
            by_item: str = by_item_data
            by.append(by_item)

        rows = []
        for rows_item_data in self.rows:
            rows_item = rows_item_data.to_dict()
            rows.append(rows_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "since": since,
                "until": until,
                "by": by,
                "rows": rows,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.feedback_row import FeedbackRow  # noqa: PLC0415

        d = dict(src_dict)
        since = datetime.datetime.fromisoformat(d.pop("since"))

        until = datetime.datetime.fromisoformat(d.pop("until"))

        by = []
        _by = d.pop("by")
        for by_item_data in _by:
            by_item = check_feedback_report_by_item(by_item_data)

            by.append(by_item)

        rows = []
        _rows = d.pop("rows")
        for rows_item_data in _rows:
            rows_item = FeedbackRow.from_dict(rows_item_data)

            rows.append(rows_item)

        feedback_report = cls(
            since=since,
            until=until,
            by=by,
            rows=rows,
        )

        feedback_report.additional_properties = d
        return feedback_report

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
