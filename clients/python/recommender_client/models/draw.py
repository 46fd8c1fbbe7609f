from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.genre_change import GenreChange


T = TypeVar("T", bound="Draw")


@_attrs_define
class Draw:
    """What a Gibbs sample has changed.

    Attributes:
        more (list[GenreChange]): Up to three genres, the largest change first
        less (list[GenreChange]):
    """

    more: list[GenreChange]
    less: list[GenreChange]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        more = []
        for more_item_data in self.more:
            more_item = more_item_data.to_dict()
            more.append(more_item)

        less = []
        for less_item_data in self.less:
            less_item = less_item_data.to_dict()
            less.append(less_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "more": more,
                "less": less,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.genre_change import GenreChange  # noqa: PLC0415

        d = dict(src_dict)
        more = []
        _more = d.pop("more")
        for more_item_data in _more:
            more_item = GenreChange.from_dict(more_item_data)

            more.append(more_item)

        less = []
        _less = d.pop("less")
        for less_item_data in _less:
            less_item = GenreChange.from_dict(less_item_data)

            less.append(less_item)

        draw = cls(
            more=more,
            less=less,
        )

        draw.additional_properties = d
        return draw

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
