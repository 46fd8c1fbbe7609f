from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.error_code import ErrorCode, check_error_code

if TYPE_CHECKING:
    from ..models.field_error import FieldError


T = TypeVar("T", bound="InvalidRequestBody")


@_attrs_define
class InvalidRequestBody:
    """The shape of the error for malformed input.

    Attributes:
        error (ErrorCode): What went wrong, for programs
        detail (str):
        fields (list[FieldError]):
    """

    error: ErrorCode
    detail: str
    fields: list[FieldError]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        error: str = self.error

        detail = self.detail

        fields = []
        for fields_item_data in self.fields:
            fields_item = fields_item_data.to_dict()
            fields.append(fields_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "error": error,
                "detail": detail,
                "fields": fields,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.field_error import FieldError  # noqa: PLC0415

        d = dict(src_dict)
        error = check_error_code(d.pop("error"))

        detail = d.pop("detail")

        fields = []
        _fields = d.pop("fields")
        for fields_item_data in _fields:
            fields_item = FieldError.from_dict(fields_item_data)

            fields.append(fields_item)

        invalid_request_body = cls(
            error=error,
            detail=detail,
            fields=fields,
        )

        invalid_request_body.additional_properties = d
        return invalid_request_body

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
