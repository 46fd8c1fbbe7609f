from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.scenario_definition import ScenarioDefinition


T = TypeVar("T", bound="ScenarioDetail")


@_attrs_define
class ScenarioDetail:
    """A scenario in use, and who changed it last.

    Attributes:
        name (str):
        version (int): 1 for the first, one more with each change
        definition (ScenarioDefinition): What a place on a site wants of its lists.
        changed_at (datetime.datetime):
        changed_by (str):
    """

    name: str
    version: int
    definition: ScenarioDefinition
    changed_at: datetime.datetime
    changed_by: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        version = self.version

        definition = self.definition.to_dict()

        changed_at = self.changed_at.isoformat()

        changed_by = self.changed_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "version": version,
                "definition": definition,
                "changed_at": changed_at,
                "changed_by": changed_by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.scenario_definition import ScenarioDefinition  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        version = d.pop("version")

        definition = ScenarioDefinition.from_dict(d.pop("definition"))

        changed_at = datetime.datetime.fromisoformat(d.pop("changed_at"))

        changed_by = d.pop("changed_by")

        scenario_detail = cls(
            name=name,
            version=version,
            definition=definition,
            changed_at=changed_at,
            changed_by=changed_by,
        )

        scenario_detail.additional_properties = d
        return scenario_detail

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
