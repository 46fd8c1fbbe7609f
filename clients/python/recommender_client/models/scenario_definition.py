from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..models.scenario_definition_sources_item import (
    ScenarioDefinitionSourcesItem,
    check_scenario_definition_sources_item,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.attribute_boost import AttributeBoost
    from ..models.genre_boost import GenreBoost
    from ..models.pin import Pin
    from ..models.popularity_boost import PopularityBoost
    from ..models.recency_boost import RecencyBoost
    from ..models.scenario_filters import ScenarioFilters


T = TypeVar("T", bound="ScenarioDefinition")


@_attrs_define
class ScenarioDefinition:
    """What a place on a site wants of its lists.

    Attributes:
        filters (ScenarioFilters | Unset): Which movies may be in the lists; `exclude` bans movies.
        boosts (list[AttributeBoost | GenreBoost | PopularityBoost | RecencyBoost] | Unset):
        pins (list[Pin] | Unset):
        diversity (float | Unset):  Default: 0.0.
        number (int | Unset): Movies of a whole list; without it, all
        max_per_genre (int | Unset): Movies of one genre in a list, which needs `number`
        sources (list[ScenarioDefinitionSourcesItem] | Unset): Where movies come from: the first source that has some
            for the user, and behind them those of the next ones. `similar`: to the movie that was liked last
        exploration (float | Unset): Share of places for new movies Default: 0.0.
        not_again_days (int | Unset): A movie that was shown in this scenario, by `POST /feedback`, is not listed again
            for so many days; 0 for no limit Default: 0.
    """

    filters: ScenarioFilters | Unset = UNSET
    boosts: list[AttributeBoost | GenreBoost | PopularityBoost | RecencyBoost] | Unset = UNSET
    pins: list[Pin] | Unset = UNSET
    diversity: float | Unset = 0.0
    number: int | Unset = UNSET
    max_per_genre: int | Unset = UNSET
    sources: list[ScenarioDefinitionSourcesItem] | Unset = UNSET
    exploration: float | Unset = 0.0
    not_again_days: int | Unset = 0

    def to_dict(self) -> dict[str, Any]:
        from ..models.genre_boost import GenreBoost  # noqa: PLC0415
        from ..models.popularity_boost import PopularityBoost  # noqa: PLC0415
        from ..models.recency_boost import RecencyBoost  # noqa: PLC0415

        filters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.filters, Unset):
            filters = self.filters.to_dict()

        boosts: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.boosts, Unset):
            boosts = []
            for boosts_item_data in self.boosts:
                boosts_item: dict[str, Any]
                if isinstance(boosts_item_data, PopularityBoost):
                    boosts_item = boosts_item_data.to_dict()
                elif isinstance(boosts_item_data, RecencyBoost):
                    boosts_item = boosts_item_data.to_dict()
                elif isinstance(boosts_item_data, GenreBoost):
                    boosts_item = boosts_item_data.to_dict()
                else:
                    boosts_item = boosts_item_data.to_dict()

                boosts.append(boosts_item)

        pins: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.pins, Unset):
            pins = []
            for pins_item_data in self.pins:
                pins_item = pins_item_data.to_dict()
                pins.append(pins_item)

        diversity = self.diversity

        number = self.number

        max_per_genre = self.max_per_genre

        sources: list[str] | Unset = UNSET
        if not isinstance(self.sources, Unset):
            sources = []
            for sources_item_data in self.sources:
                sources_item: str = sources_item_data
                sources.append(sources_item)

        exploration = self.exploration

        not_again_days = self.not_again_days

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if filters is not UNSET:
            field_dict["filters"] = filters
        if boosts is not UNSET:
            field_dict["boosts"] = boosts
        if pins is not UNSET:
            field_dict["pins"] = pins
        if diversity is not UNSET:
            field_dict["diversity"] = diversity
        if number is not UNSET:
            field_dict["number"] = number
        if max_per_genre is not UNSET:
            field_dict["max_per_genre"] = max_per_genre
        if sources is not UNSET:
            field_dict["sources"] = sources
        if exploration is not UNSET:
            field_dict["exploration"] = exploration
        if not_again_days is not UNSET:
            field_dict["not_again_days"] = not_again_days

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attribute_boost import AttributeBoost  # noqa: PLC0415
        from ..models.genre_boost import GenreBoost  # noqa: PLC0415
        from ..models.pin import Pin  # noqa: PLC0415
        from ..models.popularity_boost import PopularityBoost  # noqa: PLC0415
        from ..models.recency_boost import RecencyBoost  # noqa: PLC0415
        from ..models.scenario_filters import ScenarioFilters  # noqa: PLC0415

        d = dict(src_dict)
        _filters = d.pop("filters", UNSET)
        filters: ScenarioFilters | Unset
        if isinstance(_filters, Unset):
            filters = UNSET
        else:
            filters = ScenarioFilters.from_dict(_filters)

        _boosts = d.pop("boosts", UNSET)
        boosts: list[AttributeBoost | GenreBoost | PopularityBoost | RecencyBoost] | Unset = UNSET
        if _boosts is not UNSET:
            boosts = []
            for boosts_item_data in _boosts:

                def _parse_boosts_item(
                    data: object,
                ) -> AttributeBoost | GenreBoost | PopularityBoost | RecencyBoost:
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        boosts_item_type_0 = PopularityBoost.from_dict(data)

                        return boosts_item_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        boosts_item_type_1 = RecencyBoost.from_dict(data)

                        return boosts_item_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        boosts_item_type_2 = GenreBoost.from_dict(data)

                        return boosts_item_type_2
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError()
                    boosts_item_type_3 = AttributeBoost.from_dict(data)

                    return boosts_item_type_3

                boosts_item = _parse_boosts_item(boosts_item_data)

                boosts.append(boosts_item)

        _pins = d.pop("pins", UNSET)
        pins: list[Pin] | Unset = UNSET
        if _pins is not UNSET:
            pins = []
            for pins_item_data in _pins:
                pins_item = Pin.from_dict(pins_item_data)

                pins.append(pins_item)

        diversity = d.pop("diversity", UNSET)

        number = d.pop("number", UNSET)

        max_per_genre = d.pop("max_per_genre", UNSET)

        _sources = d.pop("sources", UNSET)
        sources: list[ScenarioDefinitionSourcesItem] | Unset = UNSET
        if _sources is not UNSET:
            sources = []
            for sources_item_data in _sources:
                sources_item = check_scenario_definition_sources_item(sources_item_data)

                sources.append(sources_item)

        exploration = d.pop("exploration", UNSET)

        not_again_days = d.pop("not_again_days", UNSET)

        scenario_definition = cls(
            filters=filters,
            boosts=boosts,
            pins=pins,
            diversity=diversity,
            number=number,
            max_per_genre=max_per_genre,
            sources=sources,
            exploration=exploration,
            not_again_days=not_again_days,
        )

        return scenario_definition
