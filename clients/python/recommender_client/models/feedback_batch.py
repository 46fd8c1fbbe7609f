from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.feedback_request import FeedbackRequest


T = TypeVar("T", bound="FeedbackBatch")


@_attrs_define
class FeedbackBatch:
    """Feedback of many users.

    Attributes:
        feedback (list[FeedbackRequest]):
    """

    feedback: list[FeedbackRequest]

    def to_dict(self) -> dict[str, Any]:
        feedback = []
        for feedback_item_data in self.feedback:
            feedback_item = feedback_item_data.to_dict()
            feedback.append(feedback_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "feedback": feedback,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.feedback_request import FeedbackRequest  # noqa: PLC0415

        d = dict(src_dict)
        feedback = []
        _feedback = d.pop("feedback")
        for feedback_item_data in _feedback:
            feedback_item = FeedbackRequest.from_dict(feedback_item_data)

            feedback.append(feedback_item)

        feedback_batch = cls(
            feedback=feedback,
        )

        return feedback_batch
