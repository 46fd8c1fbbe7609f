from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.plain_event import PlainEvent
    from ..models.rated_event import RatedEvent
    from ..models.watched_event import WatchedEvent


T = TypeVar("T", bound="EventsRequest")


@_attrs_define
class EventsRequest:
    """Events of many users, in the order in which they happened.

    Attributes:
        events (list[PlainEvent | RatedEvent | WatchedEvent]):
    """

    events: list[PlainEvent | RatedEvent | WatchedEvent]

    def to_dict(self) -> dict[str, Any]:
        from ..models.rated_event import RatedEvent  # noqa: PLC0415
        from ..models.watched_event import WatchedEvent  # noqa: PLC0415

        events = []
        for events_item_data in self.events:
            events_item: dict[str, Any]
            if isinstance(events_item_data, RatedEvent):
                events_item = events_item_data.to_dict()
            elif isinstance(events_item_data, WatchedEvent):
                events_item = events_item_data.to_dict()
            else:
                events_item = events_item_data.to_dict()

            events.append(events_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "events": events,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.plain_event import PlainEvent  # noqa: PLC0415
        from ..models.rated_event import RatedEvent  # noqa: PLC0415
        from ..models.watched_event import WatchedEvent  # noqa: PLC0415

        d = dict(src_dict)
        events = []
        _events = d.pop("events")
        for events_item_data in _events:

            def _parse_events_item(data: object) -> PlainEvent | RatedEvent | WatchedEvent:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    events_item_type_0 = RatedEvent.from_dict(data)

                    return events_item_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    events_item_type_1 = WatchedEvent.from_dict(data)

                    return events_item_type_1
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                if not isinstance(data, dict):
                    raise TypeError()
                events_item_type_2 = PlainEvent.from_dict(data)

                return events_item_type_2

            events_item = _parse_events_item(events_item_data)

            events.append(events_item)

        events_request = cls(
            events=events,
        )

        return events_request
