from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.attribute_boost import AttributeBoost
    from ..models.genre_boost import GenreBoost
    from ..models.popularity_boost import PopularityBoost
    from ..models.recency_boost import RecencyBoost


T = TypeVar("T", bound="Arm")


@_attrs_define
class Arm:
    """One of the things that an experiment compares; what is left out is as without it.

    Attributes:
        name (str): Small letters, digits, `-` and `_`
        share (float): Of all users; 0 for a shadow
        model (str | Unset): Version that answers
        scenario (str | Unset): Answers in place of the experiment's
        boosts (list[AttributeBoost | GenreBoost | PopularityBoost | RecencyBoost] | Unset): Added to those of the
            scenario
        shadow (bool | Unset): Answers nobody; its lists are compared with those shown Default: False.
    """

    name: str
    share: float
    model: str | Unset = UNSET
    scenario: str | Unset = UNSET
    boosts: list[AttributeBoost | GenreBoost | PopularityBoost | RecencyBoost] | Unset = UNSET
    shadow: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        from ..models.genre_boost import GenreBoost  # noqa: PLC0415
        from ..models.popularity_boost import PopularityBoost  # noqa: PLC0415
        from ..models.recency_boost import RecencyBoost  # noqa: PLC0415

        name = self.name

        share = self.share

        model = self.model

        scenario = self.scenario

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

        shadow = self.shadow

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "share": share,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if scenario is not UNSET:
            field_dict["scenario"] = scenario
        if boosts is not UNSET:
            field_dict["boosts"] = boosts
        if shadow is not UNSET:
            field_dict["shadow"] = shadow

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attribute_boost import AttributeBoost  # noqa: PLC0415
        from ..models.genre_boost import GenreBoost  # noqa: PLC0415
        from ..models.popularity_boost import PopularityBoost  # noqa: PLC0415
        from ..models.recency_boost import RecencyBoost  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        share = d.pop("share")

        model = d.pop("model", UNSET)

        scenario = d.pop("scenario", UNSET)

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

        shadow = d.pop("shadow", UNSET)

        arm = cls(
            name=name,
            share=share,
            model=model,
            scenario=scenario,
            boosts=boosts,
            shadow=shadow,
        )

        return arm
