from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.movie_like_rating import MovieLikeRating
    from ..models.movie_stars_rating import MovieStarsRating


T = TypeVar("T", bound="BulkRatingsRequest")


@_attrs_define
class BulkRatingsRequest:
    """Ratings of many movies by one user.

    Attributes:
        ratings (list[MovieLikeRating | MovieStarsRating]): Of two ratings of one movie the later one counts
    """

    ratings: list[MovieLikeRating | MovieStarsRating]

    def to_dict(self) -> dict[str, Any]:
        from ..models.movie_stars_rating import MovieStarsRating  # noqa: PLC0415

        ratings = []
        for ratings_item_data in self.ratings:
            ratings_item: dict[str, Any]
            if isinstance(ratings_item_data, MovieStarsRating):
                ratings_item = ratings_item_data.to_dict()
            else:
                ratings_item = ratings_item_data.to_dict()

            ratings.append(ratings_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "ratings": ratings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.movie_like_rating import MovieLikeRating  # noqa: PLC0415
        from ..models.movie_stars_rating import MovieStarsRating  # noqa: PLC0415

        d = dict(src_dict)
        ratings = []
        _ratings = d.pop("ratings")
        for ratings_item_data in _ratings:

            def _parse_ratings_item(data: object) -> MovieLikeRating | MovieStarsRating:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_movie_rating_request_type_0 = MovieStarsRating.from_dict(data)

                    return componentsschemas_movie_rating_request_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_movie_rating_request_type_1 = MovieLikeRating.from_dict(data)

                return componentsschemas_movie_rating_request_type_1

            ratings_item = _parse_ratings_item(ratings_item_data)

            ratings.append(ratings_item)

        bulk_ratings_request = cls(
            ratings=ratings,
        )

        return bulk_ratings_request
