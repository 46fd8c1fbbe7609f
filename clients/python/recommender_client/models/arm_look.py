from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.bounds import Bounds


T = TypeVar("T", bound="ArmLook")


@_attrs_define
class ArmLook:
    """An arm at one moment; only users whose time is over count, successful or not.

    Attributes:
        name (str):
        users (int): First shown a list of this arm at least `days` days before
        successes (int): Of these users
        rate (float | None): Share of successes, null without users
        rate_interval (Bounds | None): Null while there are too few users
        difference (float | None): Rate less that of the control; null for that
        interval (Bounds | None): Of the difference; null for the control, and while there are too few users
    """

    name: str
    users: int
    successes: int
    rate: float | None
    rate_interval: Bounds | None
    difference: float | None
    interval: Bounds | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.bounds import Bounds  # noqa: PLC0415

        name = self.name

        users = self.users

        successes = self.successes

        rate: float | None
        rate = self.rate

        rate_interval: dict[str, Any] | None
        if isinstance(self.rate_interval, Bounds):
            rate_interval = self.rate_interval.to_dict()
        else:
            rate_interval = self.rate_interval

        difference: float | None
        difference = self.difference

        interval: dict[str, Any] | None
        if isinstance(self.interval, Bounds):
            interval = self.interval.to_dict()
        else:
            interval = self.interval

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "users": users,
                "successes": successes,
                "rate": rate,
                "rate_interval": rate_interval,
                "difference": difference,
                "interval": interval,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.bounds import Bounds  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        users = d.pop("users")

        successes = d.pop("successes")

        def _parse_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        rate = _parse_rate(d.pop("rate"))

        def _parse_rate_interval(data: object) -> Bounds | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                rate_interval_type_0 = Bounds.from_dict(data)

                return rate_interval_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Bounds | None, data)

        rate_interval = _parse_rate_interval(d.pop("rate_interval"))

        def _parse_difference(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        difference = _parse_difference(d.pop("difference"))

        def _parse_interval(data: object) -> Bounds | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                interval_type_0 = Bounds.from_dict(data)

                return interval_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Bounds | None, data)

        interval = _parse_interval(d.pop("interval"))

        arm_look = cls(
            name=name,
            users=users,
            successes=successes,
            rate=rate,
            rate_interval=rate_interval,
            difference=difference,
            interval=interval,
        )

        arm_look.additional_properties = d
        return arm_look

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
