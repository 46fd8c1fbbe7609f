from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.training_options_hyper_parameters import TrainingOptionsHyperParameters


T = TypeVar("T", bound="TrainingOptions")


@_attrs_define
class TrainingOptions:
    """What a training is asked to do.

    Attributes:
        from_scratch (bool | Unset): Begin with small random weights, not with the active model Default: False.
        start (None | str | Unset): Version of the model to begin with in place of the active one
        publish_anyway (bool | Unset): Publish what the gate refuses, and record that it would have Default: False.
        seed (int | Unset): Seed of everything random Default: 0.
        hyper_parameters (TrainingOptionsHyperParameters | Unset): Those that differ from what suits the size of the
            data, by name
    """

    from_scratch: bool | Unset = False
    start: None | str | Unset = UNSET
    publish_anyway: bool | Unset = False
    seed: int | Unset = 0
    hyper_parameters: TrainingOptionsHyperParameters | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from_scratch = self.from_scratch

        start: None | str | Unset
        if isinstance(self.start, Unset):
            start = UNSET
        else:
            start = self.start

        publish_anyway = self.publish_anyway

        seed = self.seed

        hyper_parameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.hyper_parameters, Unset):
            hyper_parameters = self.hyper_parameters.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if from_scratch is not UNSET:
            field_dict["from_scratch"] = from_scratch
        if start is not UNSET:
            field_dict["start"] = start
        if publish_anyway is not UNSET:
            field_dict["publish_anyway"] = publish_anyway
        if seed is not UNSET:
            field_dict["seed"] = seed
        if hyper_parameters is not UNSET:
            field_dict["hyper_parameters"] = hyper_parameters

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.training_options_hyper_parameters import (
            TrainingOptionsHyperParameters,  # noqa: PLC0415
        )

        d = dict(src_dict)
        from_scratch = d.pop("from_scratch", UNSET)

        def _parse_start(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        start = _parse_start(d.pop("start", UNSET))

        publish_anyway = d.pop("publish_anyway", UNSET)

        seed = d.pop("seed", UNSET)

        _hyper_parameters = d.pop("hyper_parameters", UNSET)
        hyper_parameters: TrainingOptionsHyperParameters | Unset
        if isinstance(_hyper_parameters, Unset):
            hyper_parameters = UNSET
        else:
            hyper_parameters = TrainingOptionsHyperParameters.from_dict(_hyper_parameters)

        training_options = cls(
            from_scratch=from_scratch,
            start=start,
            publish_anyway=publish_anyway,
            seed=seed,
            hyper_parameters=hyper_parameters,
        )

        return training_options
