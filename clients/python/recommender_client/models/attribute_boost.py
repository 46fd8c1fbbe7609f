from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

T = TypeVar("T", bound="AttributeBoost")


@_attrs_define
class AttributeBoost:
    """weight for movies with this text, tag or number in this range.

    Attributes:
        weight (float): Added to the log-odds of a like
        by (Literal['attribute']):
        attribute (str): As in filters: `studio:Ghibli`, `price:10..20`
    """

    weight: float
    by: Literal["attribute"]
    attribute: str

    def to_dict(self) -> dict[str, Any]:
        weight = self.weight

        by = self.by

        attribute = self.attribute

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "weight": weight,
                "by": by,
                "attribute": attribute,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        weight = d.pop("weight")

        by = cast(Literal["attribute"], d.pop("by"))
        if by != "attribute":
            raise ValueError(f"by must match const 'attribute', got '{by}'")

        attribute = d.pop("attribute")

        attribute_boost = cls(
            weight=weight,
            by=by,
            attribute=attribute,
        )

        return attribute_boost
