"""What can be asked of recommendations: filters, order, length, reasons."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from app.cursors import CursorText
from app.given import OMITTABLE, Given
from app.movies.schemas import LARGEST_MOVIE_ID
from app.numbers import WHOLE
from app.ratings.schemas import StatedRating
from app.users.schemas import KEY_PATTERN, LONGEST_KEY

MOST_GENRES = 20
MOST_EXCLUDED = 1000
# More than anybody in MovieLens 1M has rated; scoring takes longer with each.
MOST_RATINGS = 5000
MOST_PEOPLE = 100
LARGEST_COUNT = 2**31 - 1
LARGEST_SEED = 2**31 - 1
LARGEST_YEAR = 9999

Genre = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Id = Annotated[int, Field(ge=1, le=LARGEST_MOVIE_ID), WHOLE]
Year = Annotated[int, Field(ge=0, le=LARGEST_YEAR), WHOLE]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED), WHOLE]
Key = Annotated[str, Field(pattern=KEY_PATTERN, max_length=LONGEST_KEY, examples=["42"])]
Explain = Annotated[
    int, Field(ge=0, le=5, description="Reasons per film; without any the answer is faster"), WHOLE
]


class Filters(Given):
    """Which films may be in a list."""

    genre: Annotated[
        list[Genre],
        Field(max_length=MOST_GENRES, description="Only films of any of these; may be repeated"),
    ] = []
    exclude_genre: Annotated[
        list[Genre],
        Field(max_length=MOST_GENRES, description="No film of any of these; may be repeated"),
    ] = []
    year_from: Annotated[
        Year | None, OMITTABLE, Field(description="Only films of this year or later")
    ] = None
    year_to: Annotated[
        Year | None, OMITTABLE, Field(description="Only films of this year or earlier")
    ] = None
    exclude: Annotated[
        list[Id],
        Field(max_length=MOST_EXCLUDED, description="None of these films; may be repeated"),
    ] = []
    min_ratings: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT, description="Only films with at least so many ratings"),
        WHOLE,
    ] = 0


class Options(Filters):
    """All that can be asked of a list, apart from whose it is."""

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, values: Any) -> Any:
        for name, value in values.items() if isinstance(values, dict) else ():
            if value is None:
                raise ValueError(f"{name} is left out where it is not wanted, not null")
        return values

    limit: Annotated[int, Field(ge=1, le=100, description="Films per page"), WHOLE] = 20
    mode: Annotated[
        Literal["rank", "sample"],
        Field(description="`sample` draws a mood of the person, and a list for it"),
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
    """Which films, in which order, how many, and with how many reasons."""

    cursor: CursorText = ""


class PredictionQuery(Given):
    """How many reasons."""

    explain: Explain = 3


class SimilarQuery(Filters):
    """How many films, and which."""

    limit: Annotated[int, Field(ge=1, le=100, description="Films")] = 20


class AnybodysRequest(Options):
    """Opinions of somebody who need not be known, and what is asked for them."""

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
        list[StatedRating],
        Field(max_length=MOST_RATINGS, description="Of two about one film the later one counts"),
    ]
    cursor: CursorText = ""


class BatchRequest(Options):
    """Whose lists, and what is asked of each."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"examples": [{"users": ["1", "42"], "limit": 5, "explain": 0}]},
    )

    users: Annotated[list[Key], Field(min_length=1, max_length=MOST_PEOPLE)]
