from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ready_degraded_type_0 import (
    ReadyDegradedType0,
    check_ready_degraded_type_0,
)
from ..models.source import Source, check_source
from ..types import UNSET, Unset

T = TypeVar("T", bound="Ready")


@_attrs_define
class Ready:
    """The service can do its work.

    Attributes:
        source (Source): The source of a list, or of a movie in it.
        model (None | str): Version that this process serves
        active (None | str): Version that the database names; soon the same
        degraded (None | ReadyDegradedType0): What is away. `database`: requests that do not need it are answered from
            memory. `no_model`: all lists are popular. `model_store`: no other model can be served
        status (Literal['ready'] | Unset):  Default: 'ready'.
    """

    source: Source
    model: None | str
    active: None | str
    degraded: None | ReadyDegradedType0
    status: Literal["ready"] | Unset = "ready"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        source: str = self.source

        model: None | str
        model = self.model

        active: None | str
        active = self.active

        degraded: None | str
        if isinstance(self.degraded, str):
            degraded = self.degraded
        else:
            degraded = self.degraded

        status = self.status

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "source": source,
                "model": model,
                "active": active,
                "degraded": degraded,
            }
        )
        if status is not UNSET:
            field_dict["status"] = status

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        source = check_source(d.pop("source"))

        def _parse_model(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model = _parse_model(d.pop("model"))

        def _parse_active(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        active = _parse_active(d.pop("active"))

        def _parse_degraded(data: object) -> None | ReadyDegradedType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                degraded_type_0 = check_ready_degraded_type_0(data)

                return degraded_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReadyDegradedType0, data)

        degraded = _parse_degraded(d.pop("degraded"))

        status = cast(Literal["ready"] | Unset, d.pop("status", UNSET))
        if status != "ready" and not isinstance(status, Unset):
            raise ValueError(f"status must match const 'ready', got '{status}'")

        ready = cls(
            source=source,
            model=model,
            active=active,
            degraded=degraded,
            status=status,
        )

        ready.additional_properties = d
        return ready

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
