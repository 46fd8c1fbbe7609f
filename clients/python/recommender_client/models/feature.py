from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.feature_genre import FeatureGenre
    from ..models.feature_movie import FeatureMovie


T = TypeVar("T", bound="Feature")


@_attrs_define
class Feature:
    """A hidden unit, by the movies and genres that define it.

    Attributes:
        unit (int): Number of the unit in the model
        name (str): The titles of the two movies whose likes tell most about it, shortened; it is no category
        importance (float): Variance of the input of the unit between users
        genres (list[FeatureGenre]): Up to three, by falling lift
        on (list[FeatureMovie]): Movies whose likes switch it on
        off (list[FeatureMovie]): Movies whose likes switch it off
    """

    unit: int
    name: str
    importance: float
    genres: list[FeatureGenre]
    on: list[FeatureMovie]
    off: list[FeatureMovie]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        unit = self.unit

        name = self.name

        importance = self.importance

        genres = []
        for genres_item_data in self.genres:
            genres_item = genres_item_data.to_dict()
            genres.append(genres_item)

        on = []
        for on_item_data in self.on:
            on_item = on_item_data.to_dict()
            on.append(on_item)

        off = []
        for off_item_data in self.off:
            off_item = off_item_data.to_dict()
            off.append(off_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "unit": unit,
                "name": name,
                "importance": importance,
                "genres": genres,
                "on": on,
                "off": off,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.feature_genre import FeatureGenre  # noqa: PLC0415
        from ..models.feature_movie import FeatureMovie  # noqa: PLC0415

        d = dict(src_dict)
        unit = d.pop("unit")

        name = d.pop("name")

        importance = d.pop("importance")

        genres = []
        _genres = d.pop("genres")
        for genres_item_data in _genres:
            genres_item = FeatureGenre.from_dict(genres_item_data)

            genres.append(genres_item)

        on = []
        _on = d.pop("on")
        for on_item_data in _on:
            on_item = FeatureMovie.from_dict(on_item_data)

            on.append(on_item)

        off = []
        _off = d.pop("off")
        for off_item_data in _off:
            off_item = FeatureMovie.from_dict(off_item_data)

            off.append(off_item)

        feature = cls(
            unit=unit,
            name=name,
            importance=importance,
            genres=genres,
            on=on,
            off=off,
        )

        feature.additional_properties = d
        return feature

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
