from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.event import Event
    from ..models.feedback import Feedback
    from ..models.rating import Rating
    from ..models.seen_movie import SeenMovie


T = TypeVar("T", bound="User")


@_attrs_define
class User:
    """All that is stored about a user.

    Attributes:
        user (str):
        imported_from (None | str): The data set that this user was imported with; null for a user of your own
        ratings_revision (int): Number of the last change of these ratings
        ratings (list[Rating]): Every rating, in the order of the list of ratings
        seen (list[SeenMovie] | Unset): Every movie that was seen or hidden; left out where there is none
        events (list[Event] | Unset): Every event, the latest first; left out where there is none
        feedback (list[Feedback] | Unset): All feedback, the latest first; left out where there is none
    """

    user: str
    imported_from: None | str
    ratings_revision: int
    ratings: list[Rating]
    seen: list[SeenMovie] | Unset = UNSET
    events: list[Event] | Unset = UNSET
    feedback: list[Feedback] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user = self.user

        imported_from: None | str
        imported_from = self.imported_from

        ratings_revision = self.ratings_revision

        ratings = []
        for ratings_item_data in self.ratings:
            ratings_item = ratings_item_data.to_dict()
            ratings.append(ratings_item)

        seen: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.seen, Unset):
            seen = []
            for seen_item_data in self.seen:
                seen_item = seen_item_data.to_dict()
                seen.append(seen_item)

        events: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.events, Unset):
            events = []
            for events_item_data in self.events:
                events_item = events_item_data.to_dict()
                events.append(events_item)

        feedback: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.feedback, Unset):
            feedback = []
            for feedback_item_data in self.feedback:
                feedback_item = feedback_item_data.to_dict()
                feedback.append(feedback_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user": user,
                "imported_from": imported_from,
                "ratings_revision": ratings_revision,
                "ratings": ratings,
            }
        )
        if seen is not UNSET:
            field_dict["seen"] = seen
        if events is not UNSET:
            field_dict["events"] = events
        if feedback is not UNSET:
            field_dict["feedback"] = feedback

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event import Event  # noqa: PLC0415
        from ..models.feedback import Feedback  # noqa: PLC0415
        from ..models.rating import Rating  # noqa: PLC0415
        from ..models.seen_movie import SeenMovie  # noqa: PLC0415

        d = dict(src_dict)
        user = d.pop("user")

        def _parse_imported_from(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        imported_from = _parse_imported_from(d.pop("imported_from"))

        ratings_revision = d.pop("ratings_revision")

        ratings = []
        _ratings = d.pop("ratings")
        for ratings_item_data in _ratings:
            ratings_item = Rating.from_dict(ratings_item_data)

            ratings.append(ratings_item)

        _seen = d.pop("seen", UNSET)
        seen: list[SeenMovie] | Unset = UNSET
        if _seen is not UNSET:
            seen = []
            for seen_item_data in _seen:
                seen_item = SeenMovie.from_dict(seen_item_data)

                seen.append(seen_item)

        _events = d.pop("events", UNSET)
        events: list[Event] | Unset = UNSET
        if _events is not UNSET:
            events = []
            for events_item_data in _events:
                events_item = Event.from_dict(events_item_data)

                events.append(events_item)

        _feedback = d.pop("feedback", UNSET)
        feedback: list[Feedback] | Unset = UNSET
        if _feedback is not UNSET:
            feedback = []
            for feedback_item_data in _feedback:
                feedback_item = Feedback.from_dict(feedback_item_data)

                feedback.append(feedback_item)

        user = cls(
            user=user,
            imported_from=imported_from,
            ratings_revision=ratings_revision,
            ratings=ratings,
            seen=seen,
            events=events,
            feedback=feedback,
        )

        user.additional_properties = d
        return user

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
