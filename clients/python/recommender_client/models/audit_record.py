from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.audit_record_detail_type_0 import AuditRecordDetailType0


T = TypeVar("T", bound="AuditRecord")


@_attrs_define
class AuditRecord:
    """Who did what, and when.

    Attributes:
        id (int):
        at (datetime.datetime):
        who (str): An API key by its prefix, a command, or a training run
        action (str): What was done; later versions may add further ones
        subject (None | str): To what: a model, a key, a scenario, …
        detail (AuditRecordDetailType0 | None): Further facts, by action
    """

    id: int
    at: datetime.datetime
    who: str
    action: str
    subject: None | str
    detail: AuditRecordDetailType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.audit_record_detail_type_0 import AuditRecordDetailType0  # noqa: PLC0415

        id = self.id

        at = self.at.isoformat()

        who = self.who

        action = self.action

        subject: None | str
        subject = self.subject

        detail: dict[str, Any] | None
        if isinstance(self.detail, AuditRecordDetailType0):
            detail = self.detail.to_dict()
        else:
            detail = self.detail

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "at": at,
                "who": who,
                "action": action,
                "subject": subject,
                "detail": detail,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audit_record_detail_type_0 import AuditRecordDetailType0  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        who = d.pop("who")

        action = d.pop("action")

        def _parse_subject(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        subject = _parse_subject(d.pop("subject"))

        def _parse_detail(data: object) -> AuditRecordDetailType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                detail_type_0 = AuditRecordDetailType0.from_dict(data)

                return detail_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AuditRecordDetailType0 | None, data)

        detail = _parse_detail(d.pop("detail"))

        audit_record = cls(
            id=id,
            at=at,
            who=who,
            action=action,
            subject=subject,
            detail=detail,
        )

        audit_record.additional_properties = d
        return audit_record

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
