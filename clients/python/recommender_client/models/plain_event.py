from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.plain_event_kind import PlainEventKind, check_plain_event_kind
from ..types import UNSET, Unset

T = TypeVar("T", bound="PlainEvent")


@_attrs_define
class PlainEvent:
    """The user did something that has no number.

    Attributes:
        user (str):
        movie_id (int | str):
        kind (PlainEventKind):
        event_id (None | str | Unset): Your id of this event, with which it may be sent again; without one, it follows
            from all other fields
        occurred_at (datetime.datetime | None | Unset): When, in ISO 8601 with a time zone; now, where left out
    """

    user: str
    movie_id: int | str
    kind: PlainEventKind
    event_id: None | str | Unset = UNSET
    occurred_at: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user = self.user

        movie_id: int | str
        movie_id = self.movie_id

        kind: str = self.kind

        event_id: None | str | Unset
        if isinstance(self.event_id, Unset):
            event_id = UNSET
        else:
            event_id = self.event_id

        occurred_at: None | str | Unset
        if isinstance(self.occurred_at, Unset):
            occurred_at = UNSET
        elif isinstance(self.occurred_at, datetime.datetime):
            occurred_at = self.occurred_at.isoformat()
        else:
            occurred_at = self.occurred_at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user": user,
                "movie_id": movie_id,
                "kind": kind,
            }
        )
        if event_id is not UNSET:
            field_dict["event_id"] = event_id
        if occurred_at is not UNSET:
            field_dict["occurred_at"] = occurred_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        user = d.pop("user")

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        kind = check_plain_event_kind(d.pop("kind"))

        def _parse_event_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        event_id = _parse_event_id(d.pop("event_id", UNSET))

        def _parse_occurred_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                occurred_at_type_0 = datetime.datetime.fromisoformat(data)

                return occurred_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        occurred_at = _parse_occurred_at(d.pop("occurred_at", UNSET))

        plain_event = cls(
            user=user,
            movie_id=movie_id,
            kind=kind,
            event_id=event_id,
            occurred_at=occurred_at,
        )

        return plain_event
