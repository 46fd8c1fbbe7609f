from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.verdict import Verdict, check_verdict

if TYPE_CHECKING:
    from ..models.bounds import Bounds


T = TypeVar("T", bound="ArmFigures")


@_attrs_define
class ArmFigures:
    """An arm now.

    Attributes:
        name (str):
        users (int): First shown a list of this arm at least `days` days before
        successes (int): Of these users
        rate (float | None): Share of successes, null without users
        rate_interval (Bounds | None): Null while there are too few users
        difference (float | None): Rate less that of the control; null for that
        interval (Bounds | None): Of the difference; null for the control, and while there are too few users
        share (float): Of all users
        waiting (int): Users whose time is not over yet; they do not count
        verdict (None | Verdict): `better` or `worse` from the day on which 0 is outside the interval for the first
            time, whatever comes later; null for the control
        decided_at (datetime.datetime | None): That day; null before
    """

    name: str
    users: int
    successes: int
    rate: float | None
    rate_interval: Bounds | None
    difference: float | None
    interval: Bounds | None
    share: float
    waiting: int
    verdict: None | Verdict
    decided_at: datetime.datetime | None
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

        share = self.share

        waiting = self.waiting

        verdict: None | str
        if isinstance(self.verdict, str):
            verdict = self.verdict
        else:
            verdict = self.verdict

        decided_at: None | str
        if isinstance(self.decided_at, datetime.datetime):
            decided_at = self.decided_at.isoformat()
        else:
            decided_at = self.decided_at

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
                "share": share,
                "waiting": waiting,
                "verdict": verdict,
                "decided_at": decided_at,
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

        share = d.pop("share")

        waiting = d.pop("waiting")

        def _parse_verdict(data: object) -> None | Verdict:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                verdict_type_0 = check_verdict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Verdict, data)

        verdict = _parse_verdict(d.pop("verdict"))

        def _parse_decided_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                decided_at_type_0 = datetime.datetime.fromisoformat(data)

                return decided_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        decided_at = _parse_decided_at(d.pop("decided_at"))

        arm_figures = cls(
            name=name,
            users=users,
            successes=successes,
            rate=rate,
            rate_interval=rate_interval,
            difference=difference,
            interval=interval,
            share=share,
            waiting=waiting,
            verdict=verdict,
            decided_at=decided_at,
        )

        arm_figures.additional_properties = d
        return arm_figures

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
