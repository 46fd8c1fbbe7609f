from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.rate import Rate


T = TypeVar("T", bound="FeedbackRow")


@_attrs_define
class FeedbackRow:
    """What came of the lists of one model, scenario, place, experiment and arm.

    A part that the report is not by is null; so is one that the lists had not.

        Attributes:
            users (int): To whom something was shown; each anonymous showing is one
            shown (int):
            clicked (int):
            watched (int):
            dismissed (int):
            click_through (None | Rate): Clicked of what was shown; null where nothing was shown
            conversion (None | Rate): The same for watched
            dismissal (None | Rate): The same for dismissed
            model (None | str | Unset):
            scenario (None | str | Unset):
            place (None | str | Unset):
            experiment (None | str | Unset):
            arm (None | str | Unset):
    """

    users: int
    shown: int
    clicked: int
    watched: int
    dismissed: int
    click_through: None | Rate
    conversion: None | Rate
    dismissal: None | Rate
    model: None | str | Unset = UNSET
    scenario: None | str | Unset = UNSET
    place: None | str | Unset = UNSET
    experiment: None | str | Unset = UNSET
    arm: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.rate import Rate  # noqa: PLC0415

        users = self.users

        shown = self.shown

        clicked = self.clicked

        watched = self.watched

        dismissed = self.dismissed

        click_through: dict[str, Any] | None
        if isinstance(self.click_through, Rate):
            click_through = self.click_through.to_dict()
        else:
            click_through = self.click_through

        conversion: dict[str, Any] | None
        if isinstance(self.conversion, Rate):
            conversion = self.conversion.to_dict()
        else:
            conversion = self.conversion

        dismissal: dict[str, Any] | None
        if isinstance(self.dismissal, Rate):
            dismissal = self.dismissal.to_dict()
        else:
            dismissal = self.dismissal

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        scenario: None | str | Unset
        if isinstance(self.scenario, Unset):
            scenario = UNSET
        else:
            scenario = self.scenario

        place: None | str | Unset
        if isinstance(self.place, Unset):
            place = UNSET
        else:
            place = self.place

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
                "users": users,
                "shown": shown,
                "clicked": clicked,
                "watched": watched,
                "dismissed": dismissed,
                "click_through": click_through,
                "conversion": conversion,
                "dismissal": dismissal,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if scenario is not UNSET:
            field_dict["scenario"] = scenario
        if place is not UNSET:
            field_dict["place"] = place
        if experiment is not UNSET:
            field_dict["experiment"] = experiment
        if arm is not UNSET:
            field_dict["arm"] = arm

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rate import Rate  # noqa: PLC0415

        d = dict(src_dict)
        users = d.pop("users")

        shown = d.pop("shown")

        clicked = d.pop("clicked")

        watched = d.pop("watched")

        dismissed = d.pop("dismissed")

        def _parse_click_through(data: object) -> None | Rate:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                click_through_type_0 = Rate.from_dict(data)

                return click_through_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Rate, data)

        click_through = _parse_click_through(d.pop("click_through"))

        def _parse_conversion(data: object) -> None | Rate:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                conversion_type_0 = Rate.from_dict(data)

                return conversion_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Rate, data)

        conversion = _parse_conversion(d.pop("conversion"))

        def _parse_dismissal(data: object) -> None | Rate:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                dismissal_type_0 = Rate.from_dict(data)

                return dismissal_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Rate, data)

        dismissal = _parse_dismissal(d.pop("dismissal"))

        def _parse_model(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_scenario(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        scenario = _parse_scenario(d.pop("scenario", UNSET))

        def _parse_place(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        place = _parse_place(d.pop("place", UNSET))

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

        feedback_row = cls(
            users=users,
            shown=shown,
            clicked=clicked,
            watched=watched,
            dismissed=dismissed,
            click_through=click_through,
            conversion=conversion,
            dismissal=dismissal,
            model=model,
            scenario=scenario,
            place=place,
            experiment=experiment,
            arm=arm,
        )

        feedback_row.additional_properties = d
        return feedback_row

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
