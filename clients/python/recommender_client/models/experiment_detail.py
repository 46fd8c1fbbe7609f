from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.experiment_definition import ExperimentDefinition


T = TypeVar("T", bound="ExperimentDetail")


@_attrs_define
class ExperimentDetail:
    """An experiment: what it compares, and since when.

    Attributes:
        name (str):
        state (str): `running`, or `stopped` for good
        definition (ExperimentDefinition): What is compared, for whom, and by what.
        begun_at (datetime.datetime):
        ended_at (datetime.datetime | None):
        winner (None | str): The arm that was promoted at the end
    """

    name: str
    state: str
    definition: ExperimentDefinition
    begun_at: datetime.datetime
    ended_at: datetime.datetime | None
    winner: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        state = self.state

        definition = self.definition.to_dict()

        begun_at = self.begun_at.isoformat()

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        winner: None | str
        winner = self.winner

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "state": state,
                "definition": definition,
                "begun_at": begun_at,
                "ended_at": ended_at,
                "winner": winner,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.experiment_definition import ExperimentDefinition  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        state = d.pop("state")

        definition = ExperimentDefinition.from_dict(d.pop("definition"))

        begun_at = datetime.datetime.fromisoformat(d.pop("begun_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        def _parse_winner(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        winner = _parse_winner(d.pop("winner"))

        experiment_detail = cls(
            name=name,
            state=state,
            definition=definition,
            begun_at=begun_at,
            ended_at=ended_at,
            winner=winner,
        )

        experiment_detail.additional_properties = d
        return experiment_detail

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
