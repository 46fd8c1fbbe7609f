from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Shadow")


@_attrs_define
class Shadow:
    """How the lists of a shadow compare with those that are shown.

    Attributes:
        name (str):
        overlap (float | None): Mean share of the first 20 movies of a user's list that are among the first 20 of the
            shadow's; null without users
        clicks (int): Clicked movies that these users may still be shown
        control_found (float | None): Share of them among the first 20 of the control's list; null without clicks
        shadow_found (float | None): The same for the shadow's list
    """

    name: str
    overlap: float | None
    clicks: int
    control_found: float | None
    shadow_found: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        overlap: float | None
        overlap = self.overlap

        clicks = self.clicks

        control_found: float | None
        control_found = self.control_found

        shadow_found: float | None
        shadow_found = self.shadow_found

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "overlap": overlap,
                "clicks": clicks,
                "control_found": control_found,
                "shadow_found": shadow_found,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        def _parse_overlap(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        overlap = _parse_overlap(d.pop("overlap"))

        clicks = d.pop("clicks")

        def _parse_control_found(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        control_found = _parse_control_found(d.pop("control_found"))

        def _parse_shadow_found(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        shadow_found = _parse_shadow_found(d.pop("shadow_found"))

        shadow = cls(
            name=name,
            overlap=overlap,
            clicks=clicks,
            control_found=control_found,
            shadow_found=shadow_found,
        )

        shadow.additional_properties = d
        return shadow

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
