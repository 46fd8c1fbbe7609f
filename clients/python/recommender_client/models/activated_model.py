from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ActivatedModel")


@_attrs_define
class ActivatedModel:
    """The model to serve.

    Attributes:
        version (str):
        anyway (bool | Unset): Also if the gate has refused it Default: False.
    """

    version: str
    anyway: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        anyway = self.anyway

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "version": version,
            }
        )
        if anyway is not UNSET:
            field_dict["anyway"] = anyway

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        version = d.pop("version")

        anyway = d.pop("anyway", UNSET)

        activated_model = cls(
            version=version,
            anyway=anyway,
        )

        return activated_model
