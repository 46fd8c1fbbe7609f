from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.movie_like_rating import MovieLikeRating
    from ..models.movie_stars_rating import MovieStarsRating


T = TypeVar("T", bound="RankRequest")


@_attrs_define
class RankRequest:
    """Movies to be ranked, for a user or for ratings.

    Attributes:
        movies (list[int | str]): One that is named twice counts once
        user (str | Unset): Either this, or `ratings`
        ratings (list[MovieLikeRating | MovieStarsRating] | Unset): Of two ratings of one movie the later one counts
        scenario (str | Unset): Whose rules the list follows, beside the filters of the request
        limit (int | Unset): Movies at most Default: 5000.
        explain (int | Unset): Reasons for each of the first 100 movies Default: 3.
    """

    movies: list[int | str]
    user: str | Unset = UNSET
    ratings: list[MovieLikeRating | MovieStarsRating] | Unset = UNSET
    scenario: str | Unset = UNSET
    limit: int | Unset = 5000
    explain: int | Unset = 3

    def to_dict(self) -> dict[str, Any]:
        from ..models.movie_stars_rating import MovieStarsRating  # noqa: PLC0415

        movies = []
        for movies_item_data in self.movies:
            movies_item: int | str
            movies_item = movies_item_data
            movies.append(movies_item)

        user = self.user

        ratings: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.ratings, Unset):
            ratings = []
            for ratings_item_data in self.ratings:
                ratings_item: dict[str, Any]
                if isinstance(ratings_item_data, MovieStarsRating):
                    ratings_item = ratings_item_data.to_dict()
                else:
                    ratings_item = ratings_item_data.to_dict()

                ratings.append(ratings_item)

        scenario = self.scenario

        limit = self.limit

        explain = self.explain

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "movies": movies,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if ratings is not UNSET:
            field_dict["ratings"] = ratings
        if scenario is not UNSET:
            field_dict["scenario"] = scenario
        if limit is not UNSET:
            field_dict["limit"] = limit
        if explain is not UNSET:
            field_dict["explain"] = explain

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.movie_like_rating import MovieLikeRating  # noqa: PLC0415
        from ..models.movie_stars_rating import MovieStarsRating  # noqa: PLC0415

        d = dict(src_dict)
        movies = []
        _movies = d.pop("movies")
        for movies_item_data in _movies:

            def _parse_movies_item(data: object) -> int | str:
                return cast(int | str, data)

            movies_item = _parse_movies_item(movies_item_data)

            movies.append(movies_item)

        user = d.pop("user", UNSET)

        _ratings = d.pop("ratings", UNSET)
        ratings: list[MovieLikeRating | MovieStarsRating] | Unset = UNSET
        if _ratings is not UNSET:
            ratings = []
            for ratings_item_data in _ratings:

                def _parse_ratings_item(data: object) -> MovieLikeRating | MovieStarsRating:
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_movie_rating_request_type_0 = MovieStarsRating.from_dict(
                            data
                        )

                        return componentsschemas_movie_rating_request_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_movie_rating_request_type_1 = MovieLikeRating.from_dict(data)

                    return componentsschemas_movie_rating_request_type_1

                ratings_item = _parse_ratings_item(ratings_item_data)

                ratings.append(ratings_item)

        scenario = d.pop("scenario", UNSET)

        limit = d.pop("limit", UNSET)

        explain = d.pop("explain", UNSET)

        rank_request = cls(
            movies=movies,
            user=user,
            ratings=ratings,
            scenario=scenario,
            limit=limit,
            explain=explain,
        )

        return rank_request
