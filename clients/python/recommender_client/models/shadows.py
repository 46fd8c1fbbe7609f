from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.shadow import Shadow


T = TypeVar("T", bound="Shadows")


@_attrs_define
class Shadows:
    """All shadows of an experiment, by the users who were shown a list of it last.

    Attributes:
        users (int): Users who were looked at, 100 at most
        items (list[Shadow]): Those whose model can be loaded
    """

    users: int
    items: list[Shadow]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        users = self.users

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "users": users,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.shadow import Shadow  # noqa: PLC0415

        d = dict(src_dict)
        users = d.pop("users")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = Shadow.from_dict(items_item_data)

            items.append(items_item)

        shadows = cls(
            users=users,
            items=items,
        )

        shadows.additional_properties = d
        return shadows

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
