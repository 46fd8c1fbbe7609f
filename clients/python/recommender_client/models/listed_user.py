from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ListedUser")


@_attrs_define
class ListedUser:
    """A user in a list.

    Attributes:
        user (str):
        imported_from (None | str): The data set that this user was imported with; null for a user of your own
        ratings_revision (int): Number of the last change of these ratings
        ratings (int): How many movies they have rated
    """

    user: str
    imported_from: None | str
    ratings_revision: int
    ratings: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user = self.user

        imported_from: None | str
        imported_from = self.imported_from

        ratings_revision = self.ratings_revision

        ratings = self.ratings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user": user,
                "imported_from": imported_from,
                "ratings_revision": ratings_revision,
                "ratings": ratings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        user = d.pop("user")

        def _parse_imported_from(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        imported_from = _parse_imported_from(d.pop("imported_from"))

        ratings_revision = d.pop("ratings_revision")

        ratings = d.pop("ratings")

        listed_user = cls(
            user=user,
            imported_from=imported_from,
            ratings_revision=ratings_revision,
            ratings=ratings,
        )

        listed_user.additional_properties = d
        return listed_user

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
