from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ListedMovie")


@_attrs_define
class ListedMovie:
    """A movie in a list.

    Attributes:
        movie_id (int | str):
        title (str):
        year (int | None):
        genres (list[str]):
        likes (int): How many users like it; counted at most once a minute
        ratings (int): How many users have rated it
        available (bool | Unset): False where `unavailable` lists a movie that is withdrawn or outside its window; left
            out otherwise Default: True.
    """

    movie_id: int | str
    title: str
    year: int | None
    genres: list[str]
    likes: int
    ratings: int
    available: bool | Unset = True
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        likes = self.likes

        ratings = self.ratings

        available = self.available

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "year": year,
                "genres": genres,
                "likes": likes,
                "ratings": ratings,
            }
        )
        if available is not UNSET:
            field_dict["available"] = available

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

        likes = d.pop("likes")

        ratings = d.pop("ratings")

        available = d.pop("available", UNSET)

        listed_movie = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            likes=likes,
            ratings=ratings,
            available=available,
        )

        listed_movie.additional_properties = d
        return listed_movie

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
