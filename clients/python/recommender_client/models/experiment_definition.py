from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..models.experiment_definition_metric import (
    ExperimentDefinitionMetric,
    check_experiment_definition_metric,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.arm import Arm


T = TypeVar("T", bound="ExperimentDefinition")


@_attrs_define
class ExperimentDefinition:
    """What is compared, for whom, and by what.

    Attributes:
        arms (list[Arm]): The first one is the control
        scenario (str | Unset): Requests of this scenario take part; without it, those of none
        metric (ExperimentDefinitionMetric | Unset): A user is a success who did this with a movie of a list Default:
            'clicked'.
        days (int | Unset): Within so many days of the first list Default: 7.
        alpha (float | Unset): Probability of a false alarm, over all looks at it Default: 0.05.
    """

    arms: list[Arm]
    scenario: str | Unset = UNSET
    metric: ExperimentDefinitionMetric | Unset = "clicked"
    days: int | Unset = 7
    alpha: float | Unset = 0.05

    def to_dict(self) -> dict[str, Any]:
        arms = []
        for arms_item_data in self.arms:
            arms_item = arms_item_data.to_dict()
            arms.append(arms_item)

        scenario = self.scenario

        metric: str | Unset = UNSET
        if not isinstance(self.metric, Unset):
            metric = self.metric

        days = self.days

        alpha = self.alpha

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "arms": arms,
            }
        )
        if scenario is not UNSET:
            field_dict["scenario"] = scenario
        if metric is not UNSET:
            field_dict["metric"] = metric
        if days is not UNSET:
            field_dict["days"] = days
        if alpha is not UNSET:
            field_dict["alpha"] = alpha

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.arm import Arm  # noqa: PLC0415

        d = dict(src_dict)
        arms = []
        _arms = d.pop("arms")
        for arms_item_data in _arms:
            arms_item = Arm.from_dict(arms_item_data)

            arms.append(arms_item)

        scenario = d.pop("scenario", UNSET)

        _metric = d.pop("metric", UNSET)
        metric: ExperimentDefinitionMetric | Unset
        if isinstance(_metric, Unset):
            metric = UNSET
        else:
            metric = check_experiment_definition_metric(_metric)

        days = d.pop("days", UNSET)

        alpha = d.pop("alpha", UNSET)

        experiment_definition = cls(
            arms=arms,
            scenario=scenario,
            metric=metric,
            days=days,
            alpha=alpha,
        )

        return experiment_definition
