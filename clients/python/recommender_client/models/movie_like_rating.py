from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="MovieLikeRating")


@_attrs_define
class MovieLikeRating:
    """A rating of a movie as like or dislike, without stars.

    Attributes:
        movie_id (int | str):
        liked (bool): Like or dislike
    """

    movie_id: int | str
    liked: bool

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        liked = self.liked

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "movie_id": movie_id,
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

        liked = d.pop("liked")

        movie_like_rating = cls(
            movie_id=movie_id,
            liked=liked,
        )

        return movie_like_rating
