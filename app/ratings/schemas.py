"""Request and response models for ratings."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.config import JsonDict
from pydantic_core import CoreSchema
from pydantic_core.core_schema import union_schema

from app.core.errors import ErrorBody
from app.http.api import OMITTABLE, RequestModel
from app.http.cursors import Cursor, CursorText
from app.http.identifiers import SentMovieKey
from data.movie_keys import MAX_ID_BITS, MovieKey
from data.rules import MAX_MOVIE_ID

MAX_AT_ONCE = 1000

Stars = Annotated[float, Field(ge=0.5, le=5, strict=True, allow_inf_nan=False)]
Liked = Annotated[bool, Field(strict=True)]
EXAMPLE: JsonDict = {
    "movie_id": 2959,
    "stars": 4.5,
    "liked": True,
    "rated_at": "2026-11-20T10:15:00Z",
}


class StarsRating(RequestModel):
    """A rating in stars."""

    stars: Annotated[Stars, Field(description="0.5 to 5 stars")]


class LikeRating(RequestModel):
    """A rating as like or dislike, without stars."""

    liked: Annotated[Liked, Field(description="Like or dislike")]


class RatingRequest(RequestModel):
    """A rating: either stars, or just like or dislike."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"stars": 4.5}, {"liked": True}]})
    forms: ClassVar[tuple[type[BaseModel], ...]] = (StarsRating, LikeRating)

    # Left out, not null: a rating is deleted by DELETE.
    stars: Stars | None = None
    liked: Liked | None = None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Publish the two forms; as a union, a wrong rating would be an error for each of them."""
        forms = handler(union_schema([form.__pydantic_core_schema__ for form in cls.forms]))
        whole = handler(schema)
        return {**forms, **{name: whole[name] for name in ("title", "description", "examples")}}

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
    movie_id: SentMovieKey


class MovieStarsRating(StarsRating, _OfMovie):  # in this order `movie_id` is the first field
    """A rating of a movie in stars."""


class MovieLikeRating(LikeRating, _OfMovie):
    """A rating of a movie as like or dislike, without stars."""


class MovieRatingRequest(RatingRequest, _OfMovie):
    """A rating of a movie: either stars, or just like or dislike."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"movie_id": 2959, "liked": True}]})
    forms = (MovieStarsRating, MovieLikeRating)


class Rating(BaseModel):
    """A rating as it is stored."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [EXAMPLE]})

    movie_id: MovieKey
    stars: float | None = Field(description="Null where only like or dislike was sent")
    liked: bool = Field(description="What the model sees: as sent, or derived from the stars")
    rated_at: datetime
    implied_by: Annotated[Literal["clicked", "purchased", "watched"] | None, OMITTABLE] = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="Kind of the event that implied it; left out of a rating that the user gave",
    )


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

    movie_id: MovieKey
    status: Literal[200, 201, 404] = Field(
        description="201 created, 200 replaced, 404 there is no such movie"
    )
    rating: Rating | None = Field(description="As it is stored; null where there is no such movie")
    error: ErrorBody | None = Field(description="What was wrong; null where nothing was")


class RatingResults(BaseModel):
    """The result for each rating, in the order of the request."""

    items: list[RatingResult]


class RatingsPage(BaseModel):
    """A page of the ratings of a user: movies with text keys first, then by rising number."""

    items: list[Rating]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class RatingsQuery(RequestModel):
    """Which of the ratings."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Ratings per page")] = 100
    cursor: CursorText = ""


class RatingsCursor(Cursor):
    """The position behind the movie of this id."""

    after: Annotated[int, Field(ge=-(2**MAX_ID_BITS), le=MAX_MOVIE_ID)]
