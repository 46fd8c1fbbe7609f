from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Promotion")


@_attrs_define
class Promotion:
    """Which arm has won.

    Attributes:
        arm (str): Small letters, digits, `-` and `_`
    """

    arm: str

    def to_dict(self) -> dict[str, Any]:
        arm = self.arm

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "arm": arm,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        arm = d.pop("arm")

        promotion = cls(
            arm=arm,
        )

        return promotion
