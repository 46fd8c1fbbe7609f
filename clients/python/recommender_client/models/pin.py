from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="Pin")


@_attrs_define
class Pin:
    """A movie with a fixed place, for every user who may be shown it.

    Attributes:
        movie_id (int | str):
        position (int): 1 is the first
    """

    movie_id: int | str
    position: int

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        position = self.position

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "movie_id": movie_id,
                "position": position,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        position = d.pop("position")

        pin = cls(
            movie_id=movie_id,
            position=position,
        )

        return pin
