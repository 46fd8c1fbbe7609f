from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.arm_figures import ArmFigures
    from ..models.experiment_detail import ExperimentDetail
    from ..models.look import Look


T = TypeVar("T", bound="ExperimentReport")


@_attrs_define
class ExperimentReport:
    """How the arms of an experiment do; shadows are not among them, they are shown to nobody.

    Attributes:
        experiment (ExperimentDetail): An experiment: what it compares, and since when.
        at (datetime.datetime):
        arms (list[ArmFigures]): The first one is the control
        looks (list[Look]): As it would have been reported each day since the first users' time was over
        mismatch (bool): The arms have other numbers of users than their shares say, more than chance explains: lists or
            feedback of an arm get lost, and the comparison cannot be trusted
    """

    experiment: ExperimentDetail
    at: datetime.datetime
    arms: list[ArmFigures]
    looks: list[Look]
    mismatch: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        experiment = self.experiment.to_dict()

        at = self.at.isoformat()

        arms = []
        for arms_item_data in self.arms:
            arms_item = arms_item_data.to_dict()
            arms.append(arms_item)

        looks = []
        for looks_item_data in self.looks:
            looks_item = looks_item_data.to_dict()
            looks.append(looks_item)

        mismatch = self.mismatch

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "experiment": experiment,
                "at": at,
                "arms": arms,
                "looks": looks,
                "mismatch": mismatch,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.arm_figures import ArmFigures  # noqa: PLC0415
        from ..models.experiment_detail import ExperimentDetail  # noqa: PLC0415
        from ..models.look import Look  # noqa: PLC0415

        d = dict(src_dict)
        experiment = ExperimentDetail.from_dict(d.pop("experiment"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        arms = []
        _arms = d.pop("arms")
        for arms_item_data in _arms:
            arms_item = ArmFigures.from_dict(arms_item_data)

            arms.append(arms_item)

        looks = []
        _looks = d.pop("looks")
        for looks_item_data in _looks:
            looks_item = Look.from_dict(looks_item_data)

            looks.append(looks_item)

        mismatch = d.pop("mismatch")

        experiment_report = cls(
            experiment=experiment,
            at=at,
            arms=arms,
            looks=looks,
            mismatch=mismatch,
        )

        experiment_report.additional_properties = d
        return experiment_report

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
