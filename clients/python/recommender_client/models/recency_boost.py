from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RecencyBoost")


@_attrs_define
class RecencyBoost:
    """weight · 2^(-age / half-life), age in years behind the latest year; 0 for an unknown year.

    Attributes:
        weight (float): Added to the log-odds of a like
        by (Literal['recency']):
        half_life_years (float | Unset):  Default: 5.0.
    """

    weight: float
    by: Literal["recency"]
    half_life_years: float | Unset = 5.0

    def to_dict(self) -> dict[str, Any]:
        weight = self.weight

        by = self.by

        half_life_years = self.half_life_years

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "weight": weight,
                "by": by,
            }
        )
        if half_life_years is not UNSET:
            field_dict["half_life_years"] = half_life_years

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        weight = d.pop("weight")

        by = cast(Literal["recency"], d.pop("by"))
        if by != "recency":
            raise ValueError(f"by must match const 'recency', got '{by}'")

        half_life_years = d.pop("half_life_years", UNSET)

        recency_boost = cls(
            weight=weight,
            by=by,
            half_life_years=half_life_years,
        )

        return recency_boost
