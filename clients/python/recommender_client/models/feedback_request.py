from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.feedback_request_kind import (
    FeedbackRequestKind,
    check_feedback_request_kind,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="FeedbackRequest")


@_attrs_define
class FeedbackRequest:
    """What came of one movie of a list.

    Attributes:
        recommendation_id (str): That of the list
        movie_id (int | str):
        kind (FeedbackRequestKind):
        feedback_id (None | str | Unset): Your id of this feedback, with which it may be sent again; without one, it
            follows from all other fields
        user (str | Unset): Whose list it is; left out for a list of ratings that were sent
        place (str | Unset): Where it was shown, by a name of your own, such as `home-top`
        occurred_at (datetime.datetime | None | Unset): When, in ISO 8601 with a time zone; now, where left out
    """

    recommendation_id: str
    movie_id: int | str
    kind: FeedbackRequestKind
    feedback_id: None | str | Unset = UNSET
    user: str | Unset = UNSET
    place: str | Unset = UNSET
    occurred_at: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        recommendation_id = self.recommendation_id

        movie_id: int | str
        movie_id = self.movie_id

        kind: str = self.kind

        feedback_id: None | str | Unset
        if isinstance(self.feedback_id, Unset):
            feedback_id = UNSET
        else:
            feedback_id = self.feedback_id

        user = self.user

        place = self.place

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
                "recommendation_id": recommendation_id,
                "movie_id": movie_id,
                "kind": kind,
            }
        )
        if feedback_id is not UNSET:
            field_dict["feedback_id"] = feedback_id
        if user is not UNSET:
            field_dict["user"] = user
        if place is not UNSET:
            field_dict["place"] = place
        if occurred_at is not UNSET:
            field_dict["occurred_at"] = occurred_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        recommendation_id = d.pop("recommendation_id")

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        kind = check_feedback_request_kind(d.pop("kind"))

        def _parse_feedback_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        feedback_id = _parse_feedback_id(d.pop("feedback_id", UNSET))

        user = d.pop("user", UNSET)

        place = d.pop("place", UNSET)

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

        feedback_request = cls(
            recommendation_id=recommendation_id,
            movie_id=movie_id,
            kind=kind,
            feedback_id=feedback_id,
            user=user,
            place=place,
            occurred_at=occurred_at,
        )

        return feedback_request
