from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Retention")


@_attrs_define
class Retention:
    """How many models to keep.

    Attributes:
        keep (int): Number of the newest published models that stay
    """

    keep: int

    def to_dict(self) -> dict[str, Any]:
        keep = self.keep

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "keep": keep,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        keep = d.pop("keep")

        retention = cls(
            keep=keep,
        )

        return retention
