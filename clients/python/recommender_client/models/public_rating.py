from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PublicRating")


@_attrs_define
class PublicRating:
    """A rating of a public release, with its movie.

    Attributes:
        movie_id (int | str):
        title (str):
        year (int | None):
        genres (list[str]):
        liked (bool):
    """

    movie_id: int | str
    title: str
    year: int | None
    genres: list[str]
    liked: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        liked = self.liked

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "year": year,
                "genres": genres,
                "liked": liked,
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

        def _parse_year(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        year = _parse_year(d.pop("year"))

        genres = cast(list[str], d.pop("genres"))

        liked = d.pop("liked")

        public_rating = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            liked=liked,
        )

        public_rating.additional_properties = d
        return public_rating

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
