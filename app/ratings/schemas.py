"""How opinions are given and shown."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from app.cursors import Cursor, CursorText
from app.movies.schemas import LARGEST_MOVIE_ID

Stars = Annotated[float, Field(ge=0.5, le=5, strict=True, allow_inf_nan=False)]
Liked = Annotated[bool, Field(strict=True)]


class GivenRating(BaseModel):
    """An opinion: either stars, or just like or dislike."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": ["stars"]}, {"required": ["liked"]}],
            "examples": [{"stars": 4.5}, {"liked": True}],
        },
    )

    # Left out, not null: a rating is deleted by DELETE.
    stars: Stars | SkipJsonSchema[None] = Field(default=None, description="0.5 to 5 stars")
    liked: Liked | SkipJsonSchema[None] = Field(default=None, description="Like or dislike")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or (self.stars is None and self.liked is None):
            raise ValueError("give exactly one of stars and liked")
        return self


class Rating(BaseModel):
    """An opinion as it is stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "movie_id": 2959,
                    "stars": 4.5,
                    "liked": True,
                    "rated_at": "2026-11-20T10:15:00Z",
                }
            ]
        }
    )

    movie_id: int
    stars: float | None = Field(description="Null where only like or dislike was given")
    liked: bool = Field(description="What the model sees: as given, or made from the stars")
    rated_at: datetime


class RatingsPage(BaseModel):
    """Some of the ratings of a user, by rising movie id."""

    items: list[Rating]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class RatingsQuery(BaseModel):
    """Which of the ratings."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000, description="Ratings per page")] = 100
    cursor: CursorText = ""


class RatingsCursor(Cursor):
    """The place behind the film `after`."""

    after: Annotated[int, Field(ge=1, le=LARGEST_MOVIE_ID)]
