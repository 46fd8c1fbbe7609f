from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SeenMovie")


@_attrs_define
class SeenMovie:
    """A movie that is not recommended to the user again.

    Attributes:
        movie_id (int | str):
        hidden (bool): The user does not want it
        seen_at (datetime.datetime):
    """

    movie_id: int | str
    hidden: bool
    seen_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        hidden = self.hidden

        seen_at = self.seen_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "hidden": hidden,
                "seen_at": seen_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        hidden = d.pop("hidden")

        seen_at = datetime.datetime.fromisoformat(d.pop("seen_at"))

        seen_movie = cls(
            movie_id=movie_id,
            hidden=hidden,
            seen_at=seen_at,
        )

        seen_movie.additional_properties = d
        return seen_movie

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
