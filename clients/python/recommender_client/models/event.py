from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.event_kind import EventKind, check_event_kind

T = TypeVar("T", bound="Event")


@_attrs_define
class Event:
    """An event as it is stored.

    Attributes:
        event_id (str):
        movie_id (int | str):
        kind (EventKind):
        stars (float | None): Null of other kinds than `rated`
        share (float | None): Null of other kinds than `watched`, or not known
        occurred_at (datetime.datetime):
    """

    event_id: str
    movie_id: int | str
    kind: EventKind
    stars: float | None
    share: float | None
    occurred_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        event_id = self.event_id

        movie_id: int | str
        movie_id = self.movie_id

        kind: str = self.kind

        stars: float | None
        stars = self.stars

        share: float | None
        share = self.share

        occurred_at = self.occurred_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "event_id": event_id,
                "movie_id": movie_id,
                "kind": kind,
                "stars": stars,
                "share": share,
                "occurred_at": occurred_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        event_id = d.pop("event_id")

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        kind = check_event_kind(d.pop("kind"))

        def _parse_stars(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        stars = _parse_stars(d.pop("stars"))

        def _parse_share(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        share = _parse_share(d.pop("share"))

        occurred_at = datetime.datetime.fromisoformat(d.pop("occurred_at"))

        event = cls(
            event_id=event_id,
            movie_id=movie_id,
            kind=kind,
            stars=stars,
            share=share,
            occurred_at=occurred_at,
        )

        event.additional_properties = d
        return event

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
