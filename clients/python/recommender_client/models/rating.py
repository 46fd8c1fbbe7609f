from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.rating_implied_by import RatingImpliedBy, check_rating_implied_by
from ..types import UNSET, Unset

T = TypeVar("T", bound="Rating")


@_attrs_define
class Rating:
    """A rating as it is stored.

    Attributes:
        movie_id (int | str):
        stars (float | None): Null where only like or dislike was sent
        liked (bool): What the model sees: as sent, or derived from the stars
        rated_at (datetime.datetime):
        implied_by (RatingImpliedBy | Unset): Kind of the event that implied it; left out of a rating that the user gave
    """

    movie_id: int | str
    stars: float | None
    liked: bool
    rated_at: datetime.datetime
    implied_by: RatingImpliedBy | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        stars: float | None
        stars = self.stars

        liked = self.liked

        rated_at = self.rated_at.isoformat()

        implied_by: str | Unset = UNSET
        if not isinstance(self.implied_by, Unset):
            implied_by = self.implied_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "stars": stars,
                "liked": liked,
                "rated_at": rated_at,
            }
        )
        if implied_by is not UNSET:
            field_dict["implied_by"] = implied_by

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        def _parse_stars(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        stars = _parse_stars(d.pop("stars"))

        liked = d.pop("liked")

        rated_at = datetime.datetime.fromisoformat(d.pop("rated_at"))

        _implied_by = d.pop("implied_by", UNSET)
        implied_by: RatingImpliedBy | Unset
        if isinstance(_implied_by, Unset):
            implied_by = UNSET
        else:
            implied_by = check_rating_implied_by(_implied_by)

        rating = cls(
            movie_id=movie_id,
            stars=stars,
            liked=liked,
            rated_at=rated_at,
            implied_by=implied_by,
        )

        rating.additional_properties = d
        return rating

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
