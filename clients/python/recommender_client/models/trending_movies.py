from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.trending_movie import TrendingMovie


T = TypeVar("T", bound="TrendingMovies")


@_attrs_define
class TrendingMovies:
    """A page of the movies that are liked lately, the most liked first.

    Attributes:
        items (list[TrendingMovie]):
        next_ (None | str): Cursor of the next page; null at the end
        ignored_genres (list[str] | Unset): Genres of the filters that no movie has, so that they were ignored; left out
            where there is none
    """

    items: list[TrendingMovie]
    next_: None | str
    ignored_genres: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        next_: None | str
        next_ = self.next_

        ignored_genres: list[str] | Unset = UNSET
        if not isinstance(self.ignored_genres, Unset):
            ignored_genres = self.ignored_genres

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "items": items,
                "next": next_,
            }
        )
        if ignored_genres is not UNSET:
            field_dict["ignored_genres"] = ignored_genres

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.trending_movie import TrendingMovie  # noqa: PLC0415

        d = dict(src_dict)
        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = TrendingMovie.from_dict(items_item_data)

            items.append(items_item)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        ignored_genres = cast(list[str], d.pop("ignored_genres", UNSET))

        trending_movies = cls(
            items=items,
            next_=next_,
            ignored_genres=ignored_genres,
        )

        trending_movies.additional_properties = d
        return trending_movies

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
