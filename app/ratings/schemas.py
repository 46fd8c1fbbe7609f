"""Request and response models for ratings and users."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from app.core.errors import ErrorBody
from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.http.cursors import Cursor, CursorText
from data.rules import MAX_MOVIE_ID

MAX_AT_ONCE = 1000

Stars = Annotated[float, Field(ge=0.5, le=5, strict=True, allow_inf_nan=False)]
Liked = Annotated[bool, Field(strict=True)]
STARS_OR_LIKED: list[JsonValue] = [{"required": ["stars"]}, {"required": ["liked"]}]
EXAMPLE: JsonDict = {
    "movie_id": 2959,
    "stars": 4.5,
    "liked": True,
    "rated_at": "2026-11-20T10:15:00Z",
}


class RatingRequest(RequestModel):
    """A rating: either stars, or just like or dislike."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": STARS_OR_LIKED,
            "examples": [{"stars": 4.5}, {"liked": True}],
        },
    )

    # Left out, not null: a rating is deleted by DELETE.
    stars: Annotated[Stars | None, OMITTABLE] = Field(default=None, description="0.5 to 5 stars")
    liked: Annotated[Liked | None, OMITTABLE] = Field(default=None, description="Like or dislike")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = self.model_fields_set & {"stars", "liked"}
        if len(given) != 1 or (self.stars is None and self.liked is None):
            raise ValueError("give exactly one of stars and liked")
        return self

    def is_like(self, threshold: float) -> bool:
        """Tell what the model sees: as sent, or derived from the stars."""
        return bool(self.liked) if self.stars is None else self.stars >= threshold


class _OfMovie(RequestModel):
    movie_id: Annotated[int, Field(strict=True, ge=1, le=MAX_MOVIE_ID), WHOLE]


class MovieRatingRequest(RatingRequest, _OfMovie):  # in this order `movie_id` is the first field
    """A rating of a movie: either stars, or just like or dislike."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": STARS_OR_LIKED,
            "examples": [{"movie_id": 2959, "liked": True}],
        },
    )


class Rating(BaseModel):
    """A rating as it is stored."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [EXAMPLE]})

    movie_id: int
    stars: float | None = Field(description="Null where only like or dislike was sent")
    liked: bool = Field(description="What the model sees: as sent, or derived from the stars")
    rated_at: datetime


class BulkRatingsRequest(RequestModel):
    """Ratings of many movies by one user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ratings": [{"movie_id": 2959, "stars": 4.5}, {"movie_id": 1, "liked": False}]}
            ]
        },
    )

    ratings: Annotated[
        list[MovieRatingRequest],
        Field(
            min_length=1,
            max_length=MAX_AT_ONCE,
            description="Of two ratings of one movie the later one counts",
        ),
    ]


class RatingResult(BaseModel):
    """The result for one rating, as if it had been sent alone."""

    movie_id: int
    status: Literal[200, 201, 404] = Field(
        description="201 created, 200 replaced, 404 there is no such movie"
    )
    rating: Rating | None = Field(description="As it is stored; null where there is no such movie")
    error: ErrorBody | None = Field(description="What was wrong; null where nothing was")


class RatingResults(BaseModel):
    """The result for each rating, in the order of the request."""

    items: list[RatingResult]


class RatingsPage(BaseModel):
    """A page of the ratings of a user, by rising movie id."""

    items: list[Rating]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class RatingsQuery(RequestModel):
    """Which of the ratings."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Ratings per page")] = 100
    cursor: CursorText = ""


class RatingsCursor(Cursor):
    """The position behind the movie `after`."""

    after: Annotated[int, Field(ge=1, le=MAX_MOVIE_ID)]


class User(BaseModel):
    """All that is stored about a user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": "42",
                    "imported_from": None,
                    "ratings_revision": 7,
                    "ratings": [EXAMPLE],
                }
            ]
        }
    )

    user: str
    imported_from: str | None = Field(
        description="The data set that this user was imported with; null for a user of your own"
    )
    ratings_revision: int = Field(description="Number of the last change of these ratings")
    ratings: list[Rating] = Field(description="Every rating, by rising movie id")
