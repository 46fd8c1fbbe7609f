from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="LikeRating")


@_attrs_define
class LikeRating:
    """A rating as like or dislike, without stars.

    Attributes:
        liked (bool): Like or dislike
    """

    liked: bool

    def to_dict(self) -> dict[str, Any]:
        liked = self.liked

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "liked": liked,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        liked = d.pop("liked")

        like_rating = cls(
            liked=liked,
        )

        return like_rating
