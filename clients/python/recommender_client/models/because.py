from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Because")


@_attrs_define
class Because:
    """A rating that raises the score of a movie.

    Attributes:
        movie_id (int | str):
        title (str):
        liked (bool):
        effect (float): Logit of the score with all ratings, minus that without this one; effects of several ratings do
            not add up
    """

    movie_id: int | str
    title: str
    liked: bool
    effect: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        title = self.title

        liked = self.liked

        effect = self.effect

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "liked": liked,
                "effect": effect,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        title = d.pop("title")

        liked = d.pop("liked")

        effect = d.pop("effect")

        because = cls(
            movie_id=movie_id,
            title=title,
            liked=liked,
            effect=effect,
        )

        because.additional_properties = d
        return because

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
