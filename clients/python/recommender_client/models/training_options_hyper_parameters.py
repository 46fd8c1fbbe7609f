from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="TrainingOptionsHyperParameters")


@_attrs_define
class TrainingOptionsHyperParameters:
    """Those that differ from what suits the size of the data, by name

    Attributes:
        n_hidden (int | Unset):  Default: 300.
        n_epochs (int | Unset):  Default: 60.
        batch_size (int | Unset):  Default: 50.
        cd_steps (int | Unset):  Default: 1.
        learning_rate_weights (float | Unset):  Default: 0.05.
        learning_rate_visible (float | Unset):  Default: 0.05.
        learning_rate_hidden (float | Unset):  Default: 0.05.
        momentum (float | Unset):  Default: 0.9.
        l2 (float | Unset):  Default: 0.015.
        l2_popularity_exponent (float | Unset):  Default: -0.3.
        averaged_share (float | Unset):  Default: 0.3.
        dislike_weight (float | Unset):  Default: 0.5.
        prior_scale (float | Unset):  Default: 1.5.
        prior_length (float | Unset):  Default: 0.5.
        coupling_strength (float | None | Unset):
        coupling_l2 (float | None | Unset):
        coupling_neighbours (int | Unset):  Default: 50.
        min_ratings (int | Unset):  Default: 1.
        classic (bool | Unset):  Default: False.
    """

    n_hidden: int | Unset = 300
    n_epochs: int | Unset = 60
    batch_size: int | Unset = 50
    cd_steps: int | Unset = 1
    learning_rate_weights: float | Unset = 0.05
    learning_rate_visible: float | Unset = 0.05
    learning_rate_hidden: float | Unset = 0.05
    momentum: float | Unset = 0.9
    l2: float | Unset = 0.015
    l2_popularity_exponent: float | Unset = -0.3
    averaged_share: float | Unset = 0.3
    dislike_weight: float | Unset = 0.5
    prior_scale: float | Unset = 1.5
    prior_length: float | Unset = 0.5
    coupling_strength: float | None | Unset = UNSET
    coupling_l2: float | None | Unset = UNSET
    coupling_neighbours: int | Unset = 50
    min_ratings: int | Unset = 1
    classic: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        n_hidden = self.n_hidden

        n_epochs = self.n_epochs

        batch_size = self.batch_size

        cd_steps = self.cd_steps

        learning_rate_weights = self.learning_rate_weights

        learning_rate_visible = self.learning_rate_visible

        learning_rate_hidden = self.learning_rate_hidden

        momentum = self.momentum

        l2 = self.l2

        l2_popularity_exponent = self.l2_popularity_exponent

        averaged_share = self.averaged_share

        dislike_weight = self.dislike_weight

        prior_scale = self.prior_scale

        prior_length = self.prior_length

        coupling_strength: float | None | Unset
        if isinstance(self.coupling_strength, Unset):
            coupling_strength = UNSET
        else:
            coupling_strength = self.coupling_strength

        coupling_l2: float | None | Unset
        if isinstance(self.coupling_l2, Unset):
            coupling_l2 = UNSET
        else:
            coupling_l2 = self.coupling_l2

        coupling_neighbours = self.coupling_neighbours

        min_ratings = self.min_ratings

        classic = self.classic

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if n_hidden is not UNSET:
            field_dict["n_hidden"] = n_hidden
        if n_epochs is not UNSET:
            field_dict["n_epochs"] = n_epochs
        if batch_size is not UNSET:
            field_dict["batch_size"] = batch_size
        if cd_steps is not UNSET:
            field_dict["cd_steps"] = cd_steps
        if learning_rate_weights is not UNSET:
            field_dict["learning_rate_weights"] = learning_rate_weights
        if learning_rate_visible is not UNSET:
            field_dict["learning_rate_visible"] = learning_rate_visible
        if learning_rate_hidden is not UNSET:
            field_dict["learning_rate_hidden"] = learning_rate_hidden
        if momentum is not UNSET:
            field_dict["momentum"] = momentum
        if l2 is not UNSET:
            field_dict["l2"] = l2
        if l2_popularity_exponent is not UNSET:
            field_dict["l2_popularity_exponent"] = l2_popularity_exponent
        if averaged_share is not UNSET:
            field_dict["averaged_share"] = averaged_share
        if dislike_weight is not UNSET:
            field_dict["dislike_weight"] = dislike_weight
        if prior_scale is not UNSET:
            field_dict["prior_scale"] = prior_scale
        if prior_length is not UNSET:
            field_dict["prior_length"] = prior_length
        if coupling_strength is not UNSET:
            field_dict["coupling_strength"] = coupling_strength
        if coupling_l2 is not UNSET:
            field_dict["coupling_l2"] = coupling_l2
        if coupling_neighbours is not UNSET:
            field_dict["coupling_neighbours"] = coupling_neighbours
        if min_ratings is not UNSET:
            field_dict["min_ratings"] = min_ratings
        if classic is not UNSET:
            field_dict["classic"] = classic

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        n_hidden = d.pop("n_hidden", UNSET)

        n_epochs = d.pop("n_epochs", UNSET)

        batch_size = d.pop("batch_size", UNSET)

        cd_steps = d.pop("cd_steps", UNSET)

        learning_rate_weights = d.pop("learning_rate_weights", UNSET)

        learning_rate_visible = d.pop("learning_rate_visible", UNSET)

        learning_rate_hidden = d.pop("learning_rate_hidden", UNSET)

        momentum = d.pop("momentum", UNSET)

        l2 = d.pop("l2", UNSET)

        l2_popularity_exponent = d.pop("l2_popularity_exponent", UNSET)

        averaged_share = d.pop("averaged_share", UNSET)

        dislike_weight = d.pop("dislike_weight", UNSET)

        prior_scale = d.pop("prior_scale", UNSET)

        prior_length = d.pop("prior_length", UNSET)

        def _parse_coupling_strength(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        coupling_strength = _parse_coupling_strength(d.pop("coupling_strength", UNSET))

        def _parse_coupling_l2(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        coupling_l2 = _parse_coupling_l2(d.pop("coupling_l2", UNSET))

        coupling_neighbours = d.pop("coupling_neighbours", UNSET)

        min_ratings = d.pop("min_ratings", UNSET)

        classic = d.pop("classic", UNSET)

        training_options_hyper_parameters = cls(
            n_hidden=n_hidden,
            n_epochs=n_epochs,
            batch_size=batch_size,
            cd_steps=cd_steps,
            learning_rate_weights=learning_rate_weights,
            learning_rate_visible=learning_rate_visible,
            learning_rate_hidden=learning_rate_hidden,
            momentum=momentum,
            l2=l2,
            l2_popularity_exponent=l2_popularity_exponent,
            averaged_share=averaged_share,
            dislike_weight=dislike_weight,
            prior_scale=prior_scale,
            prior_length=prior_length,
            coupling_strength=coupling_strength,
            coupling_l2=coupling_l2,
            coupling_neighbours=coupling_neighbours,
            min_ratings=min_ratings,
            classic=classic,
        )

        return training_options_hyper_parameters
