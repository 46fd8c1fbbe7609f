"""What is asked of a recommendation, and what is answered."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.cursors import Cursor, CursorText

LARGEST_POSITION = 2**31 - 1
LARGEST_REVISION = 2**63 - 1


class Source(StrEnum):
    """Where a list, or a film in it, comes from."""

    RBM = "rbm"
    POPULAR = "popular"


class Reason(StrEnum):
    """Why a list is not personal."""

    NO_MODEL = "no_model"
    UNKNOWN_USER = "unknown_user"
    NO_RATINGS = "no_ratings"
    NO_KNOWN_RATINGS = "no_known_ratings"


class RecommendationsQuery(BaseModel):
    """Which part of the list, and with how many reasons."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100, description="Films per page")] = 20
    cursor: CursorText = ""
    explain: Annotated[
        int, Field(ge=0, le=5, description="Reasons per film; without any the answer is faster")
    ] = 3


class Because(BaseModel):
    """A rating that speaks for a film."""

    movie_id: int
    title: str
    liked: bool
    effect: float = Field(
        description="Logit of the score with all ratings, minus that without this one; "
        "effects of several ratings do not add up"
    )


class RecommendedMovie(BaseModel):
    """A film, and how much this person would like it."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    score: float = Field(
        description="Probability that this person will watch and like it; for `popular`, the "
        "share of all users who like it"
    )
    like_probability: float = Field(
        description="Probability that this person likes it once seen; for `popular`, the damped "
        "share of likes among its ratings"
    )
    source: Source = Field(description="`popular` for a film that the model does not know")
    because: list[Because] = Field(
        description="The ratings without which the score would be lower, the strongest first"
    )


EXAMPLE: JsonDict = {
    "user": "42",
    "model": "20261120T101500Z-3f2a",
    "source": "rbm",
    "reason": None,
    "items": [
        {
            "movie_id": 2959,
            "title": "Fight Club",
            "year": 1999,
            "genres": ["Action", "Crime", "Drama", "Thriller"],
            "score": 0.412,
            "like_probability": 0.86,
            "source": "rbm",
            "because": [{"movie_id": 296, "title": "Pulp Fiction", "liked": True, "effect": 0.31}],
        }
    ],
    "next": "eyJtIjoiMjAyNjExMjAuLi4ifQ",
}


class Recommendations(BaseModel):
    """Films that a person has not rated, the best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    user: str
    model: str | None = Field(description="Version that is served; null before the first")
    source: Source
    reason: Reason | None = Field(description="Why the list is not personal; null when it is")
    items: list[RecommendedMovie]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class RecommendationsCursor(Cursor):
    """A place in a list, and all that decides what the list is."""

    # Short names in the encoded form, since a client sends it back in an address.
    request: Annotated[str, Field(max_length=40, alias="q")]
    model: Annotated[str | None, Field(max_length=40, alias="m")]
    revision: Annotated[int, Field(ge=0, le=LARGEST_REVISION, alias="r")]
    state: Annotated[str, Field(max_length=40, alias="s")]
    position: Annotated[int, Field(ge=1, le=LARGEST_POSITION, alias="p")]
