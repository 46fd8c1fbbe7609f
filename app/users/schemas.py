"""Request and response models for users."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.events.schemas import Event
from app.feedback.schemas import Feedback
from app.http.api import OMITTABLE, RequestModel
from app.http.cursors import Cursor, CursorText
from app.ratings.schemas import EXAMPLE as RATING
from app.ratings.schemas import Rating
from data.movie_keys import MovieKey

MAX_REVISION = 2**63 - 1

USER: JsonDict = {"user": "42", "imported_from": None, "ratings_revision": 7}


class SeenMovie(BaseModel):
    """A movie that is not recommended to the user again."""

    model_config = ConfigDict(from_attributes=True)

    movie_id: MovieKey
    hidden: bool = Field(description="The user does not want it")
    seen_at: datetime


class _User(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    user: str
    imported_from: str | None = Field(
        description="The data set that this user was imported with; null for a user of your own"
    )
    ratings_revision: int = Field(description="Number of the last change of these ratings")


class User(_User):
    """All that is stored about a user."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**USER, "ratings": [RATING]}]})

    ratings: list[Rating] = Field(description="Every rating, in the order of the list of ratings")
    seen: list[SeenMovie] = Field(
        default=[],
        exclude_if=lambda value: not value,
        description="Every movie that was seen or hidden; left out where there is none",
    )
    events: list[Event] = Field(
        default=[],
        exclude_if=lambda value: not value,
        description="Every event, the latest first; left out where there is none",
    )
    feedback: list[Feedback] = Field(
        default=[],
        exclude_if=lambda value: not value,
        description="All feedback, the latest first; left out where there is none",
    )


class ListedUser(_User):
    """A user in a list."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**USER, "ratings": 53}]})

    ratings: int = Field(description="How many movies they have rated")


class UsersPage(BaseModel):
    """A page of users."""

    items: list[ListedUser]
    ratings_revision: int = Field(
        description="Number of the last change of ratings before the first page: the next `since`"
    )
    next: str | None = Field(description="Cursor of the next page; null at the end")


class UsersQuery(RequestModel):
    """Which users."""

    since: Annotated[
        Annotated[int, Field(ge=0, le=MAX_REVISION)] | None,
        OMITTABLE,
        Field(description="Only users whose ratings have changed after this `ratings_revision`"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Users per page")] = 100
    cursor: CursorText = ""


class UsersCursor(Cursor):
    """The position behind a user, by the number in the database; a key might end up in a log."""

    after: Annotated[int, Field(ge=1, le=MAX_REVISION, alias="a")]
    since: Annotated[int | None, Field(ge=0, le=MAX_REVISION, alias="s")]
    ratings_revision: Annotated[int, Field(ge=0, le=MAX_REVISION, alias="r")]
