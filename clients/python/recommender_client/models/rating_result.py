from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.rating_result_status import RatingResultStatus, check_rating_result_status

if TYPE_CHECKING:
    from ..models.error_body import ErrorBody
    from ..models.rating import Rating


T = TypeVar("T", bound="RatingResult")


@_attrs_define
class RatingResult:
    """The result for one rating, as if it had been sent alone.

    Attributes:
        movie_id (int | str):
        status (RatingResultStatus): 201 created, 200 replaced, 404 there is no such movie
        rating (None | Rating): As it is stored; null where there is no such movie
        error (ErrorBody | None): What was wrong; null where nothing was
    """

    movie_id: int | str
    status: RatingResultStatus
    rating: None | Rating
    error: ErrorBody | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.error_body import ErrorBody  # noqa: PLC0415
        from ..models.rating import Rating  # noqa: PLC0415

        movie_id: int | str
        movie_id = self.movie_id

        status: int = self.status

        rating: dict[str, Any] | None
        if isinstance(self.rating, Rating):
            rating = self.rating.to_dict()
        else:
            rating = self.rating

        error: dict[str, Any] | None
        if isinstance(self.error, ErrorBody):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "status": status,
                "rating": rating,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.error_body import ErrorBody  # noqa: PLC0415
        from ..models.rating import Rating  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        status = check_rating_result_status(d.pop("status"))

        def _parse_rating(data: object) -> None | Rating:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                rating_type_0 = Rating.from_dict(data)

                return rating_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Rating, data)

        rating = _parse_rating(d.pop("rating"))

        def _parse_error(data: object) -> ErrorBody | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = ErrorBody.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ErrorBody | None, data)

        error = _parse_error(d.pop("error"))

        rating_result = cls(
            movie_id=movie_id,
            status=status,
            rating=rating,
            error=error,
        )

        rating_result.additional_properties = d
        return rating_result

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
