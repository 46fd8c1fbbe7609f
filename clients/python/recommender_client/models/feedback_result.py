from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.feedback_result_status import (
    FeedbackResultStatus,
    check_feedback_result_status,
)

if TYPE_CHECKING:
    from ..models.error_body import ErrorBody


T = TypeVar("T", bound="FeedbackResult")


@_attrs_define
class FeedbackResult:
    """The result for one of them.

    Attributes:
        feedback_id (str):
        status (FeedbackResultStatus): 201 recorded, 200 known already, 404 there is no such movie, 409 other feedback
            has this id, 422 the recommendation_id was not given to this user
        error (ErrorBody | None): What was wrong; null where nothing was
    """

    feedback_id: str
    status: FeedbackResultStatus
    error: ErrorBody | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.error_body import ErrorBody  # noqa: PLC0415

        feedback_id = self.feedback_id

        status: int = self.status

        error: dict[str, Any] | None
        if isinstance(self.error, ErrorBody):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "feedback_id": feedback_id,
                "status": status,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.error_body import ErrorBody  # noqa: PLC0415

        d = dict(src_dict)
        feedback_id = d.pop("feedback_id")

        status = check_feedback_result_status(d.pop("status"))

        def _parse_error(data: object) -> ErrorBody | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = ErrorBody.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ErrorBody | None, data)

        error = _parse_error(d.pop("error"))

        feedback_result = cls(
            feedback_id=feedback_id,
            status=status,
            error=error,
        )

        feedback_result.additional_properties = d
        return feedback_result

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
