from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

T = TypeVar("T", bound="PopularityBoost")


@_attrs_define
class PopularityBoost:
    """weight · ln(1 + likes) / ln(1 + likes of the most liked movie).

    Attributes:
        weight (float): Added to the log-odds of a like
        by (Literal['popularity']):
    """

    weight: float
    by: Literal["popularity"]

    def to_dict(self) -> dict[str, Any]:
        weight = self.weight

        by = self.by

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "weight": weight,
                "by": by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        weight = d.pop("weight")

        by = cast(Literal["popularity"], d.pop("by"))
        if by != "popularity":
            raise ValueError(f"by must match const 'popularity', got '{by}'")

        popularity_boost = cls(
            weight=weight,
            by=by,
        )

        return popularity_boost
