"""Request and response models for events."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.config import JsonDict

from app.core.errors import ErrorBody
from app.events.repository import ListedEvent
from app.http.api import Moment, RequestModel
from app.http.cursors import Cursor, CursorText
from app.http.identifiers import SentMovieKey, SentUserKey
from app.ratings.schemas import Stars
from data.movie_keys import MovieKey
from data.rules import MAX_TIME, TEXT_PATTERN

MAX_AT_ONCE = 5000
MAX_ID_LENGTH = 100

Kind = Literal[
    "rated", "liked", "disliked", "seen", "hidden", "clicked", "purchased", "watched"
]  # those of `app.events.rule`
EventId = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_ID_LENGTH, pattern=TEXT_PATTERN)
]


Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
EXAMPLE: JsonDict = {
    "event_id": "order-1007",
    "movie_id": 2959,
    "kind": "purchased",
    "stars": None,
    "share": None,
    "occurred_at": "2026-11-20T10:15:00Z",
}


class _EventOfUser(RequestModel):
    event_id: Annotated[
        EventId | None,
        Field(
            description="Your id of this event, with which it may be sent again; without one, it "
            "follows from all other fields"
        ),
    ] = None
    user: SentUserKey
    movie_id: SentMovieKey
    occurred_at: Annotated[
        Moment | None,
        Field(description="When, in ISO 8601 with a time zone; now, where left out"),
    ] = None

    @property
    def value(self) -> float | None:
        """The number that is stored with the event."""
        return None


class RatedEvent(_EventOfUser):
    """The user gave stars."""

    kind: Literal["rated"]
    stars: Annotated[Stars, Field(description="0.5 to 5 stars")]

    @property
    def value(self) -> float:
        """The stars."""
        return self.stars


class WatchedEvent(_EventOfUser):
    """The user watched the movie, or a part of it."""

    kind: Literal["watched"]
    share: Annotated[
        Share | None,
        Field(description="Part that was watched, 0 to 1; all of it, where left out"),
    ] = None

    @property
    def value(self) -> float | None:
        """The share."""
        return self.share


class PlainEvent(_EventOfUser):
    """The user did something that has no number."""

    kind: Literal["liked", "disliked", "seen", "hidden", "clicked", "purchased"]


EventRequest = Annotated[RatedEvent | WatchedEvent | PlainEvent, Field(discriminator="kind")]


class EventsRequest(RequestModel):
    """Events of many users, in the order in which they happened."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "event_id": "order-1007",
                            "user": "42",
                            "movie_id": 2959,
                            "kind": "purchased",
                            "occurred_at": "2026-11-20T10:15:00Z",
                        },
                        {"user": "7", "movie_id": 1, "kind": "watched", "share": 0.9},
                    ]
                }
            ]
        },
    )

    events: Annotated[list[EventRequest], Field(min_length=1, max_length=MAX_AT_ONCE)]


class EventResult(BaseModel):
    """The result for one event."""

    event_id: str
    status: Literal[200, 201, 404, 409] = Field(
        description="201 recorded, 200 known already, 404 there is no such movie, 409 another "
        "event has this id"
    )
    error: ErrorBody | None = Field(description="What was wrong; null where nothing was")


class EventResults(BaseModel):
    """The result for each event, in the order of the request."""

    items: list[EventResult]


class Event(BaseModel):
    """An event as it is stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    event_id: str
    movie_id: MovieKey
    kind: Kind
    stars: float | None = Field(description="Null of other kinds than `rated`")
    share: float | None = Field(description="Null of other kinds than `watched`, or not known")
    occurred_at: datetime

    @classmethod
    def of(cls, event: ListedEvent) -> "Event":
        """Convert an event as it is stored."""
        return cls.model_validate(
            {
                "event_id": event.event_id,
                "movie_id": event.movie_id,
                "kind": event.kind,
                "stars": event.value if event.kind == "rated" else None,
                "share": event.value if event.kind == "watched" else None,
                "occurred_at": event.occurred_at,
            }
        )


class EventsPage(BaseModel):
    """A page of the events of a user, the latest first."""

    items: list[Event]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class EventsQuery(RequestModel):
    """Which of the events."""

    kind: Annotated[
        list[Kind], Field(max_length=8, description="Only events of these kinds; may be repeated")
    ] = []
    limit: Annotated[int, Field(ge=1, le=1000, description="Events per page")] = 100
    cursor: CursorText = ""


class EventsCursor(Cursor):
    """The position behind so many of the events of a second, and all later ones."""

    at: Annotated[int, Field(ge=0, le=MAX_TIME, alias="t")]
    skip: Annotated[int, Field(ge=1, le=2**31 - 1, alias="n")]

    @property
    def until(self) -> datetime:
        """The second."""
        return datetime.fromtimestamp(self.at, UTC)
