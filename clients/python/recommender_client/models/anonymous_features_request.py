from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.movie_like_rating import MovieLikeRating
    from ..models.movie_stars_rating import MovieStarsRating


T = TypeVar("T", bound="AnonymousFeaturesRequest")


@_attrs_define
class AnonymousFeaturesRequest:
    """Ratings of an anonymous user, and options.

    Attributes:
        ratings (list[MovieLikeRating | MovieStarsRating]): Of two ratings of one movie the later one counts
        limit (int | Unset): Features, the most important first Default: 20.
        films (int | Unset): Movies per direction Default: 8.
        towards (list[int | str] | Unset): Movies for which `sent` is wanted
    """

    ratings: list[MovieLikeRating | MovieStarsRating]
    limit: int | Unset = 20
    films: int | Unset = 8
    towards: list[int | str] | Unset = UNSET

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

        limit = self.limit

        films = self.films

        towards: list[int | str] | Unset = UNSET
        if not isinstance(self.towards, Unset):
            towards = []
            for towards_item_data in self.towards:
                towards_item: int | str
                towards_item = towards_item_data
                towards.append(towards_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "ratings": ratings,
            }
        )
        if limit is not UNSET:
            field_dict["limit"] = limit
        if films is not UNSET:
            field_dict["films"] = films
        if towards is not UNSET:
            field_dict["towards"] = towards

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

        limit = d.pop("limit", UNSET)

        films = d.pop("films", UNSET)

        _towards = d.pop("towards", UNSET)
        towards: list[int | str] | Unset = UNSET
        if _towards is not UNSET:
            towards = []
            for towards_item_data in _towards:

                def _parse_towards_item(data: object) -> int | str:
                    return cast(int | str, data)

                towards_item = _parse_towards_item(towards_item_data)

                towards.append(towards_item)

        anonymous_features_request = cls(
            ratings=ratings,
            limit=limit,
            films=films,
            towards=towards,
        )

        return anonymous_features_request
