from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.public_rating import PublicRating


T = TypeVar("T", bound="PublicRatings")


@_attrs_define
class PublicRatings:
    """The ratings of a user of a public release.

    Attributes:
        user (str):
        dataset (str): The release
        items (list[PublicRating]): All ratings, the latest first
    """

    user: str
    dataset: str
    items: list[PublicRating]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user = self.user

        dataset = self.dataset

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user": user,
                "dataset": dataset,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.public_rating import PublicRating  # noqa: PLC0415

        d = dict(src_dict)
        user = d.pop("user")

        dataset = d.pop("dataset")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = PublicRating.from_dict(items_item_data)

            items.append(items_item)

        public_ratings = cls(
            user=user,
            dataset=dataset,
            items=items,
        )

        public_ratings.additional_properties = d
        return public_ratings

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
