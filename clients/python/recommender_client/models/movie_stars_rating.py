from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="MovieStarsRating")


@_attrs_define
class MovieStarsRating:
    """A rating of a movie in stars.

    Attributes:
        movie_id (int | str):
        stars (float): 0.5 to 5 stars
    """

    movie_id: int | str
    stars: float

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        stars = self.stars

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "movie_id": movie_id,
                "stars": stars,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        stars = d.pop("stars")

        movie_stars_rating = cls(
            movie_id=movie_id,
            stars=stars,
        )

        return movie_stars_rating
