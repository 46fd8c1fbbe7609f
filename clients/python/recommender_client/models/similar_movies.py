from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.likeness import Likeness, check_likeness
from ..models.reason import Reason, check_reason
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.similar_movie import SimilarMovie


T = TypeVar("T", bound="SimilarMovies")


@_attrs_define
class SimilarMovies:
    """Movies that the same users like, the most similar first.

    Attributes:
        movie_id (int | str):
        model (None | str): Version that is served; null before the first
        source (Likeness): What movies are compared by.
        reason (None | Reason): Why only genres are compared; null otherwise
        items (list[SimilarMovie]):
        ignored_genres (list[str] | Unset): Genres of the filters that no movie has, so that they were ignored; left out
            where there is none
    """

    movie_id: int | str
    model: None | str
    source: Likeness
    reason: None | Reason
    items: list[SimilarMovie]
    ignored_genres: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

        model: None | str
        model = self.model

        source: str = self.source

        reason: None | str
        if isinstance(self.reason, str):
            reason = self.reason
        else:
            reason = self.reason

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        ignored_genres: list[str] | Unset = UNSET
        if not isinstance(self.ignored_genres, Unset):
            ignored_genres = self.ignored_genres

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "model": model,
                "source": source,
                "reason": reason,
                "items": items,
            }
        )
        if ignored_genres is not UNSET:
            field_dict["ignored_genres"] = ignored_genres

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.similar_movie import SimilarMovie  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        def _parse_model(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model = _parse_model(d.pop("model"))

        source = check_likeness(d.pop("source"))

        def _parse_reason(data: object) -> None | Reason:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = check_reason(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Reason, data)

        reason = _parse_reason(d.pop("reason"))

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = SimilarMovie.from_dict(items_item_data)

            items.append(items_item)

        ignored_genres = cast(list[str], d.pop("ignored_genres", UNSET))

        similar_movies = cls(
            movie_id=movie_id,
            model=model,
            source=source,
            reason=reason,
            items=items,
            ignored_genres=ignored_genres,
        )

        similar_movies.additional_properties = d
        return similar_movies

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
