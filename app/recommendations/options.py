"""What can be asked of recommendations: filters, order, length, reasons."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.http.cursors import CursorText
from app.http.identifiers import KEY_PATTERN, MAX_KEY_LENGTH
from app.live.filters import Filters
from app.ratings.schemas import MovieRatingRequest

# More than anybody in MovieLens 1M has rated; scoring takes longer with each.
MAX_RATINGS = 5000
MAX_USERS = 100
MAX_SEED = 2**31 - 1

Seed = Annotated[int, Field(ge=0, le=MAX_SEED), WHOLE]
Key = Annotated[str, Field(pattern=KEY_PATTERN, max_length=MAX_KEY_LENGTH, examples=["42"])]
Explain = Annotated[
    int, Field(ge=0, le=5, description="Reasons per movie; without any the answer is faster"), WHOLE
]


class Options(Filters):
    """All that can be asked of a list, apart from whose it is."""

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, values: Any) -> Any:
        for name, value in values.items() if isinstance(values, dict) else ():
            if value is None:
                raise ValueError(f"{name} is left out where it is not wanted, not null")
        return values

    limit: Annotated[int, Field(ge=1, le=100, description="Movies per page"), WHOLE] = 20
    mode: Annotated[
        Literal["rank", "sample"],
        Field(description="`sample` draws a mood of the user, and a list for it"),
    ] = "rank"
    seed: Annotated[
        Seed | None,
        OMITTABLE,
        Field(description="For `sample`: the same seed gives the same list; drawn where not given"),
    ] = None
    diversity: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False, description="0: best first; 1: as unlike as can be"),
    ] = 0.0
    explain: Explain = 3


class RecommendationsQuery(Options):
    """Which movies, in which order, how many, and with how many reasons."""

    cursor: CursorText = ""


class PredictionQuery(RequestModel):
    """How many reasons."""

    explain: Explain = 3


class SimilarQuery(Filters):
    """How many movies, and which."""

    limit: Annotated[int, Field(ge=1, le=100, description="Films")] = 20


class AnonymousRequest(Options):
    """Ratings of somebody who need not be known, and what is asked for them."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "ratings": [{"movie_id": 2959, "liked": True}, {"movie_id": 1, "stars": 2.5}],
                    "genre": ["Drama"],
                    "limit": 5,
                }
            ]
        },
    )

    ratings: Annotated[
        list[MovieRatingRequest],
        Field(max_length=MAX_RATINGS, description="Of two about one movie the later one counts"),
    ]
    cursor: CursorText = ""


class BatchRequest(Options):
    """Whose lists, and what is asked of each."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"examples": [{"users": ["1", "42"], "limit": 5, "explain": 0}]},
    )

    users: Annotated[list[Key], Field(min_length=1, max_length=MAX_USERS)]
