from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.reason import Reason, check_reason
from ..models.source import Source, check_source
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.left_out import LeftOut
    from ..models.recommended_movie import RecommendedMovie


T = TypeVar("T", bound="RankedMovies")


@_attrs_define
class RankedMovies:
    """The movies of a request, the best first.

    Attributes:
        user (None | str): Null where the ratings came with the request
        recommendation_id (str): What `POST /feedback` about the list refers to
        model (None | str): Version that is served; null before the first
        source (Source): The source of a list, or of a movie in it.
        reason (None | Reason): Why the list is not personal; null when it is, or need not be
        items (list[RecommendedMovie]):
        left_out (list[LeftOut]): In the order of the request
        scenario (None | str | Unset): That was asked for; left out without one
        experiment (None | str | Unset): That the user takes part in; left out where in none
        arm (None | str | Unset): Of the experiment, that answers
    """

    user: None | str
    recommendation_id: str
    model: None | str
    source: Source
    reason: None | Reason
    items: list[RecommendedMovie]
    left_out: list[LeftOut]
    scenario: None | str | Unset = UNSET
    experiment: None | str | Unset = UNSET
    arm: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user: None | str
        user = self.user

        recommendation_id = self.recommendation_id

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

        left_out = []
        for left_out_item_data in self.left_out:
            left_out_item = left_out_item_data.to_dict()
            left_out.append(left_out_item)

        scenario: None | str | Unset
        if isinstance(self.scenario, Unset):
            scenario = UNSET
        else:
            scenario = self.scenario

        experiment: None | str | Unset
        if isinstance(self.experiment, Unset):
            experiment = UNSET
        else:
            experiment = self.experiment

        arm: None | str | Unset
        if isinstance(self.arm, Unset):
            arm = UNSET
        else:
            arm = self.arm

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user": user,
                "recommendation_id": recommendation_id,
                "model": model,
                "source": source,
                "reason": reason,
                "items": items,
                "left_out": left_out,
            }
        )
        if scenario is not UNSET:
            field_dict["scenario"] = scenario
        if experiment is not UNSET:
            field_dict["experiment"] = experiment
        if arm is not UNSET:
            field_dict["arm"] = arm

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.left_out import LeftOut  # noqa: PLC0415
        from ..models.recommended_movie import RecommendedMovie  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        user = _parse_user(d.pop("user"))

        recommendation_id = d.pop("recommendation_id")

        def _parse_model(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model = _parse_model(d.pop("model"))

        source = check_source(d.pop("source"))

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
            items_item = RecommendedMovie.from_dict(items_item_data)

            items.append(items_item)

        left_out = []
        _left_out = d.pop("left_out")
        for left_out_item_data in _left_out:
            left_out_item = LeftOut.from_dict(left_out_item_data)

            left_out.append(left_out_item)

        def _parse_scenario(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        scenario = _parse_scenario(d.pop("scenario", UNSET))

        def _parse_experiment(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        experiment = _parse_experiment(d.pop("experiment", UNSET))

        def _parse_arm(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        arm = _parse_arm(d.pop("arm", UNSET))

        ranked_movies = cls(
            user=user,
            recommendation_id=recommendation_id,
            model=model,
            source=source,
            reason=reason,
            items=items,
            left_out=left_out,
            scenario=scenario,
            experiment=experiment,
            arm=arm,
        )

        ranked_movies.additional_properties = d
        return ranked_movies

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
