"""Request and response models for feedback."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from app.core.errors import ErrorBody
from app.events.schemas import EventId
from app.feedback.identity import MAX_LENGTH
from app.feedback.repository import ListedFeedback
from app.http.api import OMITTABLE, Moment, RequestModel
from app.http.identifiers import SentMovieKey, SentUserKey
from app.live.rules import RuleName
from data.movie_keys import MovieKey

MAX_AT_ONCE = 5000

Kind = Literal["shown", "clicked", "watched", "dismissed"]
KINDS: tuple[Kind, ...] = ("shown", "clicked", "watched", "dismissed")
Dimension = Literal["model", "scenario", "place", "experiment", "arm"]
DIMENSIONS: tuple[Dimension, ...] = ("model", "scenario", "place", "experiment", "arm")

EXAMPLE: JsonDict = {
    "feedback_id": "view-1007-2959",
    "movie_id": 2959,
    "kind": "clicked",
    "model": "20261120T101500Z",
    "scenario": "home",
    "experiment": None,
    "arm": None,
    "place": "home-top",
    "occurred_at": "2026-11-20T10:15:00Z",
}
_SENT: JsonDict = {
    "recommendation_id": "mJ2c0V5b7nN8pQZxMjAyNjExMjBUMTAxNTAwWgpob21lCgo",
    "user": "42",
    "movie_id": 2959,
    "kind": "shown",
    "place": "home-top",
}


class FeedbackRequest(RequestModel):
    """What came of one movie of a list."""

    feedback_id: Annotated[
        EventId | None,
        Field(
            description="Your id of this feedback, with which it may be sent again; without one, "
            "it follows from all other fields"
        ),
    ] = None
    recommendation_id: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_LENGTH, pattern="^[A-Za-z0-9_-]+$"),
        Field(description="That of the list"),
    ]
    user: Annotated[
        SentUserKey | None,
        OMITTABLE,
        Field(description="Whose list it is; left out for a list of ratings that were sent"),
    ] = None
    movie_id: SentMovieKey
    kind: Kind
    place: Annotated[
        RuleName | None,
        OMITTABLE,
        Field(description="Where it was shown, by a name of your own, such as `home-top`"),
    ] = None
    occurred_at: Annotated[
        Moment | None,
        Field(description="When, in ISO 8601 with a time zone; now, where left out"),
    ] = None


class FeedbackBatch(RequestModel):
    """Feedback of many users."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"feedback": [_SENT, {**_SENT, "kind": "clicked"}]}]}
    )

    feedback: Annotated[list[FeedbackRequest], Field(min_length=1, max_length=MAX_AT_ONCE)]


class FeedbackResult(BaseModel):
    """The result for one of them."""

    feedback_id: str
    status: Literal[200, 201, 404, 409, 422] = Field(
        description="201 recorded, 200 known already, 404 there is no such movie, 409 other "
        "feedback has this id, 422 the recommendation_id was not given to this user"
    )
    error: ErrorBody | None = Field(description="What was wrong; null where nothing was")


class FeedbackResults(BaseModel):
    """The result for each, in the order of the request."""

    items: list[FeedbackResult]


class Feedback(BaseModel):
    """Feedback as it is stored."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [EXAMPLE]})

    feedback_id: str
    movie_id: MovieKey
    kind: Kind
    model: str | None = Field(description="Version that made the list; null without a model")
    scenario: str | None
    experiment: str | None
    arm: str | None
    place: str | None
    occurred_at: datetime

    @classmethod
    def of(cls, feedback: ListedFeedback) -> "Feedback":
        """Convert feedback as it is stored."""
        return cls.model_validate(feedback)


class Rate(BaseModel):
    """A share of what was shown, with its 95 % interval."""

    share: float
    low: float
    high: float


class FeedbackRow(BaseModel):
    """What came of the lists of one model, scenario, place, experiment and arm.

    A part that the report is not by is null; so is one that the lists had not.
    """

    model: str | None = None
    scenario: str | None = None
    place: str | None = None
    experiment: str | None = None
    arm: str | None = None
    users: int = Field(description="To whom something was shown; each anonymous showing is one")
    shown: int
    clicked: int
    watched: int
    dismissed: int
    click_through: Rate | None = Field(
        description="Clicked of what was shown; null where nothing was shown"
    )
    conversion: Rate | None = Field(description="The same for watched")
    dismissal: Rate | None = Field(description="The same for dismissed")


class FeedbackReport(BaseModel):
    """What came of all lists of a time."""

    since: datetime
    until: datetime
    by: list[Dimension]
    rows: list[FeedbackRow] = Field(description="Those with most shown first, 1,000 at most")


class FeedbackReportQuery(RequestModel):
    """Of what time, and by what."""

    since: Annotated[
        Moment | None, OMITTABLE, Field(description="28 days before `until`, where left out")
    ] = None
    until: Annotated[Moment | None, OMITTABLE, Field(description="Now, where left out")] = None
    by: Annotated[
        list[Dimension],
        Field(max_length=5, description="What has a row of its own; all, where left out"),
    ] = []
