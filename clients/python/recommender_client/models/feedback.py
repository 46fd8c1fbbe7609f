from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.feedback_kind import FeedbackKind, check_feedback_kind

T = TypeVar("T", bound="Feedback")


@_attrs_define
class Feedback:
    """Feedback as it is stored.

    Attributes:
        feedback_id (str):
        movie_id (int | str):
        kind (FeedbackKind):
        model (None | str): Version that made the list; null without a model
        scenario (None | str):
        experiment (None | str):
        arm (None | str):
        place (None | str):
        occurred_at (datetime.datetime):
    """

    feedback_id: str
    movie_id: int | str
    kind: FeedbackKind
    model: None | str
    scenario: None | str
    experiment: None | str
    arm: None | str
    place: None | str
    occurred_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        feedback_id = self.feedback_id

        movie_id: int | str
        movie_id = self.movie_id

        kind: str = self.kind

        model: None | str
        model = self.model

        scenario: None | str
        scenario = self.scenario

        experiment: None | str
        experiment = self.experiment

        arm: None | str
        arm = self.arm

        place: None | str
        place = self.place

        occurred_at = self.occurred_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "feedback_id": feedback_id,
                "movie_id": movie_id,
                "kind": kind,
                "model": model,
                "scenario": scenario,
                "experiment": experiment,
                "arm": arm,
                "place": place,
                "occurred_at": occurred_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        feedback_id = d.pop("feedback_id")

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        kind = check_feedback_kind(d.pop("kind"))

        def _parse_model(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model = _parse_model(d.pop("model"))

        def _parse_scenario(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        scenario = _parse_scenario(d.pop("scenario"))

        def _parse_experiment(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        experiment = _parse_experiment(d.pop("experiment"))

        def _parse_arm(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        arm = _parse_arm(d.pop("arm"))

        def _parse_place(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        place = _parse_place(d.pop("place"))

        occurred_at = datetime.datetime.fromisoformat(d.pop("occurred_at"))

        feedback = cls(
            feedback_id=feedback_id,
            movie_id=movie_id,
            kind=kind,
            model=model,
            scenario=scenario,
            experiment=experiment,
            arm=arm,
            place=place,
            occurred_at=occurred_at,
        )

        feedback.additional_properties = d
        return feedback

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
